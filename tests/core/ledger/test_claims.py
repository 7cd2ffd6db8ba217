"""A key makes a call once: again, meanwhile, for something else, and after whatever became of the first try."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from core.serving import B64, ERRORS, PNG, acme_answer, client, openai_answer

import imagegen
from imagegen.ledger import Store
from imagegen.testing.faults import Answer, CloseAnswerless, CutAnswer, FaultServer, Hang, Instead, Late

pytestmark = pytest.mark.anyio
MODEL = "acme:sketch"
TESTS = Path(__file__).parents[2]
OTHER_PROCESS = """
import asyncio, os, signal, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import imagegen
from core.serving import client
url, ledger, model, how = sys.argv[3:]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    settings = {}
    if how == "dies asking for its key":
        settings["connections"] = {"acme": imagegen.Connection(api_key=die, base_url=url)}
    if how == "waits for its turn":
        from imagegen.types.limits import Limits
        limits = Limits(requests_per_minute=1)
        settings["connections"] = {"acme": imagegen.Connection(api_key="k", base_url=url, limits=limits)}
    async with client(url, ledger=ledger, **{"timeout_s": 100, **settings}) as asking:
        if how == "waits for its turn":
            await asking.generate("another fox", model=model)
        result = await asking.generate("a fox", model=model, key="k1")
        print("replayed" if result.replayed else "made")

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


async def make(server, path, prompt="a fox", model=MODEL, **keywords):
    """The call, by a client of its own."""
    async with client(server, ledger=path) as asking:
        verb = asking.edit if "images" in keywords else asking.generate
        return await verb(prompt, model=model, **{"key": "k1", **keywords})


async def other_process(acme, server, path, model=MODEL, how="lives"):
    """Another process, making the same call."""
    arguments = [str(TESTS), str(acme), server.url, str(path), model, how]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER_PROCESS, *arguments, stdout=asyncio.subprocess.PIPE
    )


async def until(condition):
    """Wait for what a real process does."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def killed(process):
    """SIGKILL: nothing is tidied up."""
    process.send_signal(signal.SIGKILL)
    await process.communicate()


async def test_the_same_again_is_replayed(path):
    """Same key, same call: the stored picture, and nothing is sent."""
    async with FaultServer(acme_answer) as server:
        first = await make(server, path)
        again = await make(server, path)
    assert (first.replayed, again.replayed, server.submits) == (False, True, 1)
    assert bytes(again.image.data) == bytes(first.image.data) == PNG


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "a cat"},
        {"model": "acme:batch"},
        {"model": [MODEL, "acme:batch"]},
        {"options": {"acme": {"strokes": 5}}},
        {"n": 2},
        {"seed": 7},
        {"size": "96x64"},
    ],
)
async def test_a_key_is_bound_to_its_call(path, other):
    """Anything else under the same key is refused before a byte is sent."""
    async with FaultServer(acme_answer) as server:
        await make(server, path)
        with pytest.raises(imagegen.ConfigurationError, match="another request"):
            await make(server, path, **other)
    assert server.submits == 1


async def test_a_key_is_bound_to_the_operation(path, tmp_path):
    """An edit is not the picture that was generated from the same words."""
    (tmp_path / "fox.png").write_bytes(PNG)
    async with FaultServer(openai_answer) as server:
        await make(server, path, model="openai:gpt-image-2")
        with pytest.raises(imagegen.ConfigurationError, match="another request"):
            await make(server, path, model="openai:gpt-image-2", images=[str(tmp_path / "fox.png")])
    assert server.submits == 1


async def test_run_settings_are_no_part_of_it(path):
    """The deadline may differ."""
    async with FaultServer(acme_answer) as server:
        await make(server, path)
        assert (await make(server, path, timeout_s=5, max_usd="0.5")).replayed
    assert server.submits == 1


async def test_two_callers_at_once_are_one_call(path):
    """Ten callers of one client, one submit."""
    async with FaultServer(acme_answer, lambda number: Late(0.2)) as server:
        async with client(server, ledger=path) as asking:
            found = await asyncio.gather(*(asking.generate("a fox", model=MODEL, key="k1") for _ in range(10)))
    assert (server.submits, sum(each.replayed for each in found)) == (1, 9)


async def test_another_process_is_waited_for(acme, path):
    """While another process makes it, this one waits for its result; for so long as its own deadline allows."""
    async with FaultServer(acme_answer, lambda number: Late(2)) as server:
        other = await other_process(acme, server, path)
        await until(lambda: server.submits)
        with pytest.raises(imagegen.DeadlineExceededError, match="under way"):
            await make(server, path, timeout_s=0.5)
        result = await make(server, path)
        output, _ = await other.communicate()
    assert (result.replayed, output, server.submits) == (True, b"made\n", 1)


async def test_four_processes_make_one_call(acme, path):
    """Started at once, one of them submits, the others get its result."""
    async with FaultServer(acme_answer, lambda number: Late(0.3)) as server:
        others = [await other_process(acme, server, path) for _ in range(4)]
        outputs = [(await each.communicate())[0] for each in others]
    assert sorted(outputs) == [b"made\n"] + [b"replayed\n"] * 3
    assert server.submits == 1


# The other process was killed.


async def test_killed_before_its_turn(acme, path):
    """No intent was written, so nothing was sent: the call is made now."""
    async with FaultServer(acme_answer) as server:
        other = await other_process(acme, server, path, how="waits for its turn")
        store = Store(path, "w")
        await until(lambda: store.call_by_key("k1"))
        await asyncio.sleep(0.2)
        store.close()
        await killed(other)
        assert server.submits == 1  # the call without a key
        assert not (await make(server, path)).replayed
    assert server.submits == 2


async def test_killed_between_intent_and_post(acme, path):
    """Nobody can know that nothing was sent: it is not paid again unless the caller says so."""
    async with FaultServer(acme_answer) as server:
        other = await other_process(acme, server, path, how="dies asking for its key")
        await other.communicate()
        assert other.returncode == -signal.SIGKILL
        with pytest.raises(imagegen.OutcomeUnknownError, match="retry_unknown"):
            await make(server, path)
        assert server.submits == 0
        assert len((await make(server, path, retry_unknown=True)).images) == 1
    assert server.submits == 1


async def test_killed_after_the_post(acme, path):
    """Sent, and nobody heard the answer: it is not paid again unless the caller says so."""
    async with FaultServer(acme_answer, [Hang()]) as server:
        other = await other_process(acme, server, path)
        await until(lambda: server.submits)
        await killed(other)
        with pytest.raises(imagegen.OutcomeUnknownError) as caught:
            await make(server, path)
        assert (str(caught.value.possibly_billed_usd), server.submits) == ("0.03", 1)
        assert not (await make(server, path, retry_unknown=True)).replayed
        assert (await make(server, path)).replayed
    assert server.submits == 2


async def test_killed_after_the_handle(acme, path):
    """The job was accepted: it is collected, and nothing is submitted."""
    polls = 0

    def answer(received):
        nonlocal polls
        if received.method == "POST":
            return Answer({"id": "j1", "poll": f"{server.url}/jobs/1"}, 202)
        polls += 1
        return Answer({"state": "done", "pictures": [{"data": B64}]} if done else {"state": "drawing"})

    done = False
    async with FaultServer(answer) as server:
        other = await other_process(acme, server, path, model="acme-jobs:sketch")
        await until(lambda: polls)
        await killed(other)
        done = True
        result = await make(server, path, model="acme-jobs:sketch")
        assert bytes(result.image.data) == PNG
        assert (await make(server, path, model="acme-jobs:sketch")).replayed
    assert server.submits == 1


# What became of the first try.


async def fail_first(path, fault, error):
    """The first try meets a fault; how many submits the second makes, and what it raises."""
    async with FaultServer(acme_answer, [fault]) as server:
        with pytest.raises(error):
            await make(server, path)
        before = server.submits
        try:
            await make(server, path)
        except imagegen.ImageGenError as second:
            return server.submits - before, type(second)
        return server.submits - before, None


ACME_ERROR = ERRORS[MODEL]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Instead(Answer(ACME_ERROR("bad"), 400)), imagegen.InvalidRequestError),
        (Instead(Answer(ACME_ERROR("busy"), 429, {"retry-after": "3600"})), imagegen.RateLimitError),
    ],
)
async def test_after_a_rejection_it_is_made(path, fault, error):
    """No work was done: the same key asks again, at the stated pace."""
    submits, second = await fail_first(path, fault, error)
    assert (submits, second) == ((0, error) if error is imagegen.RateLimitError else (1, None))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Instead(Answer(ACME_ERROR("unsafe"), 400)), imagegen.ModerationError),
        (Instead(Answer(b"<html>what</html>")), imagegen.BadOutputError),
        (Instead(Answer({"pictures": []})), imagegen.BadOutputError),
        (Instead(Answer({"pictures": [{"data": B64[: len(B64) // 2]}]})), imagegen.BadOutputError),
        (Instead(Answer(ACME_ERROR("down"), 500)), imagegen.OutcomeUnknownError),
        (CutAnswer(after=10), imagegen.OutcomeUnknownError),
    ],
)
async def test_after_money_it_is_the_same_error(path, fault, error):
    """Refused, paid for nothing, or unknown: the same key tells it again, and sends nothing."""
    assert await fail_first(path, fault, error) == (0, error)


async def test_what_is_missing_is_made(path):
    """One of two pictures came: the same key keeps it and pays for the other only."""
    async with FaultServer(acme_answer, [None, Instead(Answer(ACME_ERROR("bad"), 400))]) as server:
        first = await make(server, path, n=2)
        assert (len(first.images), len(first.failures)) == (1, 1)
        again = await make(server, path, n=2)
    assert again.replayed
    assert server.submits == 2


# The cache: the call itself is the key.


async def test_cache_with_a_seed(path):
    """The same request with the same seed is made once; another seed is another picture."""
    async with FaultServer(acme_answer) as server:
        for seed in (1, 1, 2):
            result = await make(server, path, key=None, cache=True, seed=seed)
        assert (result.replayed, server.submits) == (False, 2)
        assert (await make(server, path, key=None, cache=True, seed=2)).replayed


async def test_cache_without_a_seed(path):
    """Without one each call is a new picture, and it is said."""
    async with FaultServer(acme_answer) as server:
        results = [await make(server, path, key=None, cache=True) for _ in range(2)]
    assert server.submits == 2
    assert any("needs a seed" in warning for warning in results[1].warnings)


async def test_a_key_needs_a_ledger():
    """Without one nobody would remember it."""
    async with FaultServer(acme_answer) as server, client(server) as asking:
        with pytest.raises(imagegen.ConfigurationError, match="ledger"):
            await asking.generate("a fox", model=MODEL, key="k1")
    assert server.submits == 0


async def test_a_part_of_unknown_outcome_is_paid_again_on_the_callers_word(tmp_path):
    """Of a split call whose result lacks one picture, ``retry_unknown`` pays for that one alone."""
    faults = [None, CloseAnswerless()]
    async with FaultServer(acme_answer, faults) as server, client(server, ledger=tmp_path) as asking:
        first = await asking.generate("a fox", model="acme:sketch", n=3, key="k")
        assert (len(first.images), server.submits) == (2, 3)
        again = await asking.generate("a fox", model="acme:sketch", n=3, key="k")
        assert (again.replayed, len(again.images), server.submits) == (True, 2, 3)
        whole = await asking.generate("a fox", model="acme:sketch", n=3, key="k", retry_unknown=True)
        assert (len(whole.images), server.submits) == (3, 4)
        last = await asking.generate("a fox", model="acme:sketch", n=3, key="k", retry_unknown=True)
        assert (len(last.images), server.submits) == (3, 4)
