"""Servers that speak OpenAI's Images API, each in its own dialect, which is a table (`servers`) and no code.

Together, DeepInfra, LocalAI, stable-diffusion.cpp's server, vLLM-Omni, LiteLLM's proxy; ``compatible`` is any other, at
the base URL that its connection names, and is sent what was asked. Sources: at each table, and in each ``.toml``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import imagegen
from imagegen_providers.compatible import native, options
from imagegen_providers.compatible.answer import error_of, output_of
from imagegen_providers.compatible.asking import edit_of, generation_of
from imagegen_providers.compatible.servers import SERVERS

if TYPE_CHECKING:
    from imagegen import Output, ProviderError, ProviderOptions, RemoteJob, Reply, Running, Task, Wire
    from imagegen_providers.compatible.servers import Server


class Compatible(imagegen.HttpProvider):
    """Any server with an ``/images/generations``."""

    name = "compatible"
    Options: ClassVar[type[ProviderOptions]] = options.CompatibleOptions
    server: ClassVar[Server] = SERVERS["compatible"]

    def generate(self, task: Task) -> Wire:
        return generation_of(self.server, task)

    def edit(self, task: Task) -> Wire:
        return edit_of(self.server, task)

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        return output_of(self.server, reply, task)

    def read_error(self, reply: Reply) -> ProviderError | None:
        return error_of(self.server, reply)


class Together(Compatible):
    """Image models at Together."""

    name = "together"
    Options = options.TogetherOptions
    server = SERVERS["together"]


class DeepInfra(Compatible):
    """Image models at DeepInfra."""

    name = "deepinfra"
    Options = options.DeepInfraOptions
    server = SERVERS["deepinfra"]


class LocalAI(Compatible):
    """Image models of a LocalAI."""

    name = "localai"
    Options = options.LocalAIOptions
    server = SERVERS["localai"]


class SdCpp(Compatible):
    """The model that a stable-diffusion.cpp server has loaded."""

    name = "sdcpp"
    Options = options.SdCppOptions
    server = SERVERS["sdcpp"]

    def generate(self, task: Task) -> Wire:
        return native.job_of(task) if native.is_native(task) else super().generate(task)

    def edit(self, task: Task) -> Wire:
        return native.job_of(task) if native.is_native(task) else super().edit(task)

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        return native.accepted(reply) if native.is_native(task) else super().parse(reply, task)

    def poll(self, job: RemoteJob) -> Wire:
        return native.state_of(job)

    def parse_poll(self, reply: Reply, job: RemoteJob) -> Output | Running:
        return native.found_in(reply)

    def cancel(self, job: RemoteJob) -> Wire:
        return native.stop_of(job)


class VllmOmni(Compatible):
    """The model that a vLLM-Omni serves."""

    name = "vllm-omni"
    Options = options.VllmOmniOptions
    server = SERVERS["vllm-omni"]


class LiteLLM(Compatible):
    """Whatever a LiteLLM proxy leads to."""

    name = "litellm"
    Options = options.LiteLLMOptions
    server = SERVERS["litellm"]


_PROVIDERS = {each.name: each for each in (Compatible, Together, DeepInfra, LocalAI, SdCpp, VllmOmni, LiteLLM)}


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return _PROVIDERS.get(name)
