"""OpenAI's streams: the real client against the strict fake."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai import FakeOpenAI, fake_openai
from PIL import Image

import imagegen
from imagegen import (
    Billed,
    Connection,
    Done,
    ImageReady,
    ModerationError,
    OutcomeUnknownError,
    Partial,
    ProviderError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
KEY = "sk-test-0000000000000000"
MODEL = "openai:gpt-image-2"
BLOCKED = {"code": "moderation_blocked", "message": "no", "type": "image_generation_user_error", "param": None}


def picture(size: tuple[int, int] = (64, 64)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeOpenAI]:
    with fake_openai(key=KEY, elsewhere={"https://pictures.example/a.png": picture()}) as found:
        yield found


@pytest.fixture
def server(listening: FakeOpenAI) -> FakeOpenAI:
    """The fake, as if just started."""
    listening.forget()
    return listening


def client(server: FakeOpenAI, **settings: Any) -> imagegen.AsyncClient:
    connection = Connection(api_key=KEY, base_url=server.base_url)
    return imagegen.AsyncClient(connections={"openai": connection}, **{"timeout_s": 30, **settings})


async def events_of(asking: imagegen.AsyncClient, prompt: str = "a fox", **keywords: Any) -> list[Any]:
    async with asking.stream(prompt, **{"model": MODEL, **keywords}) as events:
        return [event async for event in events]


@pytest.mark.parametrize("operation", ["generate", "edit", "edit as json"])
async def test_events_come_in_order_with_one_end(server, operation):
    """Partials from 0, the picture, one Done; the bill has the partials' surcharge, the latency their time."""
    images = {"edit": [picture()], "edit as json": ["https://pictures.example/a.png"]}.get(operation, [])
    more = {"images": images} if images else {}
    async with client(server) as asking:
        *partials, ready, done = await events_of(asking, partial_images=2, quality="low", size="1024x1024", n=1, **more)
    assert [(type(each), each.index) for each in partials] == [(Partial, 0), (Partial, 1)]
    assert [Image.open(io.BytesIO(each.content.read())).size for each in partials] == [(1024, 1024)] * 2
    assert (type(ready), type(done)) == (ImageReady, Done)
    result = done.result
    assert result.image.data == ready.image.data
    assert result.usage.image_output_tokens == 196 + 200
    assert 0 < result.latency.time_to_first_partial_s < result.latency.total_s
    assert (result.cost.source, result.request_id[:4], server.submits) == ("usage", "req_", 1)
    body = server.requests[0].body
    assert (body["stream"], body["partial_images"], body["n"]) == (True, 2, 1)


async def test_plan_of_a_stream_covers_its_bill(server):
    """Unfinished pictures cost 100 tokens each: what is set aside knows it."""
    async with client(server) as asking:
        *_, done = await events_of(asking, partial_images=3, quality="low", size="1024x1024")
        with pytest.raises(imagegen.BudgetExceededError):
            await events_of(asking, partial_images=3, quality="low", size="1024x1024", max_usd="0.006")
        plain = await asking.generate("a fox", model=MODEL, quality="low", size="1024x1024", max_usd="0.007")
    assert done.result.cost.amount_usd - plain.cost.amount_usd == 300 * Decimal("0.00003")


async def test_fewer_partials_than_asked(server):
    """It is no failure, and costs less."""
    server.behaviour.most_partials = 0
    async with client(server) as asking:
        ready, done = await events_of(asking, partial_images=3, quality="low", size="1024x1024")
    assert (type(ready), done.result.usage.image_output_tokens) == (ImageReady, 196)
    assert done.result.latency.time_to_first_partial_s is None


async def test_first_partial_is_handed_over_before_the_rest_has_come(server):
    """The fake waits: what was sent is in hand meanwhile."""
    server.hold()
    async with client(server) as asking, asking.stream("a fox", model=MODEL, partial_images=2) as events:
        walk = aiter(events)
        first = await asyncio.wait_for(anext(walk), 10)
        assert (type(first), first.index, server.finished) == (Partial, 0, 0)
        server.release()
        rest = [event async for event in walk]
    assert [type(each) for each in rest] == [Partial, ImageReady, Done]
    assert server.finished == 1


async def test_stream_renders_until_its_picture_is_there(server):
    """The head of the answer comes at once and says nothing: the seconds are the render's, not the download's."""
    async with client(server) as asking:
        *_, done = await events_of(asking, partial_images=1, size="1024x1024")
    latency = done.result.latency
    assert (latency.download_s or 0) < latency.render_s


async def test_events_of_several_mb(server):
    """A picture that no compression makes small stands on one line of its event."""
    server.behaviour.noisy = True
    async with client(server) as asking:
        partial, _, done = await events_of(asking, partial_images=1, size="1024x1024")
    assert partial.content.size_bytes > 2_000_000
    assert done.result.image.pil().size == (1024, 1024)


async def test_several_pictures_are_several_streams(server):
    """A stream has one picture; each says which it is."""
    async with client(server) as asking:
        seen = await events_of(asking, n=3, partial_images=1, quality="low", size="1024x1024")
    assert sorted(each.task for each in seen if isinstance(each, Partial)) == [0, 1, 2]
    assert sorted(each.index for each in seen if isinstance(each, ImageReady)) == [0, 1, 2]
    assert [type(each) for each in seen].count(Done) == 1
    assert (server.submits, seen[-1].result.usage.image_output_tokens) == (3, 3 * 296)


async def test_what_does_not_stream_comes_whole(server):
    """A gif is asked for plainly, and the wish for partials is told as not kept."""
    async with client(server) as asking:
        *_, done = await events_of(
            asking, model="openai:gpt-image-2.6-flare", output_format="gif", size="512x512", partial_images=1
        )
    assert "stream" not in server.requests[0].body
    assert done.result.image.media_type == "image/gif"
    assert [each.field for each in done.result.adaptations] == ["partial_images"]


async def test_server_that_does_not_stream_answers_all_the_same(server):
    """A whole answer instead of a stream is an answer."""
    content = base64.b64encode(picture((1024, 1024))).decode()
    server.next_answers.append((200, {"created": 1, "data": [{"b64_json": content}]}, {}))
    async with client(server) as asking:
        ready, done = await events_of(asking, partial_images=2)
    assert (type(ready), done.result.image.width) == (ImageReady, 1024)


@pytest.mark.parametrize("ending", ["error", "bare error"])
@pytest.mark.parametrize("edit", [False, True], ids=["generate", "edit"])
async def test_refusal_in_the_middle_keeps_what_was_shown(server, ending, edit):
    """An error event under status 200 is moderation: asked once, with the unfinished pictures."""
    server.behaviour.ending = ending
    more = {"images": [picture()]} if edit else {}
    async with client(server) as asking:
        with pytest.raises(ModerationError) as caught:
            await events_of(asking, partial_images=2, **more)
    error = caught.value
    assert (error.stage, error.categories, len(error.partials)) == ("output", ("violence",), 2)
    assert [each.state.value for each in error.attempts] == ["refused"]
    assert error.request_id.startswith("req_")
    assert server.submits == 1


@pytest.mark.parametrize(
    ("error", "kind", "state"),
    [(BLOCKED, ModerationError, "refused"), ({"type": "server_error", "message": "no"}, ProviderError, "unknown")],
)
async def test_error_instead_of_a_stream(server, error, kind, state):
    """Status 200 with an error's JSON is that error."""
    server.next_answers.append((200, {"error": error}, {}))
    async with client(server) as asking:
        with pytest.raises(kind) as caught:
            await events_of(asking, partial_images=2)
    assert [each.state.value for each in caught.value.attempts] == [state]
    assert server.submits == 1


@pytest.mark.parametrize("partials", [0, 2])
async def test_stream_without_its_last_event_is_unknown(server, partials):
    """It ended well by its framing, and the picture did not come: it may have been billed, and is not asked again."""
    server.behaviour.ending = "nothing"
    async with client(server) as asking:
        with pytest.raises(OutcomeUnknownError) as caught:
            await events_of(asking, partial_images=partials)
    assert [each.state.value for each in caught.value.attempts] == ["unknown"]
    assert (len(caught.value.partials), caught.value.billed, server.submits) == (partials, Billed.UNKNOWN, 1)
    assert caught.value.possibly_billed_usd > 0


async def test_refused_stream_is_an_ordinary_error(server):
    """A status tells before any event does."""
    async with client(server) as asking:
        with pytest.raises(ModerationError):
            await events_of(asking, "a fox [refuse the prompt]", partial_images=1)
    assert server.submits == 1


@pytest.mark.parametrize("edit", [False, True], ids=["generate", "edit"])
async def test_leaving_after_the_first_partial_keeps_what_is_paid(server, tmp_path, edit):
    """The paid step ends in the background, its picture is kept beside the spool, and `resume` returns it."""
    server.hold()
    more = {"images": [picture()]} if edit else {}
    async with client(server, spool=tmp_path) as asking:
        async with asking.stream("a fox", model=MODEL, partial_images=2, size="1024x1024", **more) as events:
            async for event in events:
                assert isinstance(event, Partial)
                break
        assert server.finished == 0
        server.release()
    assert (server.submits, server.finished) == (1, 1)
    (kept,) = tmp_path.glob("*.json")
    async with client(server, spool=tmp_path) as other:
        result = await other.resume(kept.stem)
    assert (result.image.width, result.image.height, server.submits) == (1024, 1024, 1)
    assert (result.cost.source, result.usage.image_output_tokens) == ("usage", 7024 + 200)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["bytes", "pil", "path"])
async def test_leaving_keeps_an_edit_whose_options_hold_a_picture(server, tmp_path, kind):
    """The kept job is text: a picture in it is named by its digest, however it was handed in."""
    drawing = Image.new("RGBA", (64, 64))
    drawing.save(tmp_path / "drawing.png")
    path = tmp_path / "drawing.png"
    markup = {"bytes": path.read_bytes(), "pil": drawing, "path": path}[kind]
    asked: dict[str, Any] = {"images": [picture()], "options": {"openai": {"markup": markup}}, "partial_images": 2}
    server.hold()
    async with client(server, spool=tmp_path / "spool") as asking:
        async with asking.stream("a fox", model="openai:gpt-image-2.6-flare", **asked) as events:
            async for _ in events:
                break
        server.release()
    (kept,) = (tmp_path / "spool").glob("*.json")
    async with client(server, spool=tmp_path / "spool") as other:
        assert (await other.resume(kept.stem)).image.width == 1024


async def test_partials_leave_no_files_behind(server, tmp_path):
    """With ``save_to`` the folder holds the picture and nothing else."""
    async with client(server) as asking:
        seen = await events_of(asking, partial_images=2, size="1024x1024", save_to=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]
    assert len(seen[0].content.read()) > 100


async def test_events_nobody_knows_leave_no_files_behind(server, tmp_path):
    """A picture in an event that means nothing here is nobody's."""
    strange = json.dumps({"type": "image_generation.sketch", "b64_json": base64.b64encode(bytes(9000)).decode()})
    final = json.dumps({"type": "x.completed", "b64_json": base64.b64encode(picture((1024, 1024))).decode()})
    stream = f"data: {strange}\n\ndata: {final}\n\n".encode()
    server.next_answers.append((200, stream, {"content-type": "text/event-stream"}))
    async with client(server) as asking:
        await events_of(asking, save_to=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]


@pytest.mark.parametrize("after", [b"", b"data: [DONE]\n\n", b": bye\n\n", b'data: {"type": "half'])
async def test_stream_ends_with_its_picture(server, after):
    """Whatever comes after the finished picture, or is cut there, costs it no more."""
    final = json.dumps({"type": "x.completed", "b64_json": base64.b64encode(picture((1024, 1024))).decode()})
    stream = f"data: {final}\n\n".encode() + after
    headers = {"content-type": "text/event-stream", "content-length": str(len(stream) + (9 if after else 0))}
    server.next_answers.append((200, stream, headers))
    async with client(server) as asking:
        *_, done = await events_of(asking)
    assert done.result.image.width == 1024


async def test_sync_client_streams_the_same(server):
    """An ordinary loop over the same events."""

    def walk() -> list[Any]:
        connection = Connection(api_key=KEY, base_url=server.base_url)
        with imagegen.Client(connections={"openai": connection}) as asking:
            with asking.stream("a fox", model=MODEL, partial_images=1) as events:
                return list(events)

    seen = await asyncio.to_thread(walk)
    assert [type(each) for each in seen] == [Partial, ImageReady, Done]


# The fake is strict.


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stream": True, "n": 2}, "n"),
        ({"partial_images": 1}, "partial_images"),
        ({"stream": True, "partial_images": 4}, "partial_images"),
        ({"stream": "yes"}, "stream"),
        ({"stream": True, "output_format": "gif", "model": "gpt-image-2.6-flare"}, "stream"),
    ],
)
def test_fake_refuses_what_streams_refuse(fields, param):
    """Each rule of the sheet, on the fake itself."""
    from fakes.openai_rules import Refusal, checked

    with pytest.raises(Refusal) as raised:
        checked({"prompt": "a", "model": "gpt-image-2", **fields}, False)
    assert raised.value.body["error"]["param"] == param
