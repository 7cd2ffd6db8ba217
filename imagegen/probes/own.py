"""The probes that imagegen itself has, offered as any plugin offers its own."""

from __future__ import annotations

from imagegen.hookspecs import hookimpl
from imagegen.probes.contract import Probe
from imagegen.probes.grid import Grid
from imagegen.probes.locality import Locality
from imagegen.probes.relation import Relation
from imagegen.probes.technical import Technical
from imagegen.probes.text import Text
from imagegen.probes.things import Colour, Count


@hookimpl
def imagegen_probes() -> list[type[Probe]]:
    """Text, counts, colours, places, boards, edits, and the file itself."""
    return [Text, Count, Colour, Relation, Grid, Locality, Technical]
