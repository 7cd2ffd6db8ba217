"""What a client has open: accepted jobs that were not collected, and results that came when nobody waited any more."""

from __future__ import annotations

import logging
from collections import deque

from imagegen.jobs import OpenJob
from imagegen.spool import Spool
from imagegen.types.job import Job

_NAMED = 100
"""How many cancelled calls are still named at the end."""
_log = logging.getLogger("imagegen.client")


class OpenJobs:
    """The open jobs of one client, by id."""

    def __init__(self) -> None:
        self._open: dict[str, OpenJob] = {}
        self._for_nobody: deque[Job] = deque(maxlen=_NAMED)

    def open(self, job: Job, spool: Spool | None) -> OpenJob:
        """A job that begins now."""
        self._open[job.id] = OpenJob(job, spool)
        return self._open[job.id]

    def forget(self, opened: OpenJob) -> None:
        """Nothing of the job is open any more, or its id is all that is needed."""
        if not opened.job.parts:
            self._open.pop(opened.job.id, None)

    def stopped(self, job: Job) -> None:
        """The provider was told to stop it: nobody collects it."""
        self._open.pop(job.id, None)

    def kept_for_nobody(self, job: Job) -> None:
        """Its pictures came after the caller had left, and are kept."""
        self._for_nobody.append(job)
        _log.warning("pictures of a cancelled call are kept: resume(%r)", job.id)

    def take_left(self) -> list[Job]:
        """What was accepted and not collected, and what came when nobody waited any more; named once."""
        left = [opened.job for opened in self._open.values() if opened.job.parts]
        for job in left:
            _log.warning("open at close: %s, job %s; resume it", job.model, job.id)
        left += self._for_nobody
        self._open.clear()
        self._for_nobody.clear()
        return left
