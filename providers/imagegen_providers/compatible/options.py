"""What each of the servers has besides the request's own fields. None is not sent."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from imagegen import ProviderOptions

_Steps = Annotated[int, Field(ge=1)] | None


class Extra(ProviderOptions):
    """What all of them have."""

    extra: dict[str, Any] | None = None
    """Further fields of the server's own, sent as they are."""


class Lora(BaseModel):
    """An adapter of a model's weights, and how strongly it is applied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    scale: float


class TogetherOptions(Extra):
    """Together's."""

    provider: ClassVar[str] = "together"

    steps: _Steps = None
    guidance_scale: float | None = None
    """How closely the picture keeps to the prompt."""
    image_loras: tuple[Lora, ...] | None = None
    disable_safety_checker: bool | None = None
    response_format: Literal["base64", "url"] | None = None
    """How the picture comes."""


class DeepInfraOptions(Extra):
    """DeepInfra's."""

    provider: ClassVar[str] = "deepinfra"

    num_inference_steps: _Steps = None
    guidance_scale: float | None = None


class LocalAIOptions(Extra):
    """LocalAI's."""

    provider: ClassVar[str] = "localai"

    step: _Steps = None
    mode: int | None = None
    response_format: Literal["b64_json", "url"] | None = None


class SdCppOptions(Extra):
    """Those of stable-diffusion.cpp's server."""

    provider: ClassVar[str] = "sdcpp"

    api: Literal["openai", "native"] | None = None
    """``native``: a job, which is collected later if need be; ``openai``, if nothing is said: one long call."""
    sample_steps: _Steps = None
    txt_cfg: float | None = None
    """How closely the picture keeps to the prompt."""


class VllmOmniOptions(Extra):
    """vLLM-Omni's."""

    provider: ClassVar[str] = "vllm-omni"

    num_inference_steps: _Steps = None
    guidance_scale: float | None = None
    true_cfg_scale: float | None = None


class LiteLLMOptions(Extra):
    """Those of LiteLLM's proxy."""

    provider: ClassVar[str] = "litellm"

    response_format: Literal["b64_json", "url"] | None = None


class CompatibleOptions(Extra):
    """Those of a server that nobody here knows."""

    provider: ClassVar[str] = "compatible"

    response_format: Literal["b64_json", "url"] | None = None
