"""Which jobs were accepted of late: a private file each in the system's folder for temporary files.

A provider that lists its jobs lets a submit be found whose answer was lost.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen import ListedJob, RemoteJob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen import Task

_KEPT_S = 3600.0


def note(job: RemoteJob, task: Task) -> None:
    """Put a job on the list, and take old ones off it."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in _files():
        if _age_s(path) > _KEPT_S:
            path.unlink(missing_ok=True)
    fields = {"id": job.id, "data": dict(job.data), "key": task.key, "prompt": task.request.prompt, "model": task.model}
    handle = os.open(folder / f"{job.id}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(fields, file)


def since(earliest: float) -> Iterator[ListedJob]:
    """The jobs that were accepted since then (seconds since 1970)."""
    for path in _files():
        fields = json.loads(path.read_text())
        accepted_at = fields["data"]["accepted_at"]
        if accepted_at >= earliest:
            remote = RemoteJob(fields["id"], data=fields["data"])
            yield ListedJob(remote, accepted_at, fields["key"], fields["prompt"], fields["model"])


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / "imagegen-stub-accepted"


def _files() -> list[Path]:
    return list(_folder().glob("*.json"))


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def reaches_back_to(earliest: float) -> bool:
    """Whether the list still has every job since then."""
    return time.time() - earliest < _KEPT_S
