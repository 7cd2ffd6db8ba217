"""The compatible servers' samples in both directions, and what each server is not asked."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from fakes.openai_inputs import area, half_and_half, png
from samples import reply_of, request_of, sample

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ConfigurationError,
    ImageRequest,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    RateLimitError,
    Reply,
    Task,
    UnsupportedError,
)
from imagegen.catalogue import find_model, models_of
from imagegen.http.status import checked
from imagegen_providers import compatible
from imagegen_providers.compatible import options

NAMES = ["compatible", "deepinfra", "litellm", "localai", "sdcpp", "together", "vllm-omni"]
TASK = Task(ImageRequest(prompt="x"), "m", "generate")
BASE = {"together": "https://api.together.ai/v1", "deepinfra": "https://api.deepinfra.com/v1"}
SIZE = (64, 48)


def provider(name: str) -> Any:
    found = compatible.imagegen_provider(name)
    assert found is not None
    return found()


def plan(model: str, **fields: Any) -> imagegen.Plan:
    return imagegen.plan("x", model=model, **fields)


@pytest.mark.parametrize(
    ("server", "name", "fields", "given"),
    [
        ("together", "generate_b64", {"size": "1024x1024", "n": 1, "seed": 7, "output_format": "png"}, {"steps": 4}),
        ("together", "error_400", {}, {}),
        ("together", "error_429", {}, {}),
        ("together", "refusal_nsfw", {}, {}),
        (
            "deepinfra",
            "native_generate",
            {"size": "1024x1024", "n": 1, "seed": 7},
            {"num_inference_steps": 4},
        ),
        ("deepinfra", "error_native_detail", {}, {}),
        ("deepinfra", "native_nsfw_200", {}, {}),
    ],
)
def test_request_is_that_of_the_sample(server, name, fields, given):
    """Field by field; how the picture is to come is always said."""
    _, url, wanted = request_of(server, name)
    model = wanted.get("model") or url.partition("/inference/")[2]
    asked = provider(server)
    chosen = asked.Options(**given)
    request = ImageRequest(prompt=wanted["prompt"] or "x", **fields)
    found = asked.wire(Task(request, model, "generate", n=fields.get("n"), options=chosen))
    stated = {"prompt": wanted["prompt"], **({"response_format": "base64"} if server == "together" else {})}
    assert BASE[server] + found.path == url
    assert {**found.json, **stated} == {**wanted, **stated}


def test_references_are_those_of_the_sample():
    """Several pictures are a list, as links; how the answer comes can be chosen."""
    _, _, wanted = request_of("together", "generate_url")
    model = wanted["model"]
    known = find_model("together", model)
    request = ImageRequest(prompt=wanted["prompt"], images=wanted["reference_images"], size="1024x768")
    chosen = options.TogetherOptions(response_format="url")
    task = Task(request, model, "edit", n=1, options=chosen, capabilities=known.capabilities if known else None)
    assert provider("together").wire(task).json == wanted | {"response_format": "url"}


def test_edit_form_is_that_of_the_sample():
    """DeepInfra's OpenAI form, whose file part has no brackets."""
    asked = sample("deepinfra", "openai_edit")["request"]
    picture = base64.b64decode(asked["body"]["files"]["image"]["base64"])
    fields = asked["body"]["fields"]
    request = ImageRequest(prompt=fields["prompt"], images=[picture], size=fields["size"])
    found = provider("deepinfra").wire(Task(request, fields["model"], "edit", n=1))
    assert BASE["deepinfra"] + found.path == asked["url"]
    assert (found.form, [name for name, _ in found.files]) == (fields, ["image"])


@pytest.mark.parametrize("name", ["openai_generate", "error_429"])
def test_any_server_is_asked_in_openais_words(name):
    """DeepInfra's other form, by a connection that names its address."""
    _, url, wanted = request_of("deepinfra", name)
    size = {"size": wanted["size"]} if "size" in wanted else {}
    kind = {"response_format": wanted["response_format"]} if "response_format" in wanted else {}
    task = Task(
        ImageRequest(prompt=wanted["prompt"], **size),
        wanted["model"],
        "generate",
        n=wanted.get("n"),
        options=options.CompatibleOptions(**kind),
    )
    found = provider("compatible").wire(task)
    assert ("https://api.deepinfra.com/v1/openai" + found.path, found.json) == (url, wanted)


def test_local_requests_are_those_of_the_samples():
    """LocalAI's negative prompt is behind a bar, stable-diffusion.cpp's seed in a tag; both inside the prompt."""
    _, url, wanted = request_of("local", "localai_generate_url")
    request = ImageRequest(prompt="a red tile", negative_prompt="blur", size="512x512")
    found = provider("localai").wire(Task(request, wanted["model"], "generate", n=1))
    assert ("http://localhost:8080/v1" + found.path, found.json) == (url, wanted | {"response_format": "b64_json"})
    _, url, wanted = request_of("local", "sdcpp_openai_generate")
    request = ImageRequest(prompt="a red tile", size="512x512", seed=42, output_format="png")
    found = provider("sdcpp").wire(Task(request, "sd-cpp-local", "generate", n=1))
    assert ("http://127.0.0.1:1234/v1" + found.path, found.json) == (url, wanted)


def outcome(server: str, folder: str, name: str) -> Output:
    return provider(server).parse(reply_of(folder, name), TASK)


@pytest.mark.parametrize(
    ("server", "folder", "name", "model", "seed", "cost"),
    [
        ("together", "together", "generate_b64", "black-forest-labs/FLUX.1-schnell", None, None),
        ("deepinfra", "deepinfra", "native_generate", None, 7, Decimal("0.002")),
        ("deepinfra", "deepinfra", "openai_edit", None, None, None),
        ("compatible", "deepinfra", "openai_generate", None, None, None),
        ("sdcpp", "local", "sdcpp_openai_generate", None, None, None),
    ],
)
def test_sample_holds_its_picture(server, folder, name, model, seed, cost):
    """With what the server says of model, seed and cost."""
    found = outcome(server, folder, name)
    (picture,) = found.images
    assert isinstance(picture, PictureData)
    assert picture.read().startswith(b"\x89PNG")
    assert (found.model, found.seed, found.cost_usd) == (model, seed, cost)


@pytest.mark.parametrize(
    ("server", "folder", "name", "url"),
    [
        ("together", "together", "generate_url", "https://api.together.ai/shrt/TEST"),
        ("localai", "local", "localai_generate_url", "http://localhost:8080/generated-images/b641234.png"),
    ],
)
def test_sample_names_its_picture(server, folder, name, url):
    """Behind a link; tokens that are all 0 were not counted."""
    found = outcome(server, folder, name)
    assert (found.images, found.usage) == ([ImageUrl(url)], None)


def test_flagged_sample_is_a_refusal_with_a_price():
    """HTTP 200, a picture and a flag: it was made and is billed, and is none."""
    found = outcome("deepinfra", "deepinfra", "native_nsfw_200")
    (refused,) = found.images
    assert isinstance(refused, ModerationError)
    assert (refused.billed, found.cost_usd) == (Billed.YES, Decimal("0.01"))


@pytest.mark.parametrize(
    ("server", "folder", "name", "kind", "words"),
    [
        ("together", "together", "error_400", InvalidRequestError, "Bad Request"),
        ("together", "together", "error_429", RateLimitError, "rate limited"),
        ("together", "together", "refusal_nsfw", ModerationError, "NSFW"),
        ("deepinfra", "deepinfra", "error_429", RateLimitError, "Rate limited"),
        ("deepinfra", "deepinfra", "error_native_detail", InvalidRequestError, "Model is not available"),
        ("sdcpp", "local", "sdcpp_queue_full", RateLimitError, "job queue is full"),
    ],
)
def test_error_samples(server, folder, name, kind, words):
    """Each in the server's own shape: an object, a text, a detail with an error inside."""
    with pytest.raises(kind, match=words):
        checked(reply_of(folder, name), provider(server).read_error)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"data": []}, BadOutputError),
        ({"images": None}, BadOutputError),
        ({"error": {"message": "no", "code": "content_policy_violation"}}, ModerationError),
        ({"error": "worker died"}, ProviderError),
        ({"inference_status": {"status": "failed"}, "images": []}, ProviderError),
        ({"data": "odd"}, BadOutputError),
    ],
)
def test_success_without_a_picture(answer, kind):
    """Nothing is taken for a picture, whatever the status."""
    with pytest.raises(kind):
        provider("deepinfra").parse(Reply.of(answer), TASK)


@pytest.mark.parametrize(
    ("told", "cost"), [("0.04", "0.04"), ("0.0", None), ("None", None), ("nan", None), ("-1", None), ("", None)]
)
def test_proxy_says_what_it_cost(told, cost):
    """In a header; 0 is what it says of a model whose price it does not know."""
    data = {"data": [{"url": "https://a.example/1.png"}]}
    found = provider("litellm").parse(Reply.of(data, headers={"x-litellm-response-cost": told}), TASK)
    assert found.cost_usd == (None if cost is None else Decimal(cost))


@pytest.mark.parametrize("sign", ["a|b", "a </sd_cpp_extra_args> b"])
def test_prompt_that_holds_the_servers_sign_is_refused(sign):
    """It would be read as something else."""
    model = "localai:m" if "|" in sign else "sdcpp:m"
    with pytest.raises(UnsupportedError, match="its own sign"):
        imagegen.plan(sign, model=model)


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        ("together:black-forest-labs/FLUX.1-schnell", {"images": [png()]}, "cannot edit"),
        ("together:black-forest-labs/FLUX.2-pro", {"images": [png()], "mask": area()}, "no mask"),
        ("together:google/gemini-3-pro-image", {"options": {"together": {"steps": 4}}}, "steps"),
        ("together:google/gemini-3-pro-image", {"negative_prompt": "rain"}, "negative_prompt"),
        ("together:new", {"images": [png(half_and_half(SIZE))], "mask": area(SIZE)}, "no mask"),
        ("localai:m", {"images": [png(half_and_half(SIZE))], "mask": area(SIZE), "size": "64x48"}, "size"),
        ("localai:m", {"images": [png(half_and_half(SIZE))], "mask": area(SIZE), "n": 2}, "makes 1"),
        ("vllm-omni:m", {"images": [png(half_and_half(SIZE))], "mask": area(SIZE)}, "no mask"),
        ("sdcpp:m", {"images": ["https://pictures.example/a.png"]}, "fetches no pictures"),
        ("litellm:m", {"images": ["https://pictures.example/a.png"]}, "as files"),
        ("deepinfra:new", {"images": [png()], "seed": 3}, "seed"),
    ],
)
def test_what_a_server_would_drop_is_refused_before_sending(model, fields, words):
    """Nothing is sent, so nothing is lost."""
    with pytest.raises(UnsupportedError, match=words):
        plan(model, **fields)


def test_any_model_of_a_server_is_like_its_one_entry():
    """What the server takes does not depend on what it runs: no warning, and it is free."""
    found = plan("sdcpp:whatever", quality="low")
    assert (found.warnings, found.cost.amount_usd) == ((), Decimal(0))
    assert [each.field for each in found.adaptations] == ["quality"]


@pytest.mark.parametrize(
    ("model", "fields", "amount"),
    [
        ("black-forest-labs/FLUX-2-max", {}, "0.07"),
        ("black-forest-labs/FLUX-2-dev", {"size": "512x1024"}, "0.005"),
        ("black-forest-labs/FLUX-2-dev", {"options": {"deepinfra": {"num_inference_steps": 14}}}, None),
    ],
)
def test_published_prices(model, fields, amount):
    """DeepInfra's, before it says so itself; other steps have another price."""
    cost = plan(f"deepinfra:{model}", **fields).cost
    assert cost.amount_usd == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize("name", NAMES)
def test_catalogue_and_module_agree(name):
    """Every fact has its source and day; every option of the file is one of the module."""
    for model in models_of(name).values():
        rules = [*model.capabilities.parameters.values(), *model.capabilities.options.values(), *model.prices]
        for fact in (model, model.capabilities.sizes, *rules):
            assert (bool(fact.source), fact.read is not None) == (True, True), (model.id, fact)
        assert set(model.capabilities.options) <= set(provider(name).Options.model_fields)
    assert (provider(name).name, provider(name).Options.provider) == (name, name)


def test_address_that_nobody_gave():
    """A server that nobody knows has none."""
    with pytest.raises(ConfigurationError, match="base_url"):
        plan("compatible:m")
    assert compatible.imagegen_provider("openai") is None
