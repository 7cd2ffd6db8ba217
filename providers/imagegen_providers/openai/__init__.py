"""OpenAI's Images API, Azure's, and servers that speak it: our words to theirs and back; their SDK does the sending.

API: the types of openai-python 3.54.0 and https://developers.openai.com, read 2026-11-22. Sizes, prices and dates:
openai.toml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagegen
from imagegen import Output, ProviderError, Wire
from imagegen_providers.openai import errors, sending
from imagegen_providers.openai.answer import Answer, echo_of, nothing_came, picture_of, usage_of
from imagegen_providers.openai.asking import OpenAIOptions, SvgAuthor, SvgReasoning, body_of, check

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from imagegen import Call, Reply, Task

__all__ = ["OpenAI", "OpenAIOptions", "SvgAuthor", "SvgReasoning", "imagegen_provider"]


class OpenAI(imagegen.HttpProvider):
    """The GPT image models, at OpenAI, at Azure or at any server with an ``/images/generations``."""

    name = "openai"
    Options = OpenAIOptions
    _sdk: AsyncOpenAI | None = None

    def generate(self, task: Task) -> Wire:
        check(task)
        return Wire.post("/images/generations", json=body_of(task))

    def parse(self, reply: Reply, task: Task) -> Output:
        if reply.picture is not None:  # some servers answer with the file itself
            return Output(images=[reply.picture])
        answer = reply.parse(Answer)
        if answer.error:
            raise errors.in_success(self.read_error(reply), reply)
        if not answer.data:
            raise nothing_came(answer, reply)
        return Output(
            images=[picture_of(each, reply) for each in answer.data],
            usage=usage_of(answer, task),
            revised_prompts=[each.revised_prompt if each else None for each in answer.data],
            echo=echo_of(answer),
            raw=reply.raw(),
        )

    def read_error(self, reply: Reply) -> ProviderError | None:
        return errors.read(reply)

    async def send(self, wire: Wire, call: Call) -> Reply:
        self._sdk = self._sdk or sending.new_sdk(call)
        return await sending.send(self._sdk, wire, call)

    async def aclose(self) -> None:
        if self._sdk is not None:
            await self._sdk.close()
            self._sdk = None


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return OpenAI if name == OpenAI.name else None
