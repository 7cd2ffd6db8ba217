"""A call as a whole: splitting, partial success, fallbacks, money, files; sync, async, threads, forks."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import tracemalloc
from decimal import Decimal

import pytest
from core.serving import ANSWERS, B64, ERRORS, KEY, PNG, client, openai_answer, png, states

import imagegen
from imagegen import Connection
from imagegen.testing.faults import Answer, FaultServer, Instead, unused_port

pytestmark = pytest.mark.anyio
ACME, OPENAI = "acme:sketch", "openai:gpt-image-2"


async def test_split_n_is_one_result():
    """Four pictures at a one-picture model are four submits and one result, with a seed each."""
    async with FaultServer(ANSWERS[ACME]) as server, client(server) as asking:
        result = await asking.generate("a fox", model=ACME, n=4, seed=10)
    assert [image.seed for image in result.images] == [10, 11, 12, 13]
    assert sorted(received.json()["seed"] for received in server.received) == [10, 11, 12, 13]
    assert (result.cost.amount_usd, result.cost.source) == (Decimal("0.12"), "price_list")


async def test_pictures_that_came_are_returned():
    """When some of the calls fail, the others' pictures come back with the failures beside them."""
    faults = [None, Instead(Answer(b"", 500)), None]
    async with FaultServer(ANSWERS[ACME], faults) as server, client(server) as asking:
        result = await asking.generate("a fox", model=ACME, n=3)
    assert len(result.images) == 2
    (failure,) = result.failures
    assert isinstance(failure.error, imagegen.OutcomeUnknownError)
    assert (result.cost.amount_usd, result.cost.known_usd, result.cost.at_most_usd) == (
        None,
        Decimal("0.06"),
        Decimal("0.09"),
    )


async def test_picture_refused_among_others():
    """A picture that the provider refused inside a good answer is a failure; its siblings are not."""
    answer = Answer({"pictures": [{"data": B64}, {"refused": "too wild"}, {"data": B64}]})
    async with FaultServer(answer) as server, client(server) as asking:
        result = await asking.generate("a fox", model="acme:batch", n=3)
    assert len(result.images) == 2
    assert [(failure.index, type(failure.error)) for failure in result.failures] == [(1, imagegen.ModerationError)]


async def test_fewer_pictures_than_asked_are_told():
    """A provider that answers with fewer pictures leaves failures, not silence."""
    async with FaultServer(Answer({"pictures": [{"data": B64}]})) as server, client(server) as asking:
        result = await asking.generate("a fox", model="acme:batch", n=3)
    assert (len(result.images), [failure.index for failure in result.failures]) == (1, [1, 2])


async def test_more_pictures_than_asked_are_kept():
    """A picture that nobody asked for was paid all the same: it comes last, with a warning."""
    answer = Answer({"pictures": [{"data": B64}, {"data": B64}]})
    async with FaultServer(answer) as server, client(server) as asking:
        result = await asking.generate("a fox", model=ACME)
    assert len(result.images) == 2
    assert "2 pictures came" in " ".join(result.warnings)


async def test_spoilt_pictures_leave_no_files(tmp_path):
    """A picture that is cut short leaves nothing in the caller's folder; its bytes are in the error."""
    import base64

    spoilt = base64.b64encode(png(300, 300, "red")[:-20] + os.urandom(2000)).decode()
    async with FaultServer(Answer({"pictures": [{"data": spoilt}]})) as server, client(server) as asking:
        with pytest.raises(imagegen.BadOutputError) as caught:
            await asking.generate("a fox", model=ACME, save_to=tmp_path)
    assert caught.value.raw
    assert list(tmp_path.iterdir()) == []


async def test_fallback_takes_the_next_model():
    """When nobody listens at the first, the next model answers, and the result says which."""
    connections = {"acme": Connection(api_key=KEY, base_url=f"http://127.0.0.1:{unused_port()}")}
    async with FaultServer(openai_answer) as server:
        connections["openai"] = Connection(api_key=KEY, base_url=server.url)
        async with imagegen.AsyncClient(connections=connections) as asking:
            result = await asking.generate("a fox", model=[ACME, OPENAI])
    assert result.model == OPENAI
    assert states(result.attempts)[0] == "not_sent"
    assert states(result.attempts)[-1] == "billed"


async def test_fallback_is_for_the_missing_pictures_only():
    """With a split n, the next model is asked for what is missing and no more."""
    limited = Instead(Answer(ERRORS[ACME]("busy"), 429, {"retry-after": "3600"}))
    async with FaultServer(ANSWERS[ACME], [None, limited, None]) as first, FaultServer(openai_answer) as second:
        connections = {
            "acme": Connection(api_key=KEY, base_url=first.url),
            "openai": Connection(api_key=KEY, base_url=second.url),
        }
        async with imagegen.AsyncClient(connections=connections) as asking:
            result = await asking.generate("a fox", model=[ACME, OPENAI], n=3)
    assert len(result.images) == 3
    assert (result.failures, first.submits, second.submits) == ((), 3, 1)
    assert second.received[0].json()["n"] == 1


async def test_missing_key_falls_back():
    """A model without a key is skipped in a fallback order; alone, the error names the variable."""
    async with imagegen.AsyncClient() as asking:
        result = await asking.generate("a fox", model=[OPENAI, "stub:painter"], size="1024x1024")
        assert result.model == "stub:painter"
        with pytest.raises(imagegen.ConfigurationError, match="OPENAI_API_KEY"):
            await asking.generate("a fox", model=OPENAI)


@pytest.mark.parametrize("most", ["0.02", "0.05"])
async def test_max_usd_is_kept_before_the_first_submit(most):
    """A call that could cost more than it may is not sent, not even in part."""
    async with FaultServer(ANSWERS[ACME]) as server, client(server) as asking:
        with pytest.raises(imagegen.BudgetExceededError):
            await asking.generate("a fox", model=ACME, n=2, max_usd=most)
    assert server.received == []


async def test_unknown_price_is_not_under_a_limit():
    """A model whose price nobody knows cannot keep a limit."""
    async with FaultServer(openai_answer) as server, client(server) as asking:
        with pytest.raises(imagegen.BudgetExceededError, match="not known"):
            await asking.generate("a fox", model="openai:gpt-image-99", max_usd=5)
    assert server.received == []


async def test_what_came_is_checked_against_what_was_asked():
    """Another size or format than was sent is an entry, read from the picture's own bytes."""
    async with FaultServer(openai_answer) as server, client(server) as asking:
        result = await asking.generate("a fox", model=OPENAI, size="1024x1024", output_format="webp")
    found = {entry.field: entry.got for entry in result.adaptations}
    assert found == {"size": "64x64", "output_format": "png"}


async def test_what_the_provider_says_it_did_is_checked():
    """A provider that took another quality than was sent is held to its word."""
    answer = Answer({"created": 1, "data": [{"b64_json": B64}], "quality": "medium"})
    async with FaultServer(answer) as server, client(server) as asking:
        result = await asking.generate("a fox", model=OPENAI, quality="high")
    (entry,) = [each for each in result.adaptations if each.field == "quality"]
    assert (entry.asked, entry.sent, entry.got) == ("high", "high", "medium")


async def test_save_to_writes_straight_to_files(tmp_path):
    """With a folder, pictures are files in it under names that were free, and nothing else stays there."""
    (tmp_path / "image.png").write_bytes(b"mine")
    async with FaultServer(openai_answer) as server, client(server) as asking:
        result = await asking.generate("a fox", model=OPENAI, n=2, save_to=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"image.png", "image-2.png", "image-3.png"}
    assert (tmp_path / "image.png").read_bytes() == b"mine"
    assert all(image.path is not None and image.path.read_bytes() == PNG for image in result.images)


async def test_unwritable_folder_is_found_before_paying(tmp_path):
    """A folder that cannot be written costs nothing."""
    (tmp_path / "file").write_bytes(b"")
    async with FaultServer(openai_answer) as server, client(server) as asking:
        with pytest.raises(imagegen.ConfigurationError, match="nothing was sent"):
            await asking.generate("a fox", model=OPENAI, save_to=tmp_path / "file")
    assert server.received == []


async def test_verify_decode_finds_damage_inside():
    """A picture whose container is whole and whose pixels are not is found by decoding it."""
    import base64

    damaged = bytearray(png(256, 256))
    start = damaged.index(b"IDAT") + 8
    damaged[start : start + 8] = b"\0" * 8
    answer = Answer({"pictures": [{"data": base64.b64encode(bytes(damaged)).decode()}]})
    async with FaultServer(answer) as server, client(server) as asking:
        assert len((await asking.generate("a fox", model=ACME)).images) == 1
        with pytest.raises(imagegen.BadOutputError) as caught:
            await asking.generate("a fox", model=ACME, verify="decode")
    assert caught.value.raw == bytes(damaged)


async def test_key_from_a_callable_is_asked_each_time():
    """A key that changes is read anew before each submit; the function may be async."""
    keys = iter(["first-key-123", "second-key-456"])

    async def key():
        return next(keys)

    async with FaultServer(ANSWERS[ACME]) as server:
        connections = {"acme": Connection(api_key=key, base_url=server.url)}
        async with imagegen.AsyncClient(connections=connections) as asking:
            for _ in range(2):
                await asking.generate("a fox", model=ACME)
    assert [each.headers["x-acme-key"] for each in server.received] == ["first-key-123", "second-key-456"]


async def test_key_and_prompt_stay_out_of_the_log(caplog):
    """No key at any level of the log, and no prompt above DEBUG."""
    caplog.set_level(logging.DEBUG)
    async with FaultServer(openai_answer, [Instead(Answer(ERRORS[OPENAI]("x", f"bad key {KEY}"), 401))]) as server:
        async with client(server) as asking:
            with pytest.raises(imagegen.AuthenticationError):
                await asking.generate("a very secret fox", model=OPENAI)
        async with client(server) as asking:
            await asking.generate("a very secret fox", model=OPENAI)
    assert KEY not in caplog.text
    assert not [each for each in caplog.records if each.levelno > logging.DEBUG and "secret fox" in each.getMessage()]


async def test_swap_of_one_string():
    """The same call goes to the stub and to OpenAI; only the model's name differs."""
    async with FaultServer(openai_answer) as server, client(server) as asking:
        for model in ("stub:painter", "openai:gpt-image-2.5-flare"):
            result = await asking.generate("a red fox", model=model, size="1024x1024", n=2, quality="low")
            assert (len(result.images), result.model) == (2, model)


async def test_memory_of_a_picture_in_flight():
    """A picture of 6 MB takes at most 1.5 times its size while it arrives, and a constant."""
    picture = os.urandom(1)  # made below: incompressible pixels
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.frombytes("RGB", (1420, 1420), os.urandom(1420 * 1420 * 3)).save(buffer, "PNG", compress_level=0)
    picture = buffer.getvalue()
    import base64

    body = b'{"pictures": [{"data": "' + base64.b64encode(picture) + b'"}]}'
    async with FaultServer(Answer(body, headers={"content-type": "application/json"})) as server:
        async with client(server) as asking:
            await asking.generate("warm", model=ACME)
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            result = await asking.generate("a fox", model=ACME)
            peak = tracemalloc.get_traced_memory()[1] - before
            tracemalloc.stop()
    assert result.image.data == picture
    assert peak < 1.5 * len(picture) + 2_000_000


async def test_client_belongs_to_one_loop():
    """A client that is used on a second loop says so."""
    asking = imagegen.AsyncClient()
    await asking.generate("a", model="stub:painter", size="64x64")

    def elsewhere():
        with pytest.raises(imagegen.ConfigurationError, match="loop"):
            asyncio.run(asking.generate("a", model="stub:painter"))

    await asyncio.to_thread(elsewhere)
    await asking.close()


async def test_sync_works_inside_a_running_loop():
    """The sync client works in a notebook, where a loop is running already."""
    with imagegen.Client() as asking:
        assert asking.generate("a", model="stub:painter", size="64x64").image.width == 64


def test_sync_client_is_thread_safe():
    """Several threads use one client at once, and each gets its own picture."""
    sizes: dict[int, int] = {}
    with imagegen.Client() as asking:

        def ask(width: int) -> None:
            sizes[width] = asking.generate("a", model="stub:painter", size=f"{width}x64").image.width or 0

        threads = [threading.Thread(target=ask, args=(width,)) for width in (64, 80, 96, 112)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sizes == {width: width for width in (64, 80, 96, 112)}


def test_use_puts_a_client_in_place():
    """Inside the block the module's verbs run on that client, and outside not."""
    with imagegen.Client(policy="strict") as strict, imagegen.use(strict):
        with pytest.raises(imagegen.UnsupportedError):
            imagegen.generate("a", model="stub:painter", size="64x64", negative_prompt="trees", quality="max")
    assert imagegen.generate("a", model="stub:painter", size="64x64", end_user_id="u").images


def test_configure_sets_the_default_client():
    """Settings of the default client apply to the module's verbs until they are changed."""
    try:
        imagegen.configure(timeout_s=0.05)
        with pytest.raises(imagegen.ImageGenError):
            imagegen.generate("a", model="stub:slow", size="64x64")
    finally:
        imagegen.configure()
    assert imagegen.generate("a", model="stub:slow", size="64x64").images


FORK = """
import os, sys, imagegen
client = imagegen.Client()
client.generate("a", model="stub:painter", size="64x64")
imagegen.generate("a", model="stub:painter", size="64x64")
pid = os.fork()
if pid == 0:
    try:
        client.generate("a", model="stub:painter", size="64x64")
        os._exit(1)
    except imagegen.ConfigurationError as error:
        assert "fork" in str(error)
    imagegen.generate("a", model="stub:painter", size="64x64")
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_fork_is_survived():
    """After a fork the default client is made anew, and a client of the parent says what is wrong."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
