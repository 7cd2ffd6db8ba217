"""The ledger's files: pictures under the hash of their content, what is no picture in quarantine, open requests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen.files import give_name, open_temporary
from imagegen.pictures import SUFFIXES

if TYPE_CHECKING:
    from imagegen.types.picture import PictureData

_PIECE = 1 << 18


class Folder:
    """The folder beside the database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self, kind: str) -> Path:
        """The folder of one kind of files; it and those it is in are made for their owner alone."""
        for folder in (self.path.parent, self.path, self.path / kind):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.path / kind

    def keep(self, picture: PictureData, media_type: str) -> tuple[str, Path]:
        """Write a whole picture to disk for good; its sha256 and its file. One that is there already is kept once."""
        return self._keep(picture, "pictures", SUFFIXES[media_type])

    def quarantine(self, raw: bytes) -> Path:
        """Keep paid bytes that are no whole picture, for a person or a better parser to look at."""
        from imagegen.types.picture import PictureData

        return self._keep(PictureData(raw), "quarantine", ".bin")[1]

    def _keep(self, picture: PictureData, kind: str, suffix: str) -> tuple[str, Path]:
        """The hash is computed while writing; flush, rename and flush the folder before anybody hears of it."""
        folder = self.make(kind)
        (temporary, handle), digest, view = open_temporary(folder, 0o600), hashlib.sha256(), picture.view()
        try:
            with open(handle, "wb", buffering=0) as file:
                for start in range(0, len(view), _PIECE):
                    piece = view[start : start + _PIECE]
                    digest.update(piece)
                    while piece:
                        piece = piece[file.write(piece) :]
            target = folder / f"{digest.hexdigest()}{suffix}"
            give_name(temporary, target, overwrite=True)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return digest.hexdigest(), target

    def file(self, kind: str, name: str) -> Path:
        """A kept file by its name, which is only ever a name."""
        return self.path / kind / os.path.basename(name)

    def keep_request(self, call_id: str, text: str) -> None:
        """Keep what was asked while the call is open, so that it can be asked again if its outcome stays unknown."""
        folder = self.make("open")
        # Not flushed: lost in a power cut, it costs a question, not money.
        handle = os.open(folder / f"{call_id}.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)

    def request(self, call_id: str) -> str | None:
        """What was asked in a call that is open."""
        path = self.file("open", f"{call_id}.json")
        return path.read_text() if path.is_file() else None

    def drop_request(self, call_id: str) -> None:
        """Forget what was asked."""
        self.file("open", f"{call_id}.json").unlink(missing_ok=True)

    def sweep(self, kinds: Mapping[str, Container[str]], before: float) -> tuple[int, int]:
        """Remove files of those kinds that were written before then, but those to keep; how many, and their bytes.

        A file that a call writes meanwhile is newer, even where its content is an old one's.
        """
        files = size_bytes = 0
        for kind, keep in kinds.items():
            folder = self.path / kind
            for path in list(folder.iterdir()) if folder.is_dir() else ():
                facts = path.stat()
                if path.name not in keep and facts.st_mtime < before:
                    path.unlink()
                    files, size_bytes = files + 1, size_bytes + facts.st_size
        return files, size_bytes
