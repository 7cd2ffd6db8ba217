"""What a picture shows: the ground truth of a prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from imagegen_providers.stub.boards import Board
from imagegen_providers.stub.words import MIRRORED_SIDE, Side, Style

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Group:
    """So many things of one shape and colour."""

    count: int
    shape: str
    colour: str | None = None
    """A name of `words.COLOURS`, with ``dark`` or ``light`` before it; None: the painter's choice."""
    place: str | None = None
    """A name of `words.PLACES`."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """A text to be written exactly so."""

    text: str
    colour: str | None = None
    place: str | None = None
    turn: int = 0
    """Degrees clockwise, 0 to 359; 90 reads downwards."""
    type_px: int | None = None
    """The font's size in pixels; None: as large as looks well."""


Thing: TypeAlias = Group | Lettering | Board


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing beside another: the first is on this side of the second."""

    first: int
    """Which of the scene's things, from 0."""
    side: Side
    second: int

    def mirrored(self) -> Relation:
        """The opposite of it."""
        return replace(self, side=MIRRORED_SIDE[self.side])


@dataclass(frozen=True, slots=True)
class Scene:
    """The ground truth of a prompt, or of what was painted."""

    things: tuple[Thing, ...] = ()
    relations: tuple[Relation, ...] = ()
    background: str | None = None
    """A colour; None: the painter's choice."""
    style: Style | None = None

    @property
    def groups(self) -> tuple[Group, ...]:
        return tuple(thing for thing in self.things if isinstance(thing, Group))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(thing.text for thing in self.things if isinstance(thing, Lettering))

    @property
    def letterings(self) -> tuple[Lettering, ...]:
        return tuple(thing for thing in self.things if isinstance(thing, Lettering))

    @property
    def boards(self) -> tuple[Board, ...]:
        return tuple(thing for thing in self.things if isinstance(thing, Board))

    def without(self, gone: Collection[int]) -> Scene:
        """The scene with some of its things left out."""
        kept = [index for index in range(len(self.things)) if index not in gone]
        relations = (each for each in self.relations if each.first in kept and each.second in kept)
        return replace(
            self,
            things=tuple(self.things[index] for index in kept),
            relations=tuple(Relation(kept.index(each.first), each.side, kept.index(each.second)) for each in relations),
        )
