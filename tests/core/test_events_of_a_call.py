"""Streams, and work that is submitted now and collected later."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace

import pytest
from core.serving import B64, KEY, PNG, client, spooled
from core.test_jobs import DONE, Jobs

import imagegen
from imagegen import Done, ImageReady, Job, Progress, Queued
from imagegen.testing.faults import Answer, FaultServer, Instead

pytestmark = pytest.mark.anyio
MODEL = "acme-jobs:sketch"


async def test_stream_tells_what_happens(tmp_path):
    """A job's stream gives its queue, its progress, each picture, and exactly one end."""
    states = [{"state": "waiting", "position": 2}, {"state": "drawing"}, DONE]
    async with Jobs(*states) as jobs, client(jobs.server, spool=tmp_path) as asking:
        async with asking.stream("a fox", model=MODEL) as events:
            seen = [event async for event in events]
    assert [type(event) for event in seen] == [Queued, Progress, ImageReady, Done]
    assert seen[0].position == 2
    assert seen[-1].result.image.data == PNG
    assert jobs.server.submits == 1


async def test_stream_of_split_pictures_names_them():
    """Each picture of a split call is told as it comes, with its number."""
    async with FaultServer(Answer({"pictures": [{"data": B64}]})) as server, client(server) as asking:
        async with asking.stream("a fox", model="acme:sketch", n=3) as events:
            seen = [event async for event in events]
    assert sorted(event.index for event in seen if isinstance(event, ImageReady)) == [0, 1, 2]
    assert len([event for event in seen if isinstance(event, Done)]) == 1


async def test_stream_raises_its_error_from_the_loop():
    """A call that fails raises where its events are read, with everything an error carries."""
    async with FaultServer(Answer({}), [Instead(Answer(b"", 500))]) as server, client(server) as asking:
        async with asking.stream("a fox", model="acme:sketch") as events:
            with pytest.raises(imagegen.OutcomeUnknownError) as caught:
                [event async for event in events]
    assert caught.value.attempts
    assert caught.value.partials == ()


async def test_leaving_a_stream_early_keeps_the_job(tmp_path):
    """Who leaves a stream detaches: the job goes on, and is in the spool."""
    async with Jobs({"state": "drawing"}) as jobs:
        async with client(jobs.server, spool=tmp_path) as asking:
            async with asking.stream("a fox", model=MODEL) as events:
                async for event in events:
                    assert isinstance(event, Progress)
                    break
            assert len(spooled(tmp_path)) == 1
        jobs.states = [DONE]
        async with client(jobs.server, spool=tmp_path) as other:
            assert (await other.resume(spooled(tmp_path)[0].removesuffix(".json"))).image.data == PNG
    assert jobs.server.submits == 1


async def test_stream_must_be_entered():
    """A stream that was not entered says so, instead of waiting for ever."""
    async with imagegen.AsyncClient() as asking:
        with pytest.raises(RuntimeError, match="async with"):
            await anext(aiter(asking.stream("a", model="stub:painter")))


def test_sync_stream_gives_the_same_events():
    """Without async the events come from an ordinary loop."""
    with imagegen.Client() as asking, asking.stream("a star", model="stub:slow", size="64x64") as events:
        seen = list(events)
    assert isinstance(seen[0], Queued)
    assert isinstance(seen[-1], Done)
    assert seen[-1].result.image.width == 64


# Submit now, collect later


async def test_submitted_job_is_collected_elsewhere(tmp_path):
    """A job's text is accepted by another client with a key of its own, and settled there."""
    async with Jobs({"state": "drawing"}) as jobs:
        async with client(jobs.server, spool=tmp_path / "a") as asking:
            job = await asking.submit("a fox", model=MODEL, n=2)
        assert job.durable
        assert KEY not in job.to_json()
        assert jobs.server.url not in job.to_json().replace(f"{jobs.server.url}/jobs/", "")
        jobs.states = [DONE]
        async with client(jobs.server, spool=tmp_path / "b") as other:
            result = await other.resume(job.to_json())
    assert len(result.images) == 2
    assert jobs.server.submits == 2


async def test_job_of_a_synchronous_provider_lives_here_only(tmp_path):
    """At a synchronous provider the job says that it cannot be carried away; its own client collects it."""
    async with FaultServer(Answer({"pictures": [{"data": B64}]})) as server, client(server, spool=tmp_path) as asking:
        job = await asking.submit("a fox", model="acme:sketch")
        assert not job.durable
        with pytest.raises(imagegen.ConfigurationError, match="no handle"):
            job.to_json()
        assert (await asking.resume(job)).image.data == PNG
    assert server.submits == 1


async def test_what_was_not_accepted_is_told(tmp_path):
    """Of a split job the parts that were refused are problems of the job, and warnings of its result."""
    async with Jobs(DONE, faults=[Instead(Answer({"error": {"code": "no"}}, 400))]) as jobs:
        async with client(jobs.server, spool=tmp_path) as asking:
            job = await asking.submit("a fox", model=MODEL, n=2)
            assert len(job.parts) == 1
            assert len(job.problems) == 1
            result = await asking.resume(Job.from_json(job.to_json()))
    assert len(result.images) == 1
    assert job.problems[0] in result.warnings


async def test_nothing_accepted_is_an_error(tmp_path):
    """A job of which nothing was accepted is no job."""
    async with Jobs(DONE, faults=lambda number: Instead(Answer({"error": {"code": "no"}}, 400))) as jobs:
        async with client(jobs.server, spool=tmp_path) as asking:
            with pytest.raises(imagegen.InvalidRequestError):
                await asking.submit("a fox", model=MODEL)
    assert spooled(tmp_path) == []


async def test_provider_that_cannot_cancel_says_so(tmp_path):
    """A job that cannot be stopped goes on, and can still be collected."""
    async with Jobs({"state": "drawing"}) as jobs, client(jobs.server, spool=tmp_path) as asking:
        job = await asking.submit("a fox", model=MODEL)
        with pytest.raises(imagegen.UnsupportedError, match="cannot stop"):
            await asking.cancel(job)
        assert len(spooled(tmp_path)) == 1
        jobs.states = [DONE]
        assert (await asking.resume(job)).image.data == PNG


COLLECT = """
import imagegen, sys
with imagegen.Client(spool=None) as client:
    print(client.resume(sys.stdin.read()).image.seed)
"""


def test_stub_job_is_collected_by_another_process():
    """A job's text is all that another process needs."""
    with imagegen.Client() as asking:
        job = asking.submit("a star", model="stub:slow", size="64x64", seed=11)
    done = subprocess.run([sys.executable, "-c", COLLECT], input=job.to_json(), capture_output=True, text=True)
    assert done.stdout.strip() == "11", done.stderr
    assert replace(job).id == job.id


async def test_two_clients_wait_for_one_job(tmp_path):
    """Two clients that resume one job both get its picture: asking is free."""
    async with Jobs({"state": "drawing"}, DONE) as jobs, client(jobs.server, spool=tmp_path) as one:
        job = await one.submit("a fox", model=MODEL)
        async with client(jobs.server, spool=None) as two:
            results = await asyncio.gather(one.resume(job), two.resume(job))
    assert [result.image.data for result in results] == [PNG, PNG]
    assert jobs.server.submits == 1
