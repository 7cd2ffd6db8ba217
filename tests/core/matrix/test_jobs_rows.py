"""The fault matrix, rows F23 to F30: jobs whose process dies, polls and downloads that fail, on a ledger.

Every row asks the same: one charge at the server, nothing that was paid is lost, and the ledger's rows say so.
"""

from __future__ import annotations

import asyncio
import functools
import signal

import pytest
from core.killing import JOBS, PROMPT, SYNC, check_invariants, collect_everything, process, rows
from core.matrix.test_submit import outcome_of, units
from core.serving import B64, PNG, client
from core.test_jobs import Jobs

import imagegen
from imagegen import Billed, jobs
from imagegen.http import connection
from imagegen.http.fetch import Fetcher
from imagegen.testing.faults import Answer, CloseAnswerless, CutAnswer, Drip, Garbage, Hang, HangAnswer, Instead

pytestmark = pytest.mark.anyio
DONE = {"state": "done", "pictures": [{"data": B64}]}
LINK = {"state": "done", "pictures": [{"url": "HOST/picture"}]}
EXPIRED = imagegen.DeadlineExceededError


async def kill_when(arrived, child):
    """Kill ``child`` as soon as the server has got so far with it."""
    async with asyncio.timeout(20):
        while not arrived():
            assert child.returncode is None, await child.communicate()
            await asyncio.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    await child.communicate()


def picture_files(ledger):
    """Every file of a picture, and of half a one."""
    return [each for each in (ledger / "ledger.files" / "pictures").glob("*") if each.is_file()]


@pytest.mark.parametrize("model", [JOBS, SYNC])
async def test_F23_killed_before_the_answer(tmp_path, acme, model):
    """The whole body had arrived: the row is unknown, and neither resume nor the same key pays again."""
    async with Jobs(DONE, faults=[Hang()]) as server:
        child = await process(server.server, tmp_path, acme, ["k"], model)
        await kill_when(lambda: server.server.submits == 1, child)
        async with client(server.server, ledger=tmp_path) as asking:
            (unit,) = await asking.jobs()
            assert (unit.state, unit.collectable) == ("unknown", False)
            with pytest.raises(imagegen.ConfigurationError, match="nothing to collect"):
                await asking.resume(unit.job)
            error = await outcome_of(asking, prompt=f"{PROMPT} k", model=model, key="k")
        assert isinstance(error, imagegen.OutcomeUnknownError)
        assert (server.server.submits, units(tmp_path)) == (1, ["unknown"])
        check_invariants(tmp_path, 1)


async def test_F24_killed_after_the_handle(tmp_path, acme):
    """The handle was written before the first poll: resume polls, and the picture is stored for one charge."""
    async with Jobs(DONE, faults=[None, Hang()]) as server:
        child = await process(server.server, tmp_path, acme, ["k"], JOBS)
        await kill_when(lambda: len(server.server.received) == 2, child)
        assert units(tmp_path) == ["submitted"]
        assert await collect_everything(server.server, tmp_path) == []
        assert (server.server.submits, units(tmp_path)) == (1, ["stored"])
        check_invariants(tmp_path, 1)


async def test_F25_killed_in_the_middle_of_a_download(tmp_path, acme):
    """Half of the picture had come: resume gives one whole file, no second one, and no second charge."""
    async with Jobs(LINK, faults=[None, None, HangAnswer(len(PNG) // 2)]) as server:
        child = await process(server.server, tmp_path, acme, ["k"], JOBS)
        await kill_when(lambda: len(server.server.received) == 3, child)
        assert await collect_everything(server.server, tmp_path) == []
        assert [each.read_bytes() for each in picture_files(tmp_path)] == [PNG]
        assert (server.server.submits, units(tmp_path)) == (1, ["stored"])
        check_invariants(tmp_path, 1)


@pytest.mark.parametrize("point", ["between rename and flush of the folder", "before it is stored"])
async def test_F25_killed_between_rename_and_commit(tmp_path, acme, point):
    """The file was there and its row was not: it is kept once."""
    async with Jobs(LINK) as server:
        child = await process(server.server, tmp_path, acme, ["k"], JOBS, point)
        await child.communicate()
        assert await collect_everything(server.server, tmp_path) == []
        assert [each.read_bytes() for each in picture_files(tmp_path)] == [PNG]
        assert (server.server.submits, units(tmp_path)) == (1, ["stored"])


POLLS = {
    "500": Instead(Answer(b"oops", 500)),
    "502": Instead(Answer(b"<html>", 502)),
    "a page": Instead(Answer(b"<html>", 200)),
    "half a document": Instead(Answer(b'{"state": "do', 200)),
    "404 once": Instead(Answer({"error": {"code": "gone"}}, 404)),
    "429": Instead(Answer({"error": {"code": "slow"}}, 429, {"retry-after": "0.01"})),
    "no answer": Hang(),
    "half an answer": HangAnswer(5),
    "closed": CloseAnswerless(),
    "reset": CloseAnswerless(reset=True),
    "cut": CutAnswer(5),
    "no HTTP": Garbage(),
    "a state we do not know": Instead(Answer({"state": "dreaming"})),
}


@pytest.mark.parametrize("name", list(POLLS))
async def test_F26_trouble_while_polling(tmp_path, monkeypatch, caplog, name):
    """Whatever a poll meets, it is asked again until the deadline, and an unknown state is told."""
    monkeypatch.setattr(jobs, "_ONE_POLL_S", 0.2)
    async with Jobs(DONE, faults=[None, POLLS[name]]) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            result = await asking.generate("a fox", model=JOBS)
        assert (result.image.data, server.server.submits, units(tmp_path)) == (PNG, 1, ["stored"])
    assert ("dreaming" in caplog.text) == (name == "a state we do not know")


async def test_F26_trouble_until_the_deadline(tmp_path):
    """A job that cannot be asked about is not lost: it stays open, and another try collects it."""
    async with Jobs(Answer(b"", 500)) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=JOBS, timeout_s=0.4)
            server.states = [DONE]
            assert isinstance(error, imagegen.DeadlineExceededError) and not error.expired
            assert (error.billed, units(tmp_path)) == (Billed.YES, ["submitted"])
            assert (await asking.resume(error.job)).image.data == PNG
        assert (server.server.submits, units(tmp_path)) == (1, ["stored"])


async def test_F27_done_and_then_pending(tmp_path):
    """A job that was done once is not waited for again."""
    async with Jobs(LINK, {"state": "waiting"}) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            result = await asking.generate("a fox", model=JOBS)
        polls = [each for each in server.server.received if each.path.startswith("/jobs/")]
        assert (result.image.data, len(polls), server.server.submits) == (PNG, 1, 1)
    assert units(tmp_path) == ["stored"]


async def test_F27_pending_again_when_its_link_has_expired(tmp_path):
    """A job that went backwards is given the time that is left, and is not taken for lost."""
    async with Jobs(LINK, {"state": "drawing"}, LINK, picture=[Answer(b"", 403), PNG]) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            result = await asking.generate("a fox", model=JOBS)
        assert (result.image.data, server.server.submits, units(tmp_path)) == (PNG, 1, ["stored"])


ENDED = {"failed": imagegen.ProviderError, "cancelled": imagegen.ProviderError, "expired": EXPIRED}


@pytest.mark.parametrize("billed", list(Billed))
@pytest.mark.parametrize("state", list(ENDED))
async def test_F28_ended_by_the_provider(tmp_path, state, billed):
    """Failed, cancelled and expired are final; what is booked is what the provider says of the money."""
    async with Jobs({"state": state, "billed": billed.value}) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=[JOBS, "acme:sketch"])
            assert await asking.jobs() == ()
        assert type(error) is ENDED[state]
        assert error.job is None
        assert server.server.submits == 1
    last = "expired" if state == "expired" else "failed"
    assert rows(tmp_path, "SELECT state, billed FROM units") == [(last, billed.value)]
    ((reserved, settled),) = rows(tmp_path, "SELECT reserved, settled FROM totals WHERE scope LIKE 'day:%'")
    assert (reserved, settled > 0) == (0, billed is not Billed.NO)


@pytest.mark.parametrize("status", [403, 404, 410])
@pytest.mark.parametrize("renewal", [None, Answer(b"", 500), Answer(b"<html>")], ids=["renewed", "500", "a page"])
async def test_F29_a_link_that_expired_is_renewed(tmp_path, status, renewal):
    """The job is asked for a fresh link; a question that fails is no answer, and is asked again."""
    fresh = {"state": "done", "pictures": [{"url": "HOST/picture/new"}]}
    between = [renewal] if renewal else []
    async with Jobs(LINK, *between, fresh, picture=[Answer(b"", status), PNG]) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            result = await asking.generate("a fox", model=JOBS)
        assert (result.image.data, server.server.submits, units(tmp_path)) == (PNG, 1, ["stored"])


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_F29_a_link_that_stays_expired(tmp_path, status):
    """It is told as paid and expired, and nothing is submitted for it."""
    async with Jobs(LINK, picture=Answer(b"", status)) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=[JOBS, "acme:sketch"])
        assert isinstance(error, EXPIRED) and error.expired
        assert (error.billed, server.server.submits) == (Billed.YES, 1)
    assert rows(tmp_path, "SELECT state, billed FROM units") == [("expired", "yes")]


DOWNLOADS = {
    "500": Instead(Answer(b"", 500)),
    "503": Instead(Answer(b"", 503)),
    "429": Instead(Answer(b"", 429)),
    "closed": CloseAnswerless(),
    "cut": CutAnswer(30),
    "reset": CutAnswer(30, reset=True),
    "hangs": HangAnswer(30),
    "drips": Drip(0.02, 1),
    "a part that nobody asked for": Instead(Answer(PNG[:30], 206, {"content-range": f"bytes 0-29/{len(PNG)}"})),
    "compressed": Instead(Answer(b"\x1f\x8b", 200, {"content-encoding": "gzip"})),
}


@pytest.mark.parametrize("name", list(DOWNLOADS))
async def test_F30_a_download_that_fails_is_repeated(tmp_path, monkeypatch, name):
    """From the start, whole, and without a word to the paid endpoint."""
    monkeypatch.setattr(connection, "Fetcher", functools.partial(Fetcher, window_s=0.3))
    async with Jobs(LINK, faults=[None, None, DOWNLOADS[name]]) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            result = await asking.generate("a fox", model=JOBS)
        assert (result.image.data, server.server.submits, units(tmp_path)) == (PNG, 1, ["stored"])
        assert not any("range" in each.headers for each in server.server.received)


async def test_F30_downloads_that_fail_until_the_deadline(tmp_path):
    """The job stays open and says so; another process has it for nothing."""
    async with Jobs(LINK, faults=lambda number: CutAnswer(30) if 1 < number < 6 else None) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=JOBS, timeout_s=0.5)
            assert isinstance(error, imagegen.DeadlineExceededError) and not error.expired
        assert await collect_everything(server.server, tmp_path) == []
        assert (server.server.submits, units(tmp_path)) == (1, ["stored"])
        assert len(picture_files(tmp_path)) == 1
