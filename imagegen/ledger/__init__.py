"""What was intended, paid, reserved and stored, in one place that survives the process.

Order of writes, for each paid unit: intent (with the money set aside), POST, handle, poll, links, picture file (flushed
and renamed), `stored` with its price. A crash between any two leaves one legal way on.
"""

from imagegen.ledger.book import Ledger, ledger_path
from imagegen.ledger.rows import Begun, Budget, CallRow, Intent, Kept, Settlement, UnitRow, UnitState, Wait
from imagegen.ledger.store import Store

__all__ = [
    "Begun",
    "Budget",
    "CallRow",
    "Intent",
    "Kept",
    "Ledger",
    "Settlement",
    "Store",
    "UnitRow",
    "UnitState",
    "Wait",
    "ledger_path",
]
