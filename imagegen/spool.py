"""Accepted jobs, and results that nobody waited for, on disk: where there is no ledger, nothing paid is lost."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen.errors import ConfigurationError
from imagegen.files import write_atomic
from imagegen.types.job import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen.types.picture import PictureData

_log = logging.getLogger("imagegen.spool")


class Spool:
    """A folder with one 0600 file an open job, and the pictures of detached calls beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, job: Job) -> str | None:
        """Keep ``job``; what went wrong, if it cannot be kept. A paid job goes on either way."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(self._file(job.id), job.to_json().encode(), mode=0o600)
        except OSError as error:
            problem = f"the job could not be written to {self.folder} ({error.strerror}): it lives in this process only"
            _log.warning("%s", problem)
            return problem
        return None

    def write_pictures(self, job: Job, index: int, pictures: Sequence[PictureData]) -> tuple[str, ...]:
        """Keep pictures that arrived when nobody waited any more; their file names for the job's part."""
        folder = self._pictures(job.id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        names = []
        for number, picture in enumerate(pictures):
            name = f"{index}-{number}.picture"
            write_atomic(folder / name, picture.view(), mode=0o600)
            names.append(name)
        return tuple(names)

    def picture(self, job: Job, name: str) -> Path:
        """The file of a kept picture. The name is untrusted.

        Raises:
            ConfigurationError: There is no such file in this spool.
        """
        path = self._pictures(job.id) / os.path.basename(name)
        if not path.is_file():
            raise ConfigurationError(f"job {job.id} kept its pictures in another spool: {path} is not there")
        return path

    def read(self, job_id: str) -> Job:
        """The open job of that id, or the one whose id begins so.

        Raises:
            ConfigurationError: None or several begin so.
        """
        found = [path for path in self._files() if path.stem.startswith(job_id)]
        if len(found) != 1:
            raise ConfigurationError(f"{'several jobs begin' if found else 'no open job begins'} with {job_id!r}")
        return Job.from_json(found[0].read_text())

    def jobs(self) -> tuple[Job, ...]:
        """Every open job, oldest first. A file that cannot be read is named in the log and left."""
        found = []
        for path in self._files():
            try:
                found.append(Job.from_json(path.read_text()))
            except (ConfigurationError, OSError) as error:
                _log.warning("%s: %s", path, error)
        return tuple(sorted(found, key=lambda job: job.created_at))

    def remove(self, job: Job) -> None:
        """Forget a job that was settled."""
        self._file(job.id).unlink(missing_ok=True)
        shutil.rmtree(self._pictures(job.id), ignore_errors=True)

    def _file(self, job_id: str) -> Path:
        return self.folder / f"{job_id}.json"

    def _pictures(self, job_id: str) -> Path:
        return self.folder / job_id

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []


def default_folder() -> Path:
    """The spool in the user's state folder."""
    return state_folder() / "spool"


def state_folder() -> Path:
    """The user's state folder: ``IMAGEGEN_STATE_DIR``, else the platform's."""
    own = os.environ.get("IMAGEGEN_STATE_DIR")
    if own:
        return Path(own)
    import platformdirs

    return Path(platformdirs.user_state_dir("imagegen"))
