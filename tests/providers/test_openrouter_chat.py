"""OpenRouter's chat dialect: samples in both directions, and the real client against a strict fake."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai_inputs import half_and_half, png
from fakes.openrouter import KEY, FakeOpenRouter
from samples import reply_of, request_of

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    Connection,
    ImageRequest,
    ImageUrl,
    ModerationError,
    PictureData,
    ProviderError,
    Reply,
    Task,
    UnsupportedError,
    Usage,
)
from imagegen_providers.openrouter import OpenRouter, OpenRouterOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVIDER = OpenRouter()
HOST = "https://openrouter.ai/api/v1"
MODEL = "openrouter:google/gemini-3.1-flash-image"
CHAT = {"openrouter": {"api": "chat"}}


def task(prompt: str = "x", *, n: int | None = None, defaults: dict[str, Any] | None = None, **fields: Any) -> Task:
    options = None if defaults else OpenRouterOptions(api="chat", **fields.pop("options", {}))
    operation = "edit" if "images" in fields else "generate"
    request = ImageRequest(prompt=prompt, **fields)
    return Task(request, "google/gemini-3.1-flash-image", operation, n=n, options=options, defaults=defaults or {})


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("chat_completions_image", {"aspect_ratio": "1:1", "resolution": "1K", "n": 1}),
        ("chat_completions_no_image", {}),
    ],
)
def test_request_is_that_of_the_sample(name, fields):
    """A message, the kinds of the answer, and what the picture is like."""
    _, url, wanted = request_of("openrouter", name)
    wire = PROVIDER.wire(task(wanted["messages"][0]["content"], **fields))
    assert (HOST + wire.path, wire.json) == (url, wanted)


def test_sample_answer():
    """The picture, the cost of the account, the tokens by kind."""
    output = PROVIDER.parse(reply_of("openrouter", "chat_completions_image"), task())
    (picture,) = output.images
    assert isinstance(picture, PictureData)
    assert picture.read().startswith(b"\x89PNG")
    assert (output.cost_usd, output.usage) == (Decimal("0.0387243"), Usage(6, None, 9, 1290))
    assert output.model == "google/gemini-3.1-flash-image"


def test_sample_without_a_picture():
    """HTTP 200 and no picture: the reason to end says that it was refused."""
    output = PROVIDER.parse(reply_of("openrouter", "chat_completions_no_image"), task())
    (refused,) = output.images
    assert isinstance(refused, ModerationError)
    assert (refused.stage, refused.code, refused.billed, output.cost_usd) == ("output", "IMAGE_SAFETY", Billed.NO, 0)


def test_catalogue_may_say_that_a_model_is_only_there():
    """An option's default is enough: nobody tests a name."""
    assert PROVIDER.wire(task(defaults={"api": "chat"})).path == "/chat/completions"
    assert PROVIDER.wire(task(defaults={"api": "images"})).path == "/images"


def test_edit_sends_pictures_in_the_message():
    """As data URLs or links, behind the words; routing stays what it is."""
    link = "https://pictures.example/a.png"
    wire = PROVIDER.wire(
        task("moss", images=[png(), link], seed=3, end_user_id="u", options={"image_only": True, "only": ["a"]})
    )
    words, first, second = wire.json["messages"][0]["content"]
    assert (words, second["image_url"]["url"]) == ({"type": "text", "text": "moss"}, link)
    assert first["image_url"]["url"].startswith("data:image/png;base64,")
    said = {name: wire.json[name] for name in ("modalities", "seed", "user", "provider")}
    assert said == {"modalities": ["image"], "seed": 3, "user": "u", "provider": {"only": ["a"]}}


@pytest.mark.parametrize(
    "fields",
    [{"size": "512x512"}, {"quality": "low"}, {"output_format": "png"}, {"n": 2}, {"options": {"resolution": "512"}}],
)
def test_what_a_chat_has_no_word_for(fields):
    """Nothing is dropped: it is refused before sending."""
    with pytest.raises(UnsupportedError):
        PROVIDER.wire(task(**fields))


def answer(**choice: Any) -> Reply:
    return Reply.of({"choices": [choice], "usage": {"cost": 0.01}})


def test_odd_answers():
    """Words alone are no refusal; a link is one; an error in the choice is raised."""
    (only_words,) = PROVIDER.parse(answer(message={"content": "I see."}, finish_reason="stop"), task()).images
    assert isinstance(only_words, BadOutputError)
    (refused,) = PROVIDER.parse(answer(message={"refusal": "no"}, finish_reason="stop"), task()).images
    assert (type(refused), refused.billed) == (ModerationError, Billed.YES)
    parts = [{"image_url": {"url": "https://files.example/1.png"}}, {"image_url": 5}]
    link, broken = PROVIDER.parse(answer(message={"images": parts}), task()).images
    assert (link, type(broken)) == (ImageUrl("https://files.example/1.png"), BadOutputError)
    with pytest.raises(ProviderError, match="upstream") as raised:
        PROVIDER.parse(answer(error={"code": 502, "message": "upstream died"}), task())
    assert raised.value.billed is Billed.UNKNOWN


@pytest.fixture
def server() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter() as found:
        yield found


def client(server: FakeOpenRouter) -> imagegen.AsyncClient:
    connection = Connection(api_key=KEY, base_url=server.base_url)
    return imagegen.AsyncClient(connections={"openrouter": connection}, timeout_s=20)


@pytest.mark.anyio
async def test_picture_comes_as_it_is(server):
    """The original bytes, and the cost; several are several calls."""
    async with client(server) as asking:
        result = await asking.generate("a fox", model=MODEL, options=CHAT, n=2, aspect_ratio="3:2")
        changed = await asking.edit("moss", model=MODEL, options=CHAT, images=[half_and_half((64, 64))])
    assert {image.data for image in (*result.images, *changed.images)} == set(server.painted)
    assert (result.image.width, result.image.height) == (300, 200)
    assert (result.cost.amount_usd, result.cost.source) == (Decimal("0.0774486"), "provider")
    assert (len(server.received), server.refusals) == (3, [])


@pytest.mark.anyio
async def test_refused_picture_is_told_with_its_cost(server):
    """And is asked for once."""
    usage = {"prompt_tokens": 6, "completion_tokens": 0, "cost": 0.002}
    refused = {"message": {"content": ""}, "finish_reason": "content_filter", "native_finish_reason": "IMAGE_SAFETY"}
    server.answers.append((200, {"choices": [refused], "usage": usage}))
    async with client(server) as asking:
        with pytest.raises(ModerationError) as raised:
            await asking.generate("a fox", model=MODEL, options=CHAT)
    assert (raised.value.billed, len(server.received)) == (Billed.YES, 1)
