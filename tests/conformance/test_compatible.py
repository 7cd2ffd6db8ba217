"""The servers of OpenAI's shape before the suite that any provider runs."""

from __future__ import annotations

from fakes.dialects import KEY, Dialect
from samples import WIRE

from imagegen.testing import ProviderSuite, Refusal, recorded


class _Server(ProviderSuite):
    key = KEY

    def fake(self):
        return Dialect(self.name)


class TestTogether(_Server):
    """A hosted server without masks."""

    model = "together:black-forest-labs/FLUX.2-pro"
    refusals = (Refusal(recorded(WIRE / "together" / "refusal_nsfw.json")),)


class TestDeepInfra(_Server):
    """Its native route, and OpenAI's for masks."""

    model = "deepinfra:black-forest-labs/FLUX-2-dev"
    masked_model = "deepinfra:someone/new"
    refusals = (Refusal(recorded(WIRE / "deepinfra" / "native_nsfw_200.json")),)


class TestLocalAI(_Server):
    """Answers with links."""

    model = "localai:stablediffusion"


class TestSDCpp(_Server):
    """Fields inside the prompt."""

    model = "sdcpp:sd-cpp-local"


class TestVllmOmni(_Server):
    """No mask."""

    model = "vllm-omni:Qwen/Qwen-Image"


class TestLiteLLM(_Server):
    """A proxy."""

    model = "litellm:my-model"
    masked_model = "litellm:my-model"
