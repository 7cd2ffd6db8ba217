"""Pictures to files: a name that was asked for, never somebody else's file, and a second place when the first fails."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imagegen.errors import ConfigurationError
from imagegen.files import check_writable, free_path
from imagegen.pictures import SUFFIXES

if TYPE_CHECKING:
    from imagegen.types.result import Image, ImageResult

_DEFAULT = "image.png"


def check_target(output: Path | None, force: bool) -> None:
    """Find out before money is spent that the pictures can be written.

    Raises:
        ConfigurationError: The folder cannot be written, or the file is there and may not be replaced.
    """
    if output is None:
        check_writable(Path())
    elif _is_folder(output):
        check_writable(output)
    else:
        check_writable(output.parent)
        if output.exists() and not force:
            raise ConfigurationError(f"{output} is there already: --force replaces it; nothing was sent")


def save(result: ImageResult, output: Path | None, force: bool) -> list[Path]:
    """Write every picture under the suffix of its true type; what was paid is written somewhere in any case."""
    stem = Path(_DEFAULT) if output is None else output / _DEFAULT if _is_folder(output) else output
    exact = output is not None and not _is_folder(output)
    saved = []
    for number, image in enumerate(result.images, start=1):
        target = stem if number == 1 else stem.with_stem(f"{stem.stem}-{number}")
        saved.append(_save(image, target, force=force and exact))
    return saved


def _save(image: Image, target: Path, force: bool) -> Path:
    candidate = target
    while True:
        try:
            return image.save(candidate, overwrite=force)
        except FileExistsError:
            candidate = free_path(target.with_suffix(SUFFIXES[image.media_type]))
        except OSError as error:
            rescued = _rescue(image, target.name)
            click.echo(f"imagegen: {target}: {error.strerror}; the picture is at {rescued}", err=True)
            return rescued


def _rescue(image: Image, name: str) -> Path:
    """Another place: the folder for such things, memory, one's home; a full disk is often the only one there is."""
    *places, last = tempfile.gettempdir(), "/dev/shm", Path.home()  # noqa: S108 - mkdtemp makes a private folder there
    for place in places:
        with contextlib.suppress(OSError):
            return image.save(Path(tempfile.mkdtemp(prefix="imagegen-", dir=place)) / name)
    return image.save(Path(tempfile.mkdtemp(prefix="imagegen-", dir=last)) / name)


def _is_folder(output: Path) -> bool:
    return output.is_dir() or not output.suffix
