"""The real client against strict servers, each in its dialect."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from fakes.dialects import KEY, PAINT, Dialect
from fakes.openai_compatible import CompatibleServer
from fakes.openai_inputs import area, half_and_half, png, transparent_where
from PIL import ImageChops

import imagegen
from imagegen import AuthenticationError, Connection, InvalidRequestError, ModerationError, OutcomeUnknownError

pytestmark = pytest.mark.anyio
MODELS = {
    "together": "black-forest-labs/FLUX.2-pro",
    "deepinfra": "black-forest-labs/FLUX-2-dev",
    "localai": "stablediffusion",
    "sdcpp": "sd-cpp-local",
    "vllm-omni": "Qwen/Qwen-Image",
    "litellm": "my-model",
}
MASKED = {**{name: MODELS[name] for name in ("localai", "sdcpp", "litellm")}, "deepinfra": "someone/new"}
SQUARE = (512, 512)


def client(server: Dialect, **settings: Any) -> imagegen.AsyncClient:
    connection = Connection(base_url=server.base_url, api_key=KEY)
    return imagegen.AsyncClient(connections={server.name: connection}, timeout_s=20, **settings)


async def generate(server: Dialect, **fields: Any) -> imagegen.ImageResult:
    async with client(server) as asking:
        return await asking.generate("a fox", model=f"{server.name}:{MODELS[server.name]}", **fields)


@pytest.mark.parametrize("name", sorted(MODELS))
async def test_pictures_come(name):
    """All in one call where the server can, of the size that was asked for; nothing is sent that it does not read."""
    async with Dialect(name) as server:
        result = await generate(server, n=2, size="512x384")
    assert [(image.width, image.height) for image in result.images] == [(512, 384)] * 2
    assert len(server.bodies) == (2 if name == "deepinfra" else 1)


@pytest.mark.parametrize("name", sorted(MODELS))
async def test_pictures_are_changed(name):
    """One input picture, by form or in JSON, as the server wants it."""
    async with Dialect(name) as server, client(server) as asking:
        result = await asking.edit("moss", model=f"{name}:{MODELS[name]}", images=[half_and_half((256, 192))])
    assert (len(result.images), len(server.bodies)) == (1, 1)


@pytest.mark.parametrize("name", ["together", "localai", "sdcpp", "vllm-omni", "litellm"])
async def test_several_references(name):
    """Under the name that several have."""
    async with Dialect(name) as server, client(server) as asking:
        pictures = [half_and_half((256, 192)), half_and_half((64, 64))]
        result = await asking.edit("both", model=f"{name}:{MODELS[name]}", images=pictures)
    assert len(result.images) == 1


@pytest.mark.parametrize("mask", [area, transparent_where])
@pytest.mark.parametrize("name", sorted(MASKED))
async def test_mask_repaints_where_it_is_white(name, mask):
    """A round trip: exactly the masked corner changed, at servers where white repaints and where transparency does."""
    async with Dialect(name) as server, client(server) as asking:
        asked = {"images": [half_and_half(SQUARE)], "mask": mask(SQUARE)}
        result = await asking.edit("moss", model=f"{name}:{MASKED[name]}", **asked)
    drawn = result.image.pil().convert("RGB")
    repainted = ImageChops.difference(drawn, half_and_half(SQUARE)).convert("L").point(lambda value: 255 * bool(value))
    assert ImageChops.difference(repainted, area(SQUARE)).getbbox() is None
    assert drawn.getpixel((0, 0)) == PAINT


async def test_cost_is_the_providers_own():
    """DeepInfra's figure, and its seed."""
    async with Dialect("deepinfra") as server:
        result = await generate(server)
    assert (result.cost.amount_usd, result.cost.source, result.image.seed) == (Decimal("0.01"), "provider", 99)


async def test_file_is_what_its_bytes_say():
    """DeepInfra's may be a JPEG whatever its data URL, or anybody, says."""
    file = base64.b64encode(png(half_and_half((64, 64)), "JPEG")).decode()
    async with Dialect("deepinfra", said={"images": [f"data:image/png;base64,{file}"]}) as server:
        result = await generate(server)
    assert (result.image.media_type, result.image.width) == ("image/jpeg", 64)


async def test_cost_of_the_proxy():
    """LiteLLM's figure; where it has none, nobody knows."""
    async with Dialect("litellm", headers={"x-litellm-response-cost": "0.0423"}) as server:
        assert (await generate(server)).cost.amount_usd == Decimal("0.0423")
        server.headers = {}
        assert (await generate(server)).cost.amount_usd is None


async def test_flagged_picture_is_refused_and_paid():
    """HTTP 200, a picture and a flag."""
    async with Dialect("deepinfra", said={"nsfw_content_detected": True}) as server:
        with pytest.raises(ModerationError):
            await generate(server)
    assert len(server.bodies) == 1


async def test_model_that_answered():
    """As it names itself."""
    async with Dialect("together", said={"model": "other/model"}) as server:
        assert (await generate(server)).answered_by == "other/model"


@pytest.mark.parametrize("name", ["together", "localai"])
async def test_link_is_fetched_without_the_key(name):
    """From the server's own address; an empty User-Agent would be turned away."""
    async with Dialect(name) as server:
        result = await generate(server, options={name: {"response_format": "url"}})
    assert result.image.width


async def test_hidden_defaults_are_stated():
    """What changes the picture unseen is sent: steps, guidance, file format, and a seed that is random."""
    async with Dialect("together") as server:
        await generate(server)
    stated = {"steps": 20, "guidance_scale": 3.5, "output_format": "jpeg", "disable_safety_checker": False}
    assert stated.items() <= server.bodies[0].items()
    async with Dialect("sdcpp") as server:
        await generate(server)
        await generate(server, seed=5, negative_prompt="rain", options={"sdcpp": {"sample_steps": 20, "txt_cfg": 7}})
    assert server.read[0]["seed"] == -1
    tuned = {"sample_steps": 20, "guidance": {"txt_cfg": 7.0}}
    assert server.read[1] == {"prompt": "a fox ", "seed": 5, "negative_prompt": "rain", "sample_params": tuned}


async def test_negative_prompt_goes_behind_the_bar():
    """LocalAI splits the prompt."""
    async with Dialect("localai") as server:
        await generate(server, negative_prompt="rain")
    assert server.read == [{"prompt": "a fox", "negative": "rain"}]


@pytest.mark.parametrize("name", ["together", "localai", "sdcpp", "vllm-omni", "deepinfra"])
async def test_refused_field_is_told(name):
    """In the server's own words, whatever their shape."""
    async with Dialect(name) as server:
        with pytest.raises(InvalidRequestError, match="unknown field: strength"):
            await generate(server, options={name: {"extra": {"strength": 2}}})


async def test_wrong_key():
    """401, and nothing is tried again."""
    async with Dialect("together", needs_key=True) as server:
        connection = Connection(base_url=server.base_url, api_key="another-key-00000000000")
        async with imagegen.AsyncClient(connections={"together": connection}) as asking:
            with pytest.raises(AuthenticationError):
                await asking.generate("a fox", model="together:black-forest-labs/FLUX.2-pro")
    assert len(server.bodies) == 1


async def test_failed_call_is_not_repeated():
    """A 500 may have been billed."""
    async with Dialect("deepinfra", next_answers=[(500, {"detail": {"error": "oops"}}, {})]) as server:
        with pytest.raises(OutcomeUnknownError, match="oops"):
            await generate(server)
    assert len(server.bodies) == 1


async def test_local_server_needs_no_key():
    """None is sent, and none is missed."""
    async with Dialect("localai") as server:
        connection = Connection(base_url=server.base_url)
        async with imagegen.AsyncClient(connections={"localai": connection}) as asking:
            result = await asking.generate("a fox", model="localai:any")
    assert ("authorization" in server.asked[0], result.cost.amount_usd) == (False, Decimal(0))


@pytest.mark.parametrize("answers", ["b64", "url"])
async def test_the_least_of_servers(answers):
    """It takes prompt, model, n and size, and says nothing of cost: neither do we."""
    async with CompatibleServer(answers) as server:
        connection = Connection("compatible", base_url=server.base_url)
        async with imagegen.AsyncClient(connections={"mine": connection}) as asking:
            result = await asking.generate("a fox", model="mine:m", n=2, size="512x512")
    assert (len(result.images), result.cost.amount_usd) == (2, None)
    assert server.bodies == [{"prompt": "a fox", "model": "m", "n": 2, "size": "512x512"}]
