"""A job as text, and the spool that keeps it."""

from __future__ import annotations

import json
import os
import stat
import uuid
from decimal import Decimal

import pytest

from imagegen import Job, PictureData, RemoteJob
from imagegen.errors import ConfigurationError
from imagegen.spool import Spool
from imagegen.types.job import JobPart
from imagegen.types.request import ImageRequest
from imagegen.types.result import Adaptation, Usage


def a_job(**part):
    """An accepted job with one part."""
    request = ImageRequest(prompt="ein Fuchs", n=2, size="1920x1080")
    handle = RemoteJob("r1", url="https://api.example.invalid/r1", cost_usd=Decimal("0.050"), data={"seed": 3})
    return Job(
        id=str(uuid.uuid4()),
        model="acme-jobs:sketch",
        operation="generate",
        request=request,
        sent={"size": "1904x1072"},
        adaptations=(Adaptation("size", "1920x1080", "1904x1072", why="multiples of 16"),),
        parts=(JobPart(0, 2, seed=7, **({"remote": handle} | part)),),
    )


def test_job_comes_back_from_its_text():
    """A job's text holds all that is needed to collect it."""
    job = a_job(usage=Usage(text_input_tokens=4, other={"x": 1}))
    back = Job.from_json(job.to_json())
    assert back.parts == job.parts
    assert back.request.fingerprint == job.request.fingerprint
    assert (back.sent, back.adaptations, back.model) == (job.sent, job.adaptations, job.model)


def test_job_without_a_handle_says_so():
    """Work at a synchronous provider cannot be carried away, and its text is refused before it misleads."""
    job = a_job(remote=None)
    assert not job.durable
    with pytest.raises(ConfigurationError, match="no handle"):
        job.to_json()


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: f.pop("id"),
        lambda f: f.update(id="../../etc/passwd"),
        lambda f: f.update(imagegen_job=2),
        lambda f: f.update(parts=[{"index": "x"}]),
        lambda f: f.update(request={"prompt": "a", "shell": "rm"}),
        lambda f: f["parts"][0]["remote"].update(cost_usd="much"),
        lambda f: f["parts"][0]["remote"].update(header="x"),
    ],
)
def test_foreign_text_is_refused(damage):
    """A job's text is untrusted: what is not of its shape is one clear error."""
    fields = json.loads(a_job().to_json())
    damage(fields)
    with pytest.raises(ConfigurationError):
        Job.from_json(json.dumps(fields))


def test_text_that_is_no_json_is_refused():
    """Any other text is one clear error too."""
    with pytest.raises(ConfigurationError, match="not the text of a job"):
        Job.from_json("hello")


def test_spool_keeps_jobs_private(tmp_path):
    """A kept job can be read by its owner alone, since its URLs open doors."""
    spool, job = Spool(tmp_path / "spool"), a_job()
    assert spool.write(job) is None
    (file,) = (tmp_path / "spool").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert spool.read(job.id[:8]).parts == job.parts


def test_spool_forgets_a_settled_job(tmp_path):
    """Nothing of a settled job stays."""
    spool, job = Spool(tmp_path), a_job()
    names = spool.write_pictures(job, 0, [PictureData(b"picture")])
    spool.write(job)
    assert spool.picture(job, names[0]).read_bytes() == b"picture"
    spool.remove(job)
    assert os.listdir(tmp_path) == []


def test_picture_names_cannot_leave_the_spool(tmp_path):
    """A file name in a job's text cannot lead to another folder."""
    (tmp_path / "secret").write_bytes(b"secret")
    spool, job = Spool(tmp_path / "spool"), a_job()
    with pytest.raises(ConfigurationError):
        spool.picture(job, "../../secret")


def test_unwritable_spool_is_a_problem_not_an_error(tmp_path):
    """A job that cannot be written down is paid all the same: it goes on, and the problem is told."""
    (tmp_path / "file").write_bytes(b"")
    assert "could not be written" in (Spool(tmp_path / "file" / "spool").write(a_job()) or "")


def test_broken_file_hides_no_other(tmp_path):
    """A file that is no job is left alone, and the others are listed."""
    spool, job = Spool(tmp_path), a_job()
    spool.write(job)
    (tmp_path / "broken.json").write_text("{")
    assert [each.id for each in spool.jobs()] == [job.id]
