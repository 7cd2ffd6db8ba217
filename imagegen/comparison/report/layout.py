"""Where each cell stands on the contact sheet: a row for each case, a column for each model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imagegen.comparison.cells import Cell, CellFinding, CellPicture
    from imagegen.comparison.numbers import Numbers


@dataclass(frozen=True, slots=True)
class Tile:
    """One place on the sheet: a picture of a cell, or the cell itself where none came."""

    cell: Cell
    index: int | None
    """Of the picture in its cell."""

    @property
    def picture(self) -> CellPicture | None:
        return None if self.index is None else self.cell.pictures[self.index]

    @property
    def findings(self) -> list[CellFinding]:
        """What probes said of this picture."""
        return [each for each in self.cell.findings if each.picture == self.index]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All cells in their places."""

    models: Sequence[str]
    cases: Sequence[str]
    places: dict[tuple[str, str], list[Cell]]
    """Repeats by (case, model)."""

    def tiles(self, case: str, model: str) -> list[Tile]:
        """The pictures of all repeats; a tile without a picture for each repeat that gave none."""
        return [tile for cell in self.places.get((case, model), ()) for tile in _tiles_of(cell)]

    def first(self, case: str) -> Cell:
        """A cell of this case, for what all its cells share: prompt and tags."""
        return next(self.places[case, model][0] for model in self.models if (case, model) in self.places)


def laid_out(cells: Iterable[Cell], numbers: Numbers) -> Sheet:
    """Models in the order of their numbers, then those without; cases as they came."""
    places: dict[tuple[str, str], list[Cell]] = {}
    cases: dict[str, None] = {}
    models = {row.model: None for row in numbers.models}
    for cell in cells:
        places.setdefault((cell.case, cell.model), []).append(cell)
        cases[cell.case] = models[cell.model] = None
    for repeats in places.values():
        repeats.sort(key=lambda cell: cell.repeat)
    return Sheet(tuple(models), tuple(cases), places)


def _tiles_of(cell: Cell) -> Iterator[Tile]:
    if not cell.pictures:
        yield Tile(cell, None)
    for index in range(len(cell.pictures)):
        yield Tile(cell, index)


def is_inside(name: str) -> bool:
    """Whether a file's name stays in the comparison's folder: names are data, and data may be hostile."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name


def address_of(name: str) -> str | None:
    """The file as an address relative to the page; None for one outside its folder."""
    return "./" + quote(name, safe="/", errors="replace") if is_inside(name) else None


def path_of(folder: Path, name: str | None) -> Path | None:
    """The file itself, if it is there, a file, and inside the folder, links followed."""
    if name is None or not is_inside(name):
        return None
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None
