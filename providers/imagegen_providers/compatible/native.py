"""stable-diffusion.cpp's own API: a job that is submitted, asked about and, while it waits, stopped.

API: stable-diffusion.cpp, examples/server/api.md, routes_openai.cpp (what an edit is made of), read 2026-11-23. It lies
beside the OpenAI-shaped one on the same port, so its paths leave the base URL's last part, ``/v1``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, Field

from imagegen import BadOutputError, Billed, Output, ProviderError, RemoteJob, Running, UnsupportedError, Wire, masks
from imagegen.http.lenient import or_none
from imagegen.http.openai_shape import Picture, picture_of
from imagegen_providers.compatible.asking import generation_of
from imagegen_providers.compatible.servers import NATIVE

if TYPE_CHECKING:
    from imagegen import Reply, Task

_JOBS = "/../sdcpp/v1/jobs/"
_ENDED = frozenset({"failed", "cancelled"})


class _Accepted(BaseModel):
    id: str


class _Result(BaseModel):
    images: Annotated[list[Annotated[Picture | None, or_none]] | None, or_none] = None


class _Failure(BaseModel):
    code: Annotated[str | None, or_none] = None
    message: Annotated[str | None, or_none] = None


class _State(BaseModel):
    status: str
    queue_position: Annotated[int | None, Field(ge=0), or_none] = None
    result: Annotated[_Result | None, or_none] = None
    error: Annotated[_Failure | None, or_none] = None


def is_native(task: Task) -> bool:
    """Whether the caller, or the user's catalogue, wants a job."""
    asked: Literal["openai", "native"] | None = getattr(task.options, "api", None)
    return (asked or task.defaults.get("api")) == "native"


def job_of(task: Task) -> Wire:
    """The request for a job. Pictures go in as the server's own OpenAI-shaped edit has them: as start and reference.

    Raises:
        UnsupportedError: A picture is behind a URL.
    """
    wire, request = generation_of(NATIVE, task), task.request
    if any(each.url is not None for each in request.images):
        raise UnsupportedError("the server fetches no pictures; nothing was sent")
    texts = [each.base64() for each in request.images]
    pictures: dict[str, Any] = {"init_image": texts[0], "ref_images": texts} if texts else {}
    if request.mask is not None:
        pictures["mask_image"] = masks.white_repaints(request.mask).base64()
    return Wire.post(wire.path, json={**wire.json, **pictures})


def accepted(reply: Reply) -> RemoteJob:
    """The receipt."""
    return RemoteJob(reply.parse(_Accepted).id, request_id=reply.request_id)


def state_of(job: RemoteJob) -> Wire:
    return Wire.get(_JOBS + quote(job.id, safe=""))


def stop_of(job: RemoteJob) -> Wire:
    """Only a job that waits can be stopped: HTTP 409 says that it runs, or is done."""
    return Wire.post(f"{_JOBS}{quote(job.id, safe='')}/cancel")


def found_in(reply: Reply) -> Output | Running:
    """What became of a job. A state we do not know means: still running. Nothing is ever billed.

    Raises:
        ProviderError: It failed, or was stopped.
    """
    state = reply.parse(_State)
    if state.status in _ENDED:
        why = state.error or _Failure()
        words = why.message or state.status
        raise ProviderError(words, billed=Billed.NO, status=reply.status, code=why.code or state.status)
    if state.status != "completed":
        queued = state.status == "queued"
        position = state.queue_position if queued else None
        return Running(
            state.status, queue_position=position, queued=queued, known=queued or state.status == "generating"
        )
    pictures = (state.result.images if state.result else None) or []
    if not pictures:
        raise BadOutputError("completed, and no picture", reason="empty", raw=reply.original, status=reply.status)
    return Output([picture_of(each, reply) for each in pictures], raw=reply.raw())
