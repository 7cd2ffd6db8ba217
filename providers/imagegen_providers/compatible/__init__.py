"""Servers that speak OpenAI's Images API, each in its own dialect, which is a table (`servers`) and no code.

Together, DeepInfra, LocalAI, stable-diffusion.cpp's server, vLLM-Omni, LiteLLM's proxy; ``compatible`` is any other, at
the base URL that its connection names, and is sent what was asked. All but stable-diffusion.cpp's judge pictures too.
Sources: at each table, and in each ``.toml``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import imagegen
from imagegen import ConfigurationError, InvalidRequestError, catalogue
from imagegen.http.status import checked
from imagegen_providers.compatible import judging, native, options
from imagegen_providers.compatible.answer import error_of, output_of
from imagegen_providers.compatible.asking import edit_of, generation_of
from imagegen_providers.compatible.servers import SERVERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen import (
        Call,
        Judgement,
        Output,
        PictureData,
        ProviderError,
        ProviderOptions,
        RemoteJob,
        Reply,
        Running,
        Task,
        Wire,
    )
    from imagegen_providers.compatible.servers import Server


class Shaped(imagegen.HttpProvider):
    """A server with an ``/images/generations``, by its table."""

    server: ClassVar[Server]

    def generate(self, task: Task) -> Wire:
        return generation_of(self.server, task)

    def edit(self, task: Task) -> Wire:
        return edit_of(self.server, task)

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        return output_of(self.server, reply, task)

    def read_error(self, reply: Reply) -> ProviderError | None:
        return error_of(self.server, reply)


class Judging(Shaped):
    """One that also has models which read pictures."""

    async def judge(
        self, pictures: Sequence[PictureData], question: str, call: Call, *, model: str | None = None
    ) -> Judgement:
        """What a model that reads pictures says of them. None is the server's own choice: it has to be named.

        A model that gives no probabilities refuses to be asked for them, before any work: it is asked without.
        """
        if model is None:
            raise ConfigurationError(f"{self.name} has no judge of its own choice: name a model")
        try:
            reply = await self._answer(judging.question_of(self.server, model, question, pictures, sure=True), call)
        except InvalidRequestError:
            reply = await self._answer(judging.question_of(self.server, model, question, pictures, sure=False), call)
        return judging.judgement_of(self.server, reply, catalogue.find_model(self.name, model), model)

    async def _answer(self, wire: Wire, call: Call) -> Reply:
        return checked(await self.send(wire, call), self.read_error)


class Compatible(Judging):
    """Any server with an ``/images/generations``."""

    name = "compatible"
    Options: ClassVar[type[ProviderOptions]] = options.CompatibleOptions
    server = SERVERS["compatible"]


class Together(Judging):
    """Image models at Together."""

    name = "together"
    Options = options.TogetherOptions
    server = SERVERS["together"]


class DeepInfra(Judging):
    """Image models at DeepInfra."""

    name = "deepinfra"
    Options = options.DeepInfraOptions
    server = SERVERS["deepinfra"]


class LocalAI(Judging):
    """Image models of a LocalAI."""

    name = "localai"
    Options = options.LocalAIOptions
    server = SERVERS["localai"]


class SdCpp(Shaped):
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


class VllmOmni(Judging):
    """The model that a vLLM-Omni serves."""

    name = "vllm-omni"
    Options = options.VllmOmniOptions
    server = SERVERS["vllm-omni"]


class LiteLLM(Judging):
    """Whatever a LiteLLM proxy leads to."""

    name = "litellm"
    Options = options.LiteLLMOptions
    server = SERVERS["litellm"]


_PROVIDERS: dict[str, type[Shaped]] = {
    each.name: each for each in (Compatible, Together, DeepInfra, LocalAI, SdCpp, VllmOmni, LiteLLM)
}


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return _PROVIDERS.get(name)
