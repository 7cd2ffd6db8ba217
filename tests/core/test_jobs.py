"""After acceptance: polling, downloading, deadlines, and collecting later. Nothing here ever submits again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from core.serving import B64, PNG, client, png, spooled

import imagegen
from imagegen import Billed, Job
from imagegen.testing.faults import Answer, CutAnswer, FaultServer, HangAnswer

pytestmark = pytest.mark.anyio
MODEL = "acme-jobs:sketch"
DONE = {"state": "done", "pictures": [{"data": B64}]}


class Jobs:
    """A server of jobs: each poll gives the next state, the last one for ever; /picture gives the picture."""

    def __init__(self, *states, picture=PNG, faults=()):
        self.states = list(states)
        self.picture = picture if isinstance(picture, list) else [picture]
        self.accepted = 0
        self.server = FaultServer(self.answer, faults)

    def answer(self, received):
        if received.method == "POST":
            self.accepted += 1
            return Answer(
                {"id": f"j{self.accepted}", "poll": f"{self.server.url}/jobs/{self.accepted}", "price": "0.031"}, 202
            )
        if received.path.startswith("/picture"):
            found = self.picture.pop(0) if len(self.picture) > 1 else self.picture[0]
            return found if isinstance(found, Answer) else Answer(found)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return state if isinstance(state, Answer) else Answer(self._with_host(state))

    def _with_host(self, state):
        return json.loads(json.dumps(state).replace("HOST", self.server.url))

    async def __aenter__(self):
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *exception):
        await self.server.__aexit__(*exception)


async def generate(jobs, tmp_path, **keywords):
    async with client(jobs.server, spool=tmp_path) as asking:
        return await asking.generate("a fox", **{"model": MODEL, **keywords})


async def failing(jobs, tmp_path, **keywords):
    with pytest.raises(imagegen.ImageGenError) as caught:
        await generate(jobs, tmp_path, **keywords)
    return caught.value


async def test_job_is_polled_to_its_end(tmp_path):
    """A job goes through its queue to the picture; the latency is split and the provider's own price is taken."""
    waiting = {"state": "waiting", "position": 2}
    async with Jobs(waiting, waiting, {"state": "drawing"}, DONE) as jobs:
        result = await generate(jobs, tmp_path)
    assert result.image.data == PNG
    assert jobs.server.submits == 1
    assert (str(result.cost.amount_usd), result.cost.source) == ("0.031", "provider")
    assert result.latency.queue_s and result.latency.queue_s > 0
    assert result.latency.render_s and result.latency.render_s > 0
    assert spooled(tmp_path) == []


async def test_job_is_written_down_before_the_first_poll(tmp_path):
    """When the first question about a job arrives, its receipt is on disk already."""
    seen = []

    class Looking(Jobs):
        def answer(self, received):
            if received.method == "GET":
                seen.append(spooled(tmp_path))
            return super().answer(received)

    async with Looking(DONE) as jobs:
        await generate(jobs, tmp_path)
    assert len(seen[0]) == 1
    assert spooled(tmp_path) == []


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(b"oops", 500),
        Answer(b"oops", 502),
        Answer(b"<html>", 200),
        Answer({"error": {"code": "gone"}}, 404),
        Answer({"error": {"code": "slow"}}, 429, {"retry-after": "0.01"}),
        {"state": "dreaming"},
    ],
    ids=["500", "502", "a page", "404 once", "429", "a state we do not know"],
)
async def test_trouble_while_polling_is_waited_out(tmp_path, trouble):
    """A poll that fails, or says what nobody knows, is no end: the job was paid and is asked for again."""
    async with Jobs(trouble, DONE) as jobs:
        result = await generate(jobs, tmp_path)
    assert result.image.data == PNG
    assert jobs.server.submits == 1


@pytest.mark.parametrize(
    ("state", "kind", "billed"),
    [("refused", imagegen.ModerationError, Billed.NO), ("failed", imagegen.ProviderError, Billed.NO)],
)
async def test_job_that_the_provider_ends_is_over(tmp_path, state, kind, billed):
    """A refused or failed job is told as that, is not submitted again, and leaves nothing to collect."""
    async with Jobs({"state": state}) as jobs:
        error = await failing(jobs, tmp_path, model=[MODEL, "stub:painter"])
    assert type(error) is kind
    assert error.billed is billed
    assert error.possibly_billed_usd == 0
    assert jobs.server.submits == 1
    assert error.job is None
    assert spooled(tmp_path) == []


async def test_deadline_carries_the_job(tmp_path):
    """A job that is not done in time is handed to the caller, and can be collected by another client."""
    async with Jobs({"state": "drawing"}) as jobs:
        error = await failing(jobs, tmp_path, timeout_s=0.4)
        assert isinstance(error, imagegen.DeadlineExceededError)
        assert not error.expired
        assert error.job is not None
        assert len(spooled(tmp_path)) == 1
        jobs.states = [DONE]
        async with client(jobs.server, spool=tmp_path) as other:
            result = await other.resume(error.job.to_json())
    assert result.image.data == PNG
    assert (result.cost.amount_usd is not None, jobs.server.submits) == (True, 1)
    assert spooled(tmp_path) == []


async def test_job_that_the_queue_does_not_know_yet_is_asked_for_again(tmp_path):
    """A queue that answers 404 for a moment after it accepted a job has not lost it."""
    gone = Answer({"error": {"code": "gone"}}, 404)
    async with Jobs(gone, gone, gone, gone, DONE) as jobs:
        result = await generate(jobs, tmp_path)
    assert result.image.data == PNG


async def test_polling_address_of_a_foreign_host_keeps_the_job(tmp_path):
    """A polling address that may not get the key is told, and the job stays collectable: it was paid."""
    accepted = Answer({"id": "j1", "poll": "http://other.example/jobs/1", "price": "0.03"}, 202)
    async with FaultServer(accepted) as server, client(server, spool=tmp_path) as asking:
        with pytest.raises(imagegen.ConfigurationError) as caught:
            await asking.generate("a fox", model=MODEL)
    assert caught.value.job is not None
    assert len(spooled(tmp_path)) == 1


async def test_job_that_is_gone_has_expired(tmp_path):
    """A provider that no longer knows the job, again and again, has dropped it."""
    async with Jobs(Answer({"error": {"code": "gone"}}, 404)) as jobs:
        error = await failing(jobs, tmp_path)
    assert isinstance(error, imagegen.DeadlineExceededError)
    assert error.expired
    assert spooled(tmp_path) == []


async def test_key_that_ends_while_polling_keeps_the_job(tmp_path):
    """A key refused in the middle ends the call, not the job: it can be collected with a good key."""
    async with Jobs(Answer({"error": {"code": "key"}}, 401)) as jobs:
        error = await failing(jobs, tmp_path)
    assert isinstance(error, imagegen.AuthenticationError)
    assert error.job is not None
    assert len(spooled(tmp_path)) == 1


async def test_four_pictures_are_one_job(tmp_path):
    """Four pictures at a one-picture provider are one job with four handles; each is collected once."""
    async with Jobs({"state": "drawing"}) as jobs:
        error = await failing(jobs, tmp_path, n=4, timeout_s=0.5)
        assert error.job is not None
        assert len(error.job.parts) == 4
        jobs.states = [DONE]
        async with client(jobs.server, spool=tmp_path) as other:
            result = await other.resume(error.job.id[:8])
    assert len(result.images) == 4
    assert jobs.server.submits == 4


async def test_poll_url_of_another_host_gets_no_key(tmp_path):
    """A poll URL that leads elsewhere is not asked, and never with the key."""
    async with FaultServer(Answer(DONE)) as other:
        accepted = Answer({"id": "j", "poll": f"{other.url}/jobs/1"}, 202)
        async with FaultServer(accepted) as server, client(server, spool=tmp_path) as asking:
            with pytest.raises(imagegen.ImageGenError, match="127.0.0.1"):
                await asking.generate("a fox", model=MODEL)
        assert other.received == []


# Pictures behind URLs


async def test_picture_behind_a_url_is_fetched_without_the_key(tmp_path):
    """The result's link is followed by the core, and the key stays at home."""
    async with Jobs({"state": "done", "pictures": [{"url": "HOST/picture"}]}) as jobs:
        result = await generate(jobs, tmp_path)
        (fetch,) = [each for each in jobs.server.received if each.path == "/picture"]
    assert result.image.data == PNG
    assert "x-acme-key" not in fetch.headers
    assert result.latency.download_s is not None


@pytest.mark.parametrize("fault", [CutAnswer(30), CutAnswer(0, reset=True)])
async def test_failed_download_is_repeated(tmp_path, fault):
    """A cut download is fetched again, without another submit."""
    faults = [None, None, fault]
    async with Jobs({"state": "done", "pictures": [{"url": "HOST/picture"}]}, faults=faults) as jobs:
        result = await generate(jobs, tmp_path)
    assert result.image.data == PNG
    assert jobs.server.submits == 1


async def test_link_that_expired_is_asked_for_anew(tmp_path):
    """A link that has expired is renewed from the job once."""
    first = {"state": "done", "pictures": [{"url": "HOST/picture/old"}]}
    fresh = {"state": "done", "pictures": [{"url": "HOST/picture/new"}]}
    async with Jobs(first, fresh, picture=[Answer(b"", 403), PNG]) as jobs:
        result = await generate(jobs, tmp_path)
    assert result.image.data == PNG


async def test_link_that_stays_expired_is_told(tmp_path):
    """A result that is gone is an expired deadline: nothing would collect it."""
    done = {"state": "done", "pictures": [{"url": "HOST/picture"}]}
    async with Jobs(done, picture=Answer(b"", 410)) as jobs:
        error = await failing(jobs, tmp_path)
    assert isinstance(error, imagegen.DeadlineExceededError)
    assert error.expired
    assert jobs.server.submits == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/p",
        "http://169.254.169.254/latest",
        "http://[::1]/p",
        "https://2130706433/p",
        "file:///etc/passwd",
    ],
)
async def test_private_address_is_not_asked(tmp_path, url):
    """A result link into a private network is refused before a connection is made, and the money is not hidden."""
    async with Jobs({"state": "done", "pictures": [{"url": url}]}) as jobs:
        error = await failing(jobs, tmp_path)
    assert isinstance(error, imagegen.BadOutputError)
    assert error.billed is Billed.YES


async def test_links_of_a_synchronous_answer_survive_the_deadline(tmp_path):
    """Links that a synchronous provider gave are written down too: the download goes on in another client."""
    faults = [None, HangAnswer(10)]

    def answer(received):
        if received.path == "/picture":
            return Answer(PNG)
        return Answer({"pictures": [{"url": f"{server.url}/picture"}]})

    async with FaultServer(answer, faults) as server:
        async with client(server, spool=tmp_path) as asking:
            with pytest.raises(imagegen.DeadlineExceededError) as caught:
                await asking.generate("a fox", model="acme:sketch", timeout_s=0.5)
            assert caught.value.job is not None
        (job,) = imagegen_jobs(tmp_path)
        async with client(server, spool=tmp_path) as other:
            result = await other.resume(job)
    assert result.image.data == PNG
    assert server.submits == 1
    assert spooled(tmp_path) == []


def imagegen_jobs(folder: Path) -> list[Job]:
    return [Job.from_json(path.read_text()) for path in folder.glob("*.json")]


# Cancelling


async def test_cancelled_job_is_in_the_spool(tmp_path):
    """Who cancels is free at once; the accepted job lies in the spool."""
    async with Jobs({"state": "drawing"}) as jobs:
        async with client(jobs.server, spool=tmp_path) as asking:
            call = asyncio.create_task(asking.generate("a fox", model=MODEL))
            while not spooled(tmp_path):
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        jobs.states = [DONE]
        (job,) = imagegen_jobs(tmp_path)
        async with client(jobs.server, spool=tmp_path) as other:
            assert (await other.resume(job)).image.data == PNG
    assert jobs.server.submits == 1


async def test_cancelled_submit_ends_in_the_background(tmp_path):
    """A caller who leaves during the paid step loses nothing: the pictures are kept beside the spool."""
    release = asyncio.Event()
    arrived = asyncio.Event()
    picture = png(32, 32, "blue")

    class Slow(FaultServer):
        async def _meet(self, received, writer):
            arrived.set()
            await release.wait()
            await super()._meet(received, writer)

    import base64

    body = {"pictures": [{"data": base64.b64encode(picture).decode()}]}
    async with Slow(Answer(body)) as server:
        async with client(server, spool=tmp_path) as asking:
            call = asyncio.create_task(asking.generate("a fox", model="acme:sketch", size="64x64"))
            await arrived.wait()
            began = asyncio.get_running_loop().time()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert asyncio.get_running_loop().time() - began < 0.5
            release.set()
            (left,) = await asking.close()
            assert "paid: collect it with resume()" in left
        (job,) = imagegen_jobs(tmp_path)
        async with client("http://127.0.0.1:9", spool=tmp_path) as other:
            result = await other.resume(job)
    assert result.image.data == picture
    assert server.submits == 1
    assert spooled(tmp_path) == []


async def test_close_names_what_it_parks(tmp_path):
    """A step that does not end in time is stopped at close, and named."""
    arrived = asyncio.Event()

    class Silent(FaultServer):
        async def _meet(self, received, writer):
            arrived.set()
            await asyncio.Event().wait()

    async with Silent(Answer({})) as server:
        asking = client(server, spool=tmp_path)
        call = asyncio.create_task(asking.generate("a fox", model="acme:sketch"))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        parked = await asking.close(grace_s=0.05)
    assert any("acme:sketch" in name for name in parked)


async def test_siblings_that_came_are_kept_when_the_caller_leaves(tmp_path):
    """Of a split call that is cancelled, the pictures that had come are kept with those that still come."""
    release, waiting = asyncio.Event(), asyncio.Event()

    class OneSlow(FaultServer):
        async def _meet(self, received, writer):
            if received.number == 1:
                waiting.set()
                await release.wait()
            await super()._meet(received, writer)

    async with OneSlow(Answer({"pictures": [{"data": B64}]})) as server:
        async with client(server, spool=tmp_path) as asking:
            call = asyncio.create_task(asking.generate("a fox", model="acme:sketch", n=2))
            await waiting.wait()
            while len(server.received) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            release.set()
            (left,) = await asking.close()
            assert "paid: collect it with resume()" in left
        (job,) = imagegen_jobs(tmp_path)
        async with client(server, spool=tmp_path) as other:
            assert len((await other.resume(job)).images) == 2
    assert server.submits == 2
