"""How each server differs from OpenAI's Images API: paths, names, and where it wants what. Read 2026-11-22.

Models, limits and prices are in the server's own ``.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How an edit's multipart form differs; the defaults are OpenAI's."""

    path: str = "/images/edits"
    image: str = "image"
    images: str = "image[]"
    """What several input pictures are called, each a part of its own."""
    takes: frozenset[str] | None = None
    """Our names of what it takes besides pictures and prompt; None: all that the server takes, under its names."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Its own names, where `takes` says what it takes."""
    names_model: bool = True
    pictures: int = 16
    n: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server's dialect; the defaults are OpenAI's."""

    path: str = "/images/generations"
    """Where new pictures are asked for; ``{model}`` where the model is part of it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Our name of a field or option to the server's; a dot leads into an object."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every request in JSON, so that the answer is one that needs no second look."""
    names_model: bool = True
    sides: bool = False
    """True: ``width`` and ``height`` where others take a ``size``."""
    negative_after: str | None = None
    """What parts the prompt from the negative prompt, which has no field of its own."""
    tag: str | None = None
    """Where the prompt carries further fields as JSON: the name of the tag around them."""
    tagged: frozenset[str] = frozenset()
    """The fields and options that go there."""
    edit_as: Literal["form", "json"] = "form"
    """``json``: an edit is the same call with pictures."""
    image: str = "image"
    images: str = "images"
    """In JSON: one input picture, and a list of several."""
    pictures_as: Literal["data_url", "base64"] = "data_url"
    form: Form = field(default_factory=Form)
    masked: Form | None = None
    """The form of an edit with a mask, where it is another."""
    mask: Literal["white", "transparent"] = "transparent"
    """What of a mask the server repaints."""
    refused: tuple[str, ...] = ()
    """Words of its errors that mean a refusal, in lower case, where it documents no code. None is confirmed."""
    chat: str = "/chat/completions"
    """Where a model is asked about pictures."""
    logprobs: bool | int = True
    """How a server is asked for the probability of what its model says."""
    cost_header: str | None = None
    """Where an answer says what it cost, in USD."""


SERVERS: Mapping[str, Server] = {
    # Source: togethercomputer/openapi, docs.together.ai. The word is base64, though the answer says b64_json.
    # Probabilities are asked for by a number (together-python 1.6, read 2026-11-23).
    "together": Server(
        always={"response_format": "base64"},
        sides=True,
        edit_as="json",
        image="image_url",
        images="reference_images",
        refused=("nsfw",),
        logprobs=1,
    ),
    # Source: DeepInfra's model API pages, @ai-sdk/deepinfra. The native form says what a picture cost, the other does
    # not; only the other is known to take edits. What a mask repaints there nobody says: as at OpenAI.
    "deepinfra": Server(
        path="/inference/{model}",
        names={"n": "num_images"},
        names_model=False,
        sides=True,
        form=Form(path="/openai/images/edits", images="image", takes=frozenset({"size", "n"})),
        chat="/openai/chat/completions",
        refused=("nsfw",),
    ),
    # Source: LocalAI's documentation and source. /v1/edits is for text; a mask has a path of its own, which draws
    # 512x512 whatever is asked.
    "localai": Server(
        always={"response_format": "b64_json"},
        negative_after="|",
        edit_as="json",
        image="file",
        images="ref_images",
        pictures_as="base64",
        masked=Form(path="/images/inpainting", takes=frozenset({"step"}), names={"step": "steps"}, pictures=1, n=1),
        mask="white",
    ),
    # Source: stable-diffusion.cpp, examples/server/api.md and routes_openai.cpp. One model is loaded: none is named.
    # A mask is read as grey, whatever its alpha.
    "sdcpp": Server(
        names={"sample_steps": "sample_params.sample_steps", "txt_cfg": "sample_params.guidance.txt_cfg"},
        names_model=False,
        tag="sd_cpp_extra_args",
        tagged=frozenset({"seed", "negative_prompt", "sample_steps", "txt_cfg"}),
        form=Form(image="image[]"),
        mask="white",
    ),
    # Source: vLLM-Omni, docs/serving/image_generation_api.md and image_edit_api.md.
    "vllm-omni": Server(
        names={"end_user_id": "user"}, always={"response_format": "b64_json"}, form=Form(images="image")
    ),
    # Source: docs.litellm.ai/docs/proxy/response_headers, read 2026-11-23.
    "litellm": Server(
        names={"end_user_id": "user"},
        refused=("contentpolicyviolationerror",),
        cost_header="x-litellm-response-cost",
    ),
    "compatible": Server(names={"end_user_id": "user"}),
}

NATIVE = Server(
    path="/../sdcpp/v1/img_gen",
    names={"n": "batch_count", **SERVERS["sdcpp"].names},
    names_model=False,
    sides=True,
)
"""stable-diffusion.cpp's other API, where a request is a job."""
