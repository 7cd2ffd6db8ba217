"""OpenAI's sending: through the SDK, over our HTTP, to a strict fake of the API."""

from __future__ import annotations

import io
import math
import time
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai import REFUSED_PICTURE, REFUSED_PROMPT, FakeOpenAI, fake_openai
from PIL import Image

from imagegen import (
    AuthenticationError,
    BadOutputError,
    Call,
    ConfigurationError,
    Connection,
    ConnectionFailedError,
    ImageRequest,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    Output,
    RateLimitError,
    Task,
    Usage,
)
from imagegen.catalogue import facts_of
from imagegen.http.connection import HttpConnection
from imagegen.provider import pay
from imagegen.secrets import Secret
from imagegen.settings import Settings
from imagegen.types.connection import Endpoint
from imagegen_providers.openai import OpenAI, OpenAIOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
KEY = "sk-test-0000000000000000"


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeOpenAI]:
    with fake_openai(key=KEY) as found:
        yield found


@pytest.fixture
def server(listening: FakeOpenAI) -> FakeOpenAI:
    """The fake, as if just started."""
    listening.forget()
    return listening


async def answer(server: FakeOpenAI, asked: Task, *, key: Any = KEY, **endpoint: Any) -> Output:
    """What the fake's answer comes to, over a connection of its own."""
    settings = {"base_url": server.base_url, "own_base_url": True, **endpoint}
    api_key = Secret(key) if isinstance(key, str) else key
    provider = OpenAI()
    resolved = Endpoint("openai", "openai", api_key=api_key, facts=facts_of("openai"), **settings)
    http = HttpConnection(resolved, provider.auth)
    try:
        found = await pay(provider, asked, Call(http.endpoint, http, time.monotonic() + 30))
    finally:
        await provider.aclose()
        await http.aclose()
    assert isinstance(found, Output)
    return found


def task(prompt: str = "a red fox", model: str = "gpt-image-2.6-flare", *, n: int | None = None, **fields: Any) -> Task:
    """A call to the fake; options are OpenAI's."""
    options = {name: fields.pop(name) for name in OpenAIOptions.model_fields if name in fields}
    request = ImageRequest(prompt=prompt, n=n or 1, **fields)
    return Task(request, model, "generate", n=n, options=OpenAIOptions(**options) if options else None)


def opened(output: Output, index: int = 0) -> Image.Image:
    """The picture, decoded."""
    picture = output.images[index]
    assert hasattr(picture, "read")
    return Image.open(io.BytesIO(picture.read()))


async def test_pictures_come_back_as_they_were_asked(server):
    """Two real files of the asked size and format, counted together."""
    asked = task(model="gpt-image-2", n=2, size="1024x768", quality="low", output_format="webp", output_compression=70)
    output = await answer(server, asked)
    pictures = [opened(output, index) for index in range(2)]
    assert [(each.format, each.size) for each in pictures] == [("WEBP", (1024, 768))] * 2
    assert output.usage == Usage(9, 0, 0, 268)
    assert output.echo == {"size": "1024x768", "quality": "low", "background": "opaque", "output_format": "webp"}
    assert (server.submits, server.billed) == (1, 1)


async def test_large_picture_never_passes_as_text(server):
    """The splitter takes it out of the JSON on the way."""
    output = await answer(server, task(size="2048x2048", quality="low", background="transparent"))
    assert opened(output).mode == "RGBA"
    assert len(str(output.raw)) < 1000


async def test_gif_and_svg_come_as_such(server):
    """Frames as asked; an svg with its author's count."""
    gif = await answer(server, task(size="512x512", output_format="gif", frame_count=4, frame_duration_ms=120))
    svg = await answer(server, task(output_format="svg", complexity="low"))
    assert opened(gif).n_frames == 4
    assert svg.images[0].read().startswith(b"<svg")
    assert svg.usage.other == {"svg_author_input_tokens": 1204, "svg_author_output_tokens": 3310}


async def test_svg_author_is_named_where_the_account_may(server):
    """The nested option arrives whole."""
    server.svg_author_selection = True
    author = {"model": "author-1", "reasoning": {"effort": "low"}}
    await answer(server, task(output_format="svg", svg=author))
    assert server.requests[0].body["svg"] == author


async def test_key_of_now_is_sent_and_nothing_else_of_the_environment(server, monkeypatch):
    """A rotating key is asked for each time; the SDK's own variables go to no stranger's server."""
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, f"ambient-{name}")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Ambient: ambient-header\nAuthorization: Bearer ambient-key")
    await answer(server, task(), key=lambda: KEY)
    headers = server.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert "ambient" not in str(headers)
    assert {"openai-organization", "openai-project", "idempotency-key"}.isdisjoint(headers)


async def test_account_of_the_connection_is_named(server):
    """Organization and project of the resolved connection are headers."""
    await answer(server, task(), organization="org-1", project="proj-1")
    headers = server.requests[0].headers
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj-1")


def test_customary_variables_name_the_account_at_openais_own_address():
    """What the environment says of an account goes to no other server; what a caller says goes where he says."""
    environment = {"OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"}
    elsewhere = Connection("openai", base_url="http://127.0.0.1:9/v1", project="proj-2")
    settings = Settings({"there": elsewhere}, environment)
    own, there = settings.endpoint("openai"), settings.endpoint("there")
    assert (own.organization, own.project) == ("org-1", "proj-1")
    assert (there.organization, there.project) == (None, "proj-2")


async def test_connection_without_a_key_sends_none(server, monkeypatch):
    """A server in one's own network may need none; the placeholder of the SDK does not leak."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ambient-0000000000")
    with pytest.raises(AuthenticationError):
        await answer(server, task(), key=None)
    assert "authorization" not in server.requests[0].headers


async def test_answer_is_timed_and_named(server):
    """Request id, the server's own seconds, and when the bytes moved."""
    provider = OpenAI()
    resolved = Endpoint("openai", "openai", server.base_url, Secret(KEY), facts_of("openai"), own_base_url=True)
    http = HttpConnection(resolved, provider.auth)
    call = Call(http.endpoint, http, math.inf)
    await pay(provider, task(), call)
    await provider.aclose()
    await http.aclose()
    exchange = call.exchange
    assert exchange.request_id.startswith("req_")
    assert (exchange.status, exchange.server_s > 0) == (200, True)
    assert exchange.sent <= exchange.answered <= exchange.finished


@pytest.mark.parametrize(("marker", "stage"), [(REFUSED_PROMPT, "input"), (REFUSED_PICTURE, "output")])
async def test_refusal_is_asked_once(server, marker, stage):
    """Moderation is an error of its own, with stage and categories; it is not tried again."""
    with pytest.raises(ModerationError) as raised:
        await answer(server, task(f"a fox {marker}"))
    assert (raised.value.stage, raised.value.categories, server.submits) == (stage, ("violence",), 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(408, OutcomeUnknownError), (409, OutcomeUnknownError), (429, RateLimitError), (500, OutcomeUnknownError)],
)
async def test_sdk_submits_nothing_twice(server, status, kind):
    """What the SDK would repeat by itself is one submit here."""
    body = {"error": {"message": "busy", "type": "server_error", "param": None, "code": None}}
    server.next_answers.append((status, body, {"x-should-retry": "true", "retry-after-ms": "1"}))
    with pytest.raises(kind):
        await answer(server, task())
    assert server.submits == 1


async def test_redirect_of_a_paid_request_is_not_followed(server):
    """The key and the order stay here."""
    server.next_answers.append((307, {}, {"location": f"{server.base_url}/images/generations"}))
    with pytest.raises(ConfigurationError):
        await answer(server, task())
    assert server.submits == 1


async def test_page_of_a_proxy_is_bad_output(server):
    """A success that is HTML was paid for, perhaps; its bytes are kept."""
    server.next_answers.append((200, b"<html>busy</html>", {"content-type": "text/html"}))
    with pytest.raises(BadOutputError) as raised:
        await answer(server, task())
    assert raised.value.raw == b"<html>busy</html>"


async def test_answer_cut_short_is_an_unknown_outcome(server):
    """Half an answer is no picture, and it may have been billed; we read it ourselves, so what came is kept."""
    server.next_answers.append((200, b'{"data": [{"b64_json": "AAAA', {"content-length": "5000"}))
    with pytest.raises(OutcomeUnknownError) as raised:
        await answer(server, task())
    assert raised.value.raw == b'{"data": [{"b64_json": "AAAA'
    assert server.submits == 1


async def test_nobody_listening_is_told_from_paid_work(server):
    """Where no connection came about nothing was sent."""
    with pytest.raises(ConnectionFailedError):
        await answer(server, task(), base_url="http://127.0.0.1:1/v1")


async def test_wrong_key_keeps_openais_words(server):
    """401 with the provider's own code."""
    with pytest.raises(AuthenticationError) as raised:
        await answer(server, task(), key="sk-wrong-000000000000")
    assert (raised.value.code, raised.value.status) == ("invalid_api_key", 401)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        (task(model="gpt-image-1"), "model"),
        (task(model="gpt-image-2", quality="xhigh"), "quality"),
        (task(model="gpt-image-2", size="1920x1080"), "size"),
        (task(model="gpt-image-1.5", size="2048x2048"), "size"),
        (task(size="4096x1024"), "size"),
        (task(size="512x512"), "size"),
        (task(size="1024x1024", output_format="gif"), "size"),
        (task(model="gpt-image-2", output_format="gif"), "output_format"),
        (task(output_format="png", output_compression=50), "output_compression"),
        (task(output_format="gif", background="transparent", size="512x512"), "background"),
        (task(n=11), "n"),
        (task(model="gpt-image-2.5-flare", complexity="low"), "complexity"),
        (task(output_format="svg", svg={"model": "author-1"}), "svg"),
        (task(seed=7), "seed"),
        (task(end_user_id="x" * 129), "safety_identifier"),
    ],
)
async def test_fake_refuses_what_openai_refuses(server, asked, param):
    """The fake is strict, so that tests against it mean something."""
    with pytest.raises(InvalidRequestError) as raised:
        await answer(server, asked)
    assert raised.value.status in (400, 404)
    assert [each["param"] for each in server.refusals] == [param]
    assert param in raised.value.message
    assert (server.submits, server.billed) == (1, 0)
