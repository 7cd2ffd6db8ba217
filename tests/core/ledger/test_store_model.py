"""The store against a model of dicts: any order of begins, ends, crashes, claims and budgets, on one file."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.ledger.making import Clock, a_call, an_intent, usd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from imagegen.errors import Billed, BudgetExceededError, ConfigurationError, ImageGenError
from imagegen.ledger import Begun, Settlement, Store, UnitState
from imagegen.ledger.claims import Busy, Mine, Stored, claim

LABELS = st.sampled_from([None, "a", "b"])
PRICES = st.sampled_from([0, usd("0.01"), usd("0.03"), usd("0.5")])
WORKERS = st.integers(0, 2)
LAST = [state for state in UnitState if state not in ("intent", "submitted", "ready", "unknown")]
OPEN = ("intent", "submitted", "ready", "unknown")


@dataclass
class Unit:
    """What the model knows of a unit."""

    scopes: list[str]
    worker: str
    reserved: int
    state: str = "intent"
    spent: int = 0


class Model(RuleBasedStateMachine):
    """Three processes on one ledger."""

    units = Bundle("units")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        self.born = 0
        self.stores = [self.new_store() for _ in range(3)]
        self.model: dict[int, Unit] = {}
        self.budgets: dict[str, int] = {}
        self.allowed: dict[str, int] = {}
        """What a scope may come to: its budget, or what it had come to when that was set lower."""
        self.overruns: dict[str, int] = {}
        self.holders: dict[str, tuple[str, str]] = {}
        """Who has a key's call under way: its id and the worker."""
        self.results: dict[str, str] = {}
        self.tried: dict[str, int] = {}
        self.calls_at: list[int] = []
        self.repeats_at: list[int] = []
        """The hours of calls, and of repeats."""
        self.last_rows: dict[int, tuple[Any, ...]] = {}

    def new_store(self) -> Store:
        self.born += 1
        return Store(self.folder / "ledger.sqlite", f"{self.born}-w", clock=self.clock)

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)

    def used(self, scope: str) -> int:
        mine = [unit for unit in self.model.values() if scope in unit.scopes]
        return sum(unit.reserved if unit.state in OPEN else unit.spent for unit in mine)

    def bounds(self, scopes: list[str]) -> dict[str, int]:
        """The budgets that hold for a unit, by the scopes they are counted under."""
        return {
            scope: self.budgets[name]
            for scope in scopes
            if (name := "day" if scope.startswith("day:") else scope) in self.budgets
        }

    # Rules.

    @initialize(target=units, day=st.none() | PRICES, label=st.none() | PRICES)
    def start(self, day: int | None, label: int | None) -> Any:
        """Budgets from the beginning, or none; and calls of every process."""
        self.set_budget("day", day)
        self.set_budget("label:a", label)
        return multiple(*(unit for who in range(3) for unit in self.begin_some(who, ["a", None], [usd("0.01")])))

    @rule(
        target=units,
        who=WORKERS,
        labels=st.lists(LABELS, min_size=1, max_size=3),
        prices=st.lists(st.none() | PRICES, min_size=1, max_size=3),
    )
    def begin(self, who: int, labels: list[str | None], prices: list[int | None]) -> Any:
        return multiple(*self.begin_some(who, labels, prices))

    def begin_some(self, who: int, labels: list[str | None], prices: list[int | None]) -> list[int]:
        begun = [self.begin_one(who, label, price) for label in labels for price in prices]
        return [unit for unit in begun if unit is not None]

    def begin_one(self, who: int, label: str | None, price: int | None) -> int | None:
        """Money is set aside exactly where the model has room for it."""
        call = a_call(label=label)
        scopes = [f"day:{self.today()}"] + ([f"label:{label}"] if label else [])
        bounds = self.bounds(scopes)
        fits = not bounds or (
            price is not None
            and not any(self.overruns.get(scope) for scope in bounds)
            and all(self.used(scope) + price <= bound for scope, bound in bounds.items())
        )
        try:
            begun = self.stores[who].begin(an_intent(call, estimated_least=price, estimated_most=price))
        except BudgetExceededError:
            assert not fits
            return None
        assert fits
        assert isinstance(begun, Begun)
        self.model[begun.unit] = Unit(scopes, self.stores[who].worker, price or 0)
        self.calls_at.append(int(self.clock.now // 3600))
        return begun.unit

    @rule(unit=units, who=WORKERS, state=st.sampled_from([UnitState.SUBMITTED, UnitState.READY]))
    def accept(self, unit: int, who: int, state: UnitState) -> None:
        """A handle or links are written down; never over a last state."""
        is_open = self.model[unit].state in OPEN
        with contextlib.nullcontext() if is_open else _refused():
            self.stores[who].accepted(unit, state, "{}", None)
        if is_open:
            self.model[unit].state = state.value

    @rule(unit=units, who=WORKERS)
    def lose(self, unit: int, who: int) -> None:
        """Nobody knows what became of it: the money stays set aside."""
        self.stores[who].settle(unit, Settlement(UnitState.UNKNOWN, Billed.UNKNOWN))
        if self.model[unit].state in OPEN:
            self.model[unit].state = "unknown"

    @rule(
        unit=units, who=WORKERS, state=st.sampled_from(LAST), billed=st.sampled_from(Billed), price=st.none() | PRICES
    )
    def settle(self, unit: int, who: int, state: UnitState, billed: Billed, price: int | None) -> None:
        """The first last state stays; also for what was unknown, as when a provider was asked later."""
        self.stores[who].settle(unit, Settlement(state, billed, reported=price, came=1))
        known = self.model[unit]
        if known.state not in OPEN:
            return
        known.state = state.value
        if billed is not Billed.NO:
            known.spent = known.reserved if price is None else price
            self.add_overrun(unit, known, price)

    @rule(unit=units, who=WORKERS, price=PRICES)
    def pay_too_much(self, unit: int, who: int, price: int) -> None:
        """A bill above the reserve; what follows under the same budgets is refused until that is accepted."""
        labels = [scope.removeprefix("label:") for scope in self.model[unit].scopes if scope.startswith("label:")]
        self.settle(unit, who, UnitState.STORED, Billed.YES, self.model[unit].reserved + 1)
        self.begin_one(who, labels[0] if labels else None, price)

    def add_overrun(self, unit: int, known: Unit, price: int | None) -> None:
        (row,) = self.stores[0].read("SELECT reserved FROM units WHERE id = ?", (unit,))
        over = max(0, price - row["reserved"]) if price is not None and row["reserved"] is not None else 0
        for scope in known.scopes:
            self.overruns[scope] = self.overruns.get(scope, 0) + over
            self.allowed[scope] = self.allowed.get(scope, 0) + over
            if row["reserved"] is None:  # begun without a budget, at no known price
                self.allowed[scope] += known.spent

    @rule(who=WORKERS)
    def crash(self, who: int) -> None:
        """A process ends anyhow; what it was submitting is unknown, its keys are free to be taken up."""
        dead = self.stores[who].worker
        self.stores[who].close()
        self.stores[who] = self.new_store()
        sending = [unit for unit in self.model.values() if unit.worker == dead and unit.state == "intent"]
        assert self.stores[who].orphan([dead]) == len(sending)
        for unit in sending:
            unit.state = "unknown"

    @rule(scope=st.sampled_from(["day", "label:a", "label:b"]), amount=st.none() | PRICES)
    def budget(self, scope: str, amount: int | None) -> None:
        """Set, changed or lifted at any time."""
        self.set_budget(scope, amount)

    def set_budget(self, scope: str, amount: int | None) -> None:
        self.stores[0].set_budget(scope, amount)
        self.budgets.pop(scope, None)
        if amount is not None:
            self.budgets[scope] = amount
        self.allowed = {}

    @rule()
    def accept_overrun(self) -> None:
        """What was over is over; the next one stops again."""
        had = sum(over > 0 for over in self.overruns.values())
        assert self.stores[1].accept_overrun() == had
        self.overruns.clear()

    @rule(hours=st.sampled_from([0.001, 1, 30]))
    def time_goes_by(self, hours: float) -> None:
        self.clock.now += hours * 3600

    def today(self) -> str:
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self.clock.now, UTC).date().isoformat()

    @rule(who=WORKERS)
    def repeat(self, who: int) -> None:
        """Repeats are shared, and there are at most three and a tenth of the calls."""
        hour = int(self.clock.now // 3600)
        calls, repeats = (sum(each >= hour - 1 for each in hours) for hours in (self.calls_at, self.repeats_at))
        assert self.stores[who].take_repeat("acme#1") == (repeats < 3 + calls // 10)
        if repeats < 3 + calls // 10:
            self.repeats_at.append(hour)

    # Keys.

    @rule(who=WORKERS, key=st.sampled_from(["k1", "k2"]), other=st.booleans())
    def claim_key(self, who: int, key: str, other: bool) -> None:
        """A key is one process's at a time; done, it gives its result; for something else it is refused."""
        store = self.stores[who]
        call = a_call(key=key, binding=f"{key}{'-other' if other and key in self.tried else ''}")
        alive = {each.worker for each in self.stores}
        try:
            found = claim(store, call, alive.__contains__, retry_unknown=False)
        except ConfigurationError:
            assert other
            return
        assert not call.binding.endswith("-other")
        holder = self.holders.get(key)
        if key in self.results:
            assert isinstance(found, Stored)
        elif holder is not None and holder[1] in alive:
            assert isinstance(found, Busy)
        else:
            assert isinstance(found, Mine)
            assert holder is None or found.call.id == holder[0]
            self.tried[key] = self.tried.get(key, 0) + 1
            self.holders[key] = (found.call.id, store.worker)

    @precondition(lambda self: self.holders)
    @rule(done=st.booleans(), data=st.data())
    def end_claimed(self, done: bool, data: Any) -> None:
        """The holder ends its call, with or without a result."""
        key = data.draw(st.sampled_from(sorted(self.holders)))
        call_id, worker = self.holders[key]
        store = next((each for each in self.stores if each.worker == worker), None)
        if store is None or key in self.results:
            return
        store.finish(call_id, (), "{}" if done else None)
        if done:
            self.results[key] = call_id
        self.holders[key] = (call_id, "ended")

    # What always holds.

    @invariant()
    def totals_are_sums(self) -> None:
        for scope, reserved, settled in self.stores[2].read("SELECT scope, reserved, settled FROM totals"):
            mine = [unit for unit in self.model.values() if scope in unit.scopes]
            assert reserved == sum(unit.reserved for unit in mine if unit.state in OPEN)
            assert settled == sum(unit.spent for unit in mine)

    @invariant()
    def budgets_hold(self) -> None:
        """Nothing that was begun under a budget took it above, overruns apart."""
        for scope in {scope for unit in self.model.values() for scope in unit.scopes}:
            for bound in self.bounds([scope]).values():
                allowed = self.allowed.setdefault(scope, max(bound, self.used(scope)))
                assert self.used(scope) <= allowed

    @invariant()
    def states_agree_and_last_ones_stay(self) -> None:
        for row in self.stores[0].read("SELECT * FROM units"):
            assert row["state"] == self.model[row["id"]].state
            if row["state"] not in OPEN:
                assert self.last_rows.setdefault(row["id"], tuple(row)) == tuple(row)


@contextlib.contextmanager
def _refused() -> Any:
    try:
        yield
    except ImageGenError:
        return
    raise AssertionError("a last state was changed")


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=35,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
