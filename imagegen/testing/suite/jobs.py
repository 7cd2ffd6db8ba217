"""Jobs: accepted once, collected in any process, stopped where the provider can, and never polled for ever."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys

import pytest

import imagegen
from imagegen.plugins import provider_class
from imagegen.provider import HttpProvider, has_jobs
from imagegen.testing.faults import Answer, Damage, Instead
from imagegen.testing.pictures import with_text
from imagegen.testing.suite.asking import Asked, Asking


class Jobs(Asking):
    """For providers that accept first and answer later; skipped for the others."""

    async def _submitted(self, asking: Asked) -> tuple[imagegen.AsyncClient, imagegen.Job]:
        if not has_jobs(self.provider):
            pytest.skip("the provider answers at once")
        client = await asking.client()
        job = await client.submit(**self.asked(model=self.model))
        if not job.durable or not any(part.remote for part in job.parts):
            pytest.skip("the model answers at once")
        return client, job

    async def test_job_is_collected_by_a_fresh_process(self, asking: Asked) -> None:
        """From its text alone, which holds no key; nothing is submitted again."""
        client, job = await self._submitted(asking)
        text = job.to_json()
        assert self.key not in text
        found = await _collected(asking, text)
        assert found == [hashlib.sha256(each.data).hexdigest() for each in (await client.resume(text)).images]
        assert len(asking.submits) == 1

    async def test_job_is_stopped(self, asking: Asked) -> None:
        """Where the provider can; else that is said."""
        client, job = await self._submitted(asking)
        before = len(asking.front.received)
        if provider_class(self.name).cancel is HttpProvider.cancel:
            with pytest.raises(imagegen.UnsupportedError):
                await client.cancel(job)
            return
        provider, remote = self.provider, next(part.remote for part in job.parts if part.remote)
        assert provider.cancel(remote) != provider.poll(remote), "stopping is asked as the state is"
        await client.cancel(job)
        asked = asking.front.received[before:]
        assert asked
        assert all(asking.bears_key(each) for each in asked)
        assert len(asking.submits) == 1

    async def test_unknown_state_is_not_polled_for_ever(self, asking: Asked) -> None:
        """The deadline ends it, and the job can still be collected: it was paid."""
        client, job = await self._submitted(asking)
        changed: list[str] = []

        def brand_new(name: str, text: str) -> str:
            if name not in self.state_names:
                return text
            changed.append(text)
            return "brand_new"

        asking.meets(later=Damage(lambda body: with_text(body, brand_new)))
        try:
            result = await client.resume(job, timeout_s=1.5)
        except imagegen.DeadlineExceededError as error:
            asking.meets()
            result = await client.resume(_kept(error))
        assert changed, f"no answer has a member called {' or '.join(self.state_names)}: see ProviderSuite.state_names"
        assert result.image.width
        assert len(asking.submits) == 1

    async def test_failed_job_ends_the_call(self, asking: Asked) -> None:
        """A job that the provider ended is told at once, in every form; it is not polled until the deadline."""
        if not self.failed_jobs:
            pytest.skip("no failed job is given: see ProviderSuite.failed_jobs")
        for answer in self.failed_jobs:
            before = len(asking.submits)
            asking.meets(later=Instead(answer))
            error = await asking.failing(timeout_s=20)
            assert isinstance(error, imagegen.ProviderError), repr(error)
            assert len(asking.submits) == before + 1

    async def test_deadline_leaves_the_job(self, asking: Asked) -> None:
        """Accepted and late is not lost: the error carries the job, and it is collected later."""
        if not has_jobs(self.provider):
            pytest.skip("the provider answers at once")
        asking.meets(later=Instead(Answer(b"", 503)))
        client = await asking.client(timeout_s=1.5)
        try:
            await client.generate(**self.asked(model=self.model))
            pytest.skip("the model answers at once")
        except imagegen.DeadlineExceededError as error:
            job = _kept(error)
        asking.meets()
        assert (await client.resume(job, timeout_s=20)).image.width
        assert len(asking.submits) == 1


def _kept(error: imagegen.DeadlineExceededError) -> imagegen.Job:
    """The job of a call that was too late."""
    assert error.job is not None
    assert error.billed is not imagegen.Billed.NO
    return error.job


async def _collected(asking: Asked, text: str) -> list[str]:
    """The digests of what another process collects."""
    told = {
        "job": text,
        "provider": asking.suite.name,
        "base_url": asking.front.base_url,
        "key": asking.suite.key,
        "path": sys.path,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "imagegen.testing.collecting",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, problems = await child.communicate(json.dumps(told).encode())
    assert child.returncode == 0, problems.decode()
    found: list[str] = json.loads(said)
    return found
