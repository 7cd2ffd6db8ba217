"""What the tests of the ledger share: intents, settlements, a clock that is moved by hand."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

from imagegen.errors import Billed
from imagegen.ledger import Begun, Budget, CallRow, Intent, Kept, Settlement, Store, UnitState
from imagegen.types.limits import Limits

USD = 10**9
"""A dollar, in billionths."""
_numbers = itertools.count(1)


class Clock:
    """The time of day, moved by hand."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def a_call(call_id: str | None = None, **fields: Any) -> CallRow:
    """A call; its binding follows from nothing but its id."""
    call_id = call_id or f"call-{next(_numbers)}"
    return CallRow(call_id, **{"binding": f"b-{call_id}", "fingerprint": "r1:f", "operation": "generate", **fields})


def an_intent(call: CallRow | None = None, **fields: Any) -> Intent:
    """A submit of one picture that costs three cents at most."""
    values: dict[str, Any] = {
        "job": '{"id": "j"}',
        "task": 0,
        "attempt": 1,
        "task_key": "t",
        "connection": "acme",
        "account": "acme#1",
        "family": "sketch",
        "model": "sketch",
        "pictures": 1,
        "estimated_least": usd("0.03"),
        "estimated_most": usd("0.03"),
        "limits": Limits(),
        **fields,
    }
    return Intent(call or a_call(), **values)


def usd(text: str) -> int:
    """Billionths."""
    return int(Decimal(text) * USD)


def begin(store: Store, call: CallRow | None = None, **fields: Any) -> int:
    """A unit whose intent is written."""
    begun = store.begin(an_intent(call, **fields))
    assert isinstance(begun, Begun), begun
    return begun.unit


def paid(price: str | None = "0.03", state: UnitState = UnitState.STORED, **fields: Any) -> Settlement:
    """A picture that came, with the price that the provider reported."""
    reported = None if price is None else usd(price)
    return Settlement(state, Billed.YES, **{"reported": reported, "came": 1, **fields})


def ended(state: UnitState, billed: Billed, **fields: Any) -> Settlement:
    """Nothing came."""
    return Settlement(state, billed, **{"computed": 0 if billed is Billed.NO else None, **fields})


def label_budget(name: str, amount: str) -> Budget:
    """What may be spent under a label."""
    return Budget(f"label:{name}", usd(amount), f"the budget of {name}")


def keep(path: Path, content: bytes, slot: int = 0) -> Kept:
    """A picture in the folder of the ledger at ``path``."""
    from imagegen.ledger.files import Folder
    from imagegen.types.picture import PictureData

    sha256, file = Folder(path.with_suffix(".files")).keep(PictureData(content), "image/png")
    return Kept(slot, sha256, file.name, "image/png", len(content))
