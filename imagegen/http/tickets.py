"""What the splitter made of a JSON text: the small rest, and the pictures for which tickets stand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imagegen.http.base64_text import Base64Text
    from imagegen.types.picture import PictureData


class Split:
    """A JSON text and the pictures that were taken out of it. Its length is the number of pictures."""

    def __init__(self, rest: bytes, taken: Mapping[str, Base64Text]) -> None:
        self.rest = rest
        """The text with a ticket in place of every picture."""
        self._taken = taken
        self._claimed: set[str] = set()

    def __len__(self) -> int:
        return len(self._taken)

    @property
    def pictures(self) -> tuple[PictureData, ...]:
        """All that was taken out, in order, claimed or not."""
        return tuple(string.picture for string in self._taken.values() if string.picture)

    @property
    def tickets(self) -> frozenset[str]:
        """All that stand in `rest`."""
        return frozenset(self._taken)

    def claim(self, text: str) -> PictureData | None:
        """The picture behind a ticket; None if ``text`` is no ticket."""
        string = self._taken.get(text)
        if string is None:
            return None
        self._claimed.add(text)
        return string.picture

    def unclaimed(self) -> frozenset[str]:
        """The tickets that nobody asked about: what they stand for may be no picture."""
        return frozenset(self._taken.keys() - self._claimed)

    def left_in(self, model: BaseModel) -> frozenset[str]:
        """The tickets that stand in fields of text."""
        return frozenset(self._taken.keys() & _texts(model))

    def put_back(self, rest: bytes, which: Iterable[str]) -> bytes:
        """``rest`` with the original text in place of those tickets."""
        for ticket in which:
            rest = rest.replace(ticket.encode(), self._taken[ticket].original())
        return rest

    def original(self) -> bytes:
        """The whole text, byte for byte as it came."""
        return self.put_back(self.rest, self._taken)

    def described(self, rest: bytes) -> bytes:
        """``rest`` fit to be shown: a size in place of every claimed picture, the text of all others."""
        for number, (ticket, string) in enumerate(self._taken.items(), start=1):
            if ticket in self._claimed and string.picture is not None:
                words = f"<picture {number}: {string.picture.size_bytes} bytes>"
                rest = rest.replace(ticket.encode(), words.encode())
        return self.put_back(rest, self.unclaimed())

    def discard_unclaimed(self) -> None:
        """Remove the files of pictures that nobody asked for. Their text cannot be put back any more."""
        for ticket in self.unclaimed():
            self._taken[ticket].abort()


def _texts(value: Any) -> set[str]:
    """Every text in a validated model, at any depth."""
    found: set[str] = set()
    ahead = [value]
    while ahead:
        each = ahead.pop()
        if isinstance(each, str):
            found.add(each)
        elif isinstance(each, dict):
            ahead += [*each.keys(), *each.values()]
        elif isinstance(each, (list, tuple, set, frozenset)):
            ahead += each
        elif each is not None and isinstance(each, BaseModel):
            ahead += [*each.__dict__.values(), each.__pydantic_extra__]
    return found
