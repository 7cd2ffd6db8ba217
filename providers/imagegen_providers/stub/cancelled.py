"""Which jobs were cancelled: an empty file each in the system's folder for temporary files, named by the job's id.

The id cannot be guessed, and with it any process of this machine learns that the job is no more.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

_ID = re.compile(r"[0-9a-f]{32}")


def cancel(job_id: str) -> None:
    marker = _marker(job_id)
    marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker.touch()


def is_cancelled(job_id: str) -> bool:
    return _marker(job_id).exists()


def is_id(text: str) -> bool:
    """Whether a text from outside can be a job's id, and so a file's name."""
    return _ID.fullmatch(text) is not None


def _marker(job_id: str) -> Path:
    return Path(tempfile.gettempdir()) / "imagegen-stub-cancelled" / job_id
