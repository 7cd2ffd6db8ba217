"""A comparison's folder: its cells, one a line, written as each is finished; originals and thumbnails beside them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen import files
from imagegen.comparison.cells import Cell
from imagegen.errors import ConfigurationError
from imagegen.pictures import SUFFIXES

if TYPE_CHECKING:
    from imagegen.types.result import Image

CELLS, ABOUT, PICTURES, THUMBNAILS = "results.jsonl", "comparison.json", "pictures", "thumbnails"
_LOCK = ".lock"
_BLOCK = 65536


class CellStore:
    """The folder of one comparison. One process at a time writes in it; several runs add to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / CELLS
        self._locked: int | None = None
        self._writing = threading.Lock()

    def open(self) -> None:
        """Make the folder, keep others from writing in it, and cut off a line that a crash left unfinished.

        Raises:
            ConfigurationError: It cannot be written, or another process is running a comparison there.
        """
        try:
            for name in ("", PICTURES, THUMBNAILS):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            self._locked = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            free = files.try_lock(self._locked)
            if free:
                self._mend()
        except OSError as error:
            self.close()
            raise ConfigurationError(f"{self.folder}: {error.strerror or error}") from None
        if not free:
            self.close()
            raise ConfigurationError(f"another process is running a comparison in {self.folder}")

    def close(self) -> None:
        """Let others write here."""
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None

    def _mend(self) -> None:
        """Cut the file after its last newline."""
        if not self._path.exists():
            return
        with self._path.open("rb+") as file:
            start = file.seek(0, os.SEEK_END)
            while start:
                end, start = start, max(0, start - _BLOCK)
                file.seek(start)
                if (found := file.read(end - start).rfind(b"\n")) >= 0:
                    file.truncate(start + found + 1)
                    return
            file.truncate(0)

    def add(self, cell: Cell) -> None:
        """Write a finished cell; it is on the disk when this returns."""
        with self._writing, self._path.open("ab") as file:
            file.write(cell.to_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def cells(self) -> Iterator[Cell]:
        """The cells of the comparison as it now is, read one by one; of one that was made again the last.

        Raises:
            ConfigurationError: A line is no cell: which one.
        """
        current, last = self.about().get("cases"), set(self._lines_by_key().values())
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for number, line in enumerate(file):
                if number not in last:
                    continue
                try:
                    cell = Cell.from_json(line.decode())
                except ConfigurationError as error:
                    raise ConfigurationError(f"{self._path}:{number + 1}: {error.message}") from None
                if current is None or current.get(cell.case) == cell.fingerprint:
                    yield cell

    def _lines_by_key(self) -> dict[str, int]:
        found: dict[str, int] = {}
        if self._path.exists():
            with self._path.open("rb") as file:
                for number, line in enumerate(file):
                    with contextlib.suppress(ValueError, KeyError, TypeError):
                        found[json.loads(line)["key"]] = number
        return found

    def finished(self, again: Iterable[str] = ()) -> set[str]:
        """The keys of the cells that need not be made; ``again`` are outcomes that are to be made once more."""
        outcomes = set(again)
        if not outcomes:
            return set(self._lines_by_key())
        return {cell.key for cell in self.cells() if not (cell.outcome in outcomes and cell.billed == "no")}

    def tries(self) -> Counter[str]:
        """How often each cell was made, by its key."""
        found: Counter[str] = Counter()
        if self._path.exists():
            with self._path.open("rb") as file:
                found.update(json.loads(line)["key"] for line in file)
        return found

    def about(self) -> dict[str, Any]:
        """What the comparison is: title, cases, models, settings; empty where none was run here."""
        try:
            found: dict[str, Any] = json.loads((self.folder / ABOUT).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{self.folder / ABOUT}: {error}") from None
        return found

    def describe(self, title: str, cases: Mapping[str, str], facts: Mapping[str, str]) -> None:
        """Write what is compared; cases (id to fingerprint) of earlier runs stay, unless they were changed."""
        merged = {**self.about().get("cases", {}), **cases}
        text = json.dumps({"title": title, "cases": merged, "facts": dict(facts)}, indent=1, ensure_ascii=False)
        files.write_atomic(self.folder / ABOUT, text.encode())

    def keep(self, image: Image, sha256: str) -> str:
        """The picture's own bytes in a file of the folder, linked where that is possible; its name below the folder."""
        name = f"{PICTURES}/{sha256}{SUFFIXES[image.media_type]}"
        target = self.folder / name
        if target.exists():
            return name
        if image.content.path is not None:
            with contextlib.suppress(OSError):
                os.link(image.content.path, target)
                return name
            part = target.with_suffix(".part")
            shutil.copyfile(image.content.path, part)
            os.replace(part, target)
            return name
        files.write_atomic(target, image.content.view())
        return name
