"""OpenAI's Images API, Azure's, and servers that speak it: our words to theirs and back; their SDK does the sending.

API: the types of openai-python 3.54.0 and https://developers.openai.com, read 2026-11-22. Sizes, prices and dates:
openai.toml.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import imagegen
from imagegen import Output, Partial, ProviderError, Wire
from imagegen.http import openai_shape
from imagegen.http.openai_shape import picture_of
from imagegen_providers.openai import azure, sending
from imagegen_providers.openai.answer import Answer, StreamEvent, echo_of, nothing_came, usage_of
from imagegen_providers.openai.asking import check, generation_of
from imagegen_providers.openai.editing import check_edit, edit_of
from imagegen_providers.openai.options import OpenAIOptions, SvgAuthor, SvgReasoning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from openai import AsyncOpenAI

    from imagegen import Call, Reply, ServerEvent, Task
    from imagegen.secrets import Secret
    from imagegen.types.connection import Endpoint

__all__ = ["OpenAI", "OpenAIOptions", "SvgAuthor", "SvgReasoning", "imagegen_provider"]


class OpenAI(imagegen.HttpProvider):
    """The GPT image models, at OpenAI, at Azure or at any server with an ``/images/generations``."""

    name = "openai"
    Options = OpenAIOptions
    _sdk: AsyncOpenAI | None = None

    def generate(self, task: Task) -> Wire:
        check(task)
        return generation_of(task)

    def edit(self, task: Task) -> Wire:
        check(task)
        check_edit(task)
        return edit_of(task)

    def auth(self, key: Secret, endpoint: Endpoint) -> dict[str, str]:
        """Azure takes its own keys in a header of their own; a token (from a callable) is a bearer's everywhere."""
        account = {"OpenAI-Organization": endpoint.organization, "OpenAI-Project": endpoint.project}
        named = {name: value for name, value in account.items() if value}
        if azure.is_azure(endpoint) and not callable(endpoint.api_key):
            return {"api-key": key.reveal(), **named}
        return {**super().auth(key, endpoint), **named}

    def parse(self, reply: Reply, task: Task) -> Output:
        if reply.picture is not None:  # some servers answer with the file itself
            return Output(images=[reply.picture])
        answer = reply.parse(Answer)
        if answer.error:
            raise openai_shape.in_success(self.read_error(reply), reply)
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
        return openai_shape.read_error(reply)

    def parse_event(self, event: ServerEvent, task: Task) -> Partial | Output | None:
        if event.data.body.strip() == b"[DONE]":
            return None
        found = event.data.parse(StreamEvent) if event.event != "error" else None
        if found is None or found.error or found.type == "error":
            raise openai_shape.of_event(event)
        kind = found.type or event.event
        if kind.endswith(".partial_image") and found.b64_json is not None:
            return Partial(found.b64_json, found.partial_image_index or 0)
        if kind.endswith(".completed"):
            return Output(
                images=[picture_of(found, event.data)],
                usage=usage_of(found, task),
                revised_prompts=[found.revised_prompt],
                echo=echo_of(found),
                raw=event.data.raw(),
            )
        return None

    async def send(self, wire: Wire, call: Call) -> Reply:
        if wire.form is not None:  # the core streams files; the SDK's client would read them on the event loop
            return await super().send(wire, call)
        async with sending.answer_to(self._sdk_for(call), wire, call) as response:
            return await call.http.read(response, call.exchange)

    @contextlib.asynccontextmanager
    async def send_events(self, wire: Wire, call: Call) -> AsyncIterator[AsyncIterator[ServerEvent] | Reply]:
        if wire.form is not None:
            async with super().send_events(wire, call) as events:
                yield events
            return
        async with sending.answer_to(self._sdk_for(call), wire, call) as response:
            yield await call.http.read_events(response, call.exchange)

    def _sdk_for(self, call: Call) -> AsyncOpenAI:
        self._sdk = self._sdk or sending.new_sdk(call)
        return self._sdk

    async def aclose(self) -> None:
        if self._sdk is not None:
            await self._sdk.close()
            self._sdk = None


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return OpenAI if name == OpenAI.name else None
