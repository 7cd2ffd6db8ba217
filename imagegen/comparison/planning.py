"""Which cells there are, and what they would cost, before anything is paid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from imagegen.comparison.suites import Case, Suite
from imagegen.errors import ConfigurationError, UnsupportedError

if TYPE_CHECKING:
    from imagegen.client import AsyncClient
    from imagegen.comparison.store import CellStore
    from imagegen.types.job import Plan
    from imagegen.types.run import Policy


_AGAIN = ("failed", "refused")
_MOST_NOTES = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a comparison is to be run: everything but the suite."""

    models: tuple[str, ...]
    repeats: int = 1
    max_usd: Decimal | None = None
    """No call is made that could take the comparison above this."""
    max_usd_per_image: Decimal | None = None
    """What to set aside for a picture whose price is not known."""
    judge: str | None = None
    """``connection:model`` that is asked about every picture, and paid; None: nobody."""
    probes: tuple[str, ...] | None = None
    """Which to use; None: all that the suite wants and that are installed; (): none."""
    parallel: int = 4
    """Calls at once for each connection."""
    policy: Policy = "best_effort"
    """A model that cannot do it all is compared as far as it can, and the difference is marked."""
    timeout_s: float | None = None
    order_seed: int = 0
    """Of the order in which cells are made, and of the resampling."""
    retry_failed: bool = False
    """Make failed and refused cells that were not billed once more."""
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell to be made."""

    key: str
    case: Case
    model: str
    repeat: int
    tries: int = 0
    """How often it was made before; only what failed is made again."""
    at_most_usd: Decimal | None = None
    """What it can cost; None where its price is not known."""

    @property
    def paid_once_by(self) -> str:
        """The key of the call on the ledger."""
        return f"{self.key}-{self.tries}" if self.tries else self.key


@dataclass(slots=True)
class ModelCost:
    """What the cells of one model that are still to be made would cost."""

    model: str
    cells: int = 0
    finished: int = 0
    """Cells that are stored already, and cost nothing more."""
    known_usd: Decimal = Decimal(0)
    at_most_usd: Decimal | None = Decimal(0)
    """None where no price is known for some of them."""
    adapted: dict[str, int] = field(default_factory=dict)
    """Cells by the field that this model cannot do as asked."""
    impossible: int = 0
    """Cells that the model cannot do at all: they fail without being sent."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """What a comparison would do and cost."""

    cells: tuple[Planned, ...]
    """Those that are still to be made."""
    models: tuple[ModelCost, ...]

    @property
    def at_most_usd(self) -> Decimal | None:
        """The most that it can cost; None where a price is not known."""
        costs = [each.at_most_usd for each in self.models]
        return None if None in costs else sum((each for each in costs if each is not None), Decimal(0))

    @property
    def known_usd(self) -> Decimal:
        """The least that it costs, as far as is known."""
        return sum((each.known_usd for each in self.models), Decimal(0))


def cell_key(case: Case, model: str, repeat: int) -> str:
    """The same request, model and repeat have the same key in every run; it is the call's key on the ledger."""
    return "cell-" + hashlib.sha256(f"{case.request.fingerprint}\n{model}\n{repeat}".encode()).hexdigest()[:40]


def plan_cells(client: AsyncClient, suite: Suite, wanted: Wanted, store: CellStore) -> ComparisonPlan:
    """What is still to be made, and its cost.

    Raises:
        ConfigurationError: A model is named twice or has no connection.
    """
    models = wanted.models
    if not models or len(set(models)) < len(models):
        raise ConfigurationError("name the models to compare, each once")
    if wanted.repeats < 1:
        raise ConfigurationError(f"repeats is 1 or more, not {wanted.repeats}")
    finished, tries = store.finished(_AGAIN if wanted.retry_failed else ()), store.tries()
    costs = {model: ModelCost(model) for model in models}
    planned: list[Planned] = []
    for case in suite:
        for model in models:
            keys = {cell_key(case, model, repeat): repeat for repeat in range(wanted.repeats)}
            missing = [
                Planned(key, case, model, repeat, tries[key]) for key, repeat in keys.items() if key not in finished
            ]
            costs[model].finished += len(keys) - len(missing)
            if missing:
                plan = _plan(client, missing[0], wanted.policy)
                at_most = Decimal(0) if isinstance(plan, UnsupportedError) else plan.cost.at_most_usd
                planned += [replace(each, at_most_usd=at_most) for each in missing]
                _count(costs[model], plan, len(missing))
    return ComparisonPlan(tuple(planned), tuple(costs.values()))


def _plan(client: AsyncClient, cell: Planned, policy: Policy) -> Plan | UnsupportedError:
    try:
        return client.plan(cell.case.request, model=cell.model, policy=policy)
    except UnsupportedError as error:
        return error


def _count(cost: ModelCost, plan: Plan | UnsupportedError, cells: int) -> None:
    cost.cells += cells
    if isinstance(plan, UnsupportedError):
        cost.impossible += cells
        cost.notes = tuple(dict.fromkeys([*cost.notes, plan.message]))[:_MOST_NOTES]
        return
    cost.known_usd += cells * plan.cost.known_usd
    at_most = plan.cost.at_most_usd
    cost.at_most_usd = None if at_most is None or cost.at_most_usd is None else cost.at_most_usd + cells * at_most
    for name in {each.field for each in plan.adaptations}:
        cost.adapted[name] = cost.adapted.get(name, 0) + cells
    cost.notes = tuple(dict.fromkeys([*cost.notes, *plan.warnings]))[:_MOST_NOTES]
