"""What is left of an earlier try at a call: collected, told, and never bought twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from core.killing import JOBS
from core.serving import B64, PNG, acme_answer, client
from core.test_jobs import Jobs

import imagegen
from imagegen.ledger import Store
from imagegen.testing.faults import Answer, CloseAnswerless, FaultServer, Hang, Instead

pytestmark = pytest.mark.anyio
SYNC = "acme:sketch"
DONE = {"state": "done", "pictures": [{"data": B64}]}


async def outcome(work):
    """The result, or the error that was raised."""
    try:
        return await work
    except imagegen.ImageGenError as error:
        return error


@pytest.mark.parametrize("state", [{"state": "drawing"}, {"state": "refused"}, {"state": "failed", "billed": True}])
async def test_a_job_that_gives_nothing_is_not_bought_again(tmp_path, state):
    """The key of a job that is pending, refused, or failed and billed collects it and says so; there is one POST."""
    async with Jobs(state) as jobs:
        async with client(jobs.server, ledger=tmp_path) as asking:
            await asking.submit("a fox", model=JOBS, key="k")
        for _ in range(2):
            async with client(jobs.server, ledger=tmp_path) as asking:
                found = await outcome(asking.generate("a fox", model=JOBS, key="k", timeout_s=1.5))
                assert isinstance(found, imagegen.ImageGenError), found
        assert jobs.server.submits == 1


async def test_a_part_that_is_late_is_collected_later(tmp_path):
    """Of two pictures one is late at the deadline: the key and the job give both once it is there."""

    class OneLate(Jobs):
        late = True

        def answer(self, received):
            if received.method == "GET" and received.path.endswith("/2") and self.late:
                return Answer({"state": "drawing"})
            return super().answer(received)

    async with OneLate(DONE) as jobs, client(jobs.server, ledger=tmp_path) as asking:
        first = await asking.generate("a fox", model=JOBS, n=2, key="k", timeout_s=1.5)
        assert (len(first.images), len(first.failures)) == (1, 1)
        jobs.late = False
        (unit,) = await asking.jobs()
        again = await asking.generate("a fox", model=JOBS, n=2, key="k")
        assert ([image.data for image in again.images], jobs.server.submits) == ([PNG] * 2, 2)
        assert (await asking.jobs(), unit.state) == ((), "submitted")


async def test_a_second_submit_with_a_key_is_the_same_job(tmp_path):
    """``submit`` again with the key gives the job that was paid, and holds nobody up who comes next."""
    async with Jobs(DONE) as jobs, client(jobs.server, ledger=tmp_path) as asking:
        first = await asking.submit("a fox", model=JOBS, key="k")
        second = await asking.submit("a fox", model=JOBS, key="k")
        assert second.parts == first.parts
        result = await asking.generate("a fox", model=JOBS, key="k", timeout_s=5)
        assert (result.image.data, jobs.server.submits) == (PNG, 1)


async def test_a_call_under_way_is_left_to_who_makes_it(tmp_path):
    """``resume`` by another client of a call that is still being made says so, and does not end it."""
    release = asyncio.Event()

    class Held(FaultServer):
        async def _meet(self, received, writer):
            await release.wait()
            await super()._meet(received, writer)

    async with (
        Held(acme_answer) as server,
        client(server, ledger=tmp_path) as one,
        client(server, ledger=tmp_path) as two,
    ):
        making = asyncio.create_task(one.generate("a fox", model=SYNC, key="k"))
        while not (units := await two.jobs()):
            await asyncio.sleep(0.02)
        assert isinstance(await outcome(two.resume(units[0].job)), imagegen.ConfigurationError)
        waiting = asyncio.create_task(two.generate("a fox", model=SYNC, key="k"))
        await asyncio.sleep(0.3)
        release.set()
        assert (await making).image.data == (await waiting).image.data == PNG
        assert server.submits == 1


async def test_leaving_a_stream_keeps_what_was_not_shown_yet(tmp_path):
    """Who leaves at the first of four pictures finds all four under the key."""
    async with FaultServer(acme_answer) as server, client(server, ledger=tmp_path) as asking:
        async with asking.stream("a fox", model=SYNC, n=4, key="k") as events:
            async for event in events:
                if isinstance(event, imagegen.ImageReady):
                    break
        await asyncio.sleep(0.3)
        result = await asking.generate("a fox", model=SYNC, n=4, key="k")
        assert (len(result.images), server.submits) == (4, 4)


async def test_a_call_that_is_taken_up_keeps_its_label(tmp_path):
    """What is paid again for a labelled call is booked and settled under its label, whoever asks."""
    async with FaultServer(acme_answer, [CloseAnswerless()]) as server:
        async with client(server, ledger=tmp_path, label="tour") as asking:
            await outcome(asking.generate("a red fox in snow", model=SYNC))
        async with client(server, ledger=tmp_path) as asking:
            (unit,) = await asking.jobs()
            await asking.resume(unit.job, retry_unknown=True)
            totals = {total.scope: total for total in await asking._books.ledger.do(Store.totals)}
    spent = totals["label:tour"]
    assert (spent.reserved_usd, spent.settled_usd) == (unit.at_most_usd, unit.at_most_usd)


async def test_max_usd_counts_every_try_at_a_call(tmp_path):
    """A call that is taken up by its key still has one ``max_usd`` over all of its submits."""
    lost = [Instead(Answer({"error": {"code": "bad"}}, 400)), *[CloseAnswerless()] * 9]
    async with FaultServer(acme_answer, lost) as server, client(server, ledger=tmp_path) as asking:
        await outcome(asking.generate("a fox", model=SYNC, key="k"))
        found = await outcome(asking.generate("a fox", model=SYNC, key="k", retry_unknown=True, max_usd="0.05"))
        assert isinstance(found, imagegen.BudgetExceededError | imagegen.OutcomeUnknownError)
        assert server.submits <= 3


async def test_no_name_is_not_every_job(tmp_path):
    """An empty or an ambiguous beginning of an id settles nothing."""
    async with FaultServer(acme_answer, [CloseAnswerless()] * 2) as server, client(server, ledger=tmp_path) as asking:
        for prompt in ("a fox", "a hare"):
            await outcome(asking.generate(prompt, model=SYNC))
        with pytest.raises(imagegen.ConfigurationError):
            await asking.reconcile("", billed=False)
        assert len(await asking.jobs()) == 2


OTHER = """
import sys
from pathlib import Path
from imagegen.ledger import Store
store = Store(Path(sys.argv[1]), "1-other")
print(len(store.open_units()), store.read("SELECT count(*) FROM units")[0][0])
store.close()
"""


async def seen_by_another_process(folder):
    """How many rows a process sees that opens the ledger and closes it again."""
    command = [sys.executable, "-c", OTHER, str(folder / "ledger.sqlite")]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    return done.stdout.split()


async def test_two_clients_of_a_process_and_another_process(tmp_path):
    """Opening the ledger twice in one process drops no lock: what one writes, every process sees."""
    async with FaultServer(acme_answer) as server:
        async with client(server, ledger=tmp_path) as one, client(server, ledger=tmp_path) as two:
            for number, asking in enumerate((one, two, one, two), start=1):
                await asking.generate("a fox", model=SYNC, key=f"k{number}")
                assert await seen_by_another_process(tmp_path) == ["0", str(number)]


@pytest.mark.parametrize("poll", ["http://other.example/jobs/1", None])
async def test_a_job_that_cannot_be_asked_about_is_not_bought_again(tmp_path, poll):
    """A poll that this connection may not make, or that says there is no credit, leaves the job paid as it was."""

    class Odd(Jobs):
        def answer(self, received):
            if received.method == "POST":
                self.accepted += 1
                return Answer({"id": "j1", "poll": poll or f"{self.server.url}/jobs/1", "price": "0.03"}, 202)
            return Answer({"error": {"code": "no_credit"}}, 402)

    async with Odd(DONE) as jobs:
        async with client(jobs.server, ledger=tmp_path) as asking:
            await asking.submit("a fox", model=JOBS, key="k")
        for _ in range(2):
            async with client(jobs.server, ledger=tmp_path) as asking:
                found = await outcome(asking.generate("a fox", model=JOBS, key="k", timeout_s=3))
                assert isinstance(found, imagegen.ConfigurationError | imagegen.QuotaError), found
                assert [each.state for each in await asking.jobs()] == ["submitted"]
        assert jobs.accepted == 1


async def test_a_mistaken_resume_holds_nobody_up(tmp_path):
    """A ``resume`` or ``cancel`` that cannot begin leaves the job to the next one, in the same process too."""
    async with Jobs(DONE) as jobs, client(jobs.server, ledger=tmp_path) as asking:
        job = await asking.submit("a fox", model=JOBS, key="k")
        with pytest.raises(imagegen.ConfigurationError, match="timeout_s"):
            await asking.resume(job.id, timeout_s=-1)
        async with imagegen.AsyncClient(ledger=tmp_path) as without_address:
            assert isinstance(await outcome(without_address.cancel(job.id)), imagegen.ImageGenError)
            assert (await asking.resume(job.id)).image.data == PNG


async def test_a_cancel_without_an_answer_is_an_error_of_ours(tmp_path):
    """A provider that says nothing to a cancel: told in time, as what it is, and the job is still there to collect."""

    def accepted(received):
        urls = {f"{each}_url": f"{server.url}/{each}" for each in ("status", "response", "cancel")}
        return Answer({"request_id": "r1", "status": "IN_QUEUE", **urls})

    async with FaultServer(accepted, [None, Hang()]) as server:
        connection = imagegen.Connection(api_key="k" * 20, base_url=server.url)
        async with imagegen.AsyncClient(connections={"fal": connection}, ledger=tmp_path, timeout_s=1) as asking:
            job = await asking.submit("a fox", model="fal:fal-ai/flux/dev", size="512x512")
            with pytest.raises(imagegen.DeadlineExceededError, match="no answer"):
                await asking.cancel(job.id)
            assert [each.state for each in await asking.jobs()] == ["submitted"]
