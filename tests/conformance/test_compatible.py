"""The servers of OpenAI's shape before the suite that any provider runs."""

from __future__ import annotations

from fakes.dialects import KEY, Dialect
from fakes.openai_compatible import CompatibleServer
from fakes.sdcpp import FakeSdCpp
from samples import WIRE

from imagegen.testing import ProviderSuite, Refusal, recorded

NATIVE = {each: {"options": {"sdcpp": {"api": "native"}}} for each in ("generate", "edit")}


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

    def promised(self, operation):
        return (fields for fields in super().promised(operation) if "options" not in fields)  # the other API: below


class TestVllmOmni(_Server):
    """No mask."""

    model = "vllm-omni:Qwen/Qwen-Image"


class TestLiteLLM(_Server):
    """A proxy."""

    model = "litellm:my-model"
    masked_model = "litellm:my-model"


class TestCompatible(_Server):
    """A server that knows the least of OpenAI's Images API."""

    model = "compatible:some-model"
    operations = ("generate",)

    def fake(self):
        return CompatibleServer("b64")


class TestCompatibleWithLinks(TestCompatible):
    """The same, answering with links."""

    paints_sizes = False

    def fake(self):
        return CompatibleServer("url")


class TestSDCppJobs(_Server):
    """Its native jobs."""

    model = "sdcpp:sd-cpp-local"
    fields = NATIVE

    def fake(self):
        return FakeSdCpp()

    def promised(self, operation):
        return (fields for fields in super().promised(operation) if "options" not in fields)
