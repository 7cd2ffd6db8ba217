"""fal: any of its image models through its queue; the core submits, polls and downloads.

API: https://fal.ai/docs (queue, errors, model pages), read 2026-11-22. Models, prices and hidden defaults: fal.toml.
A model's id is a path, and each has an input of its own: what they call pictures and masks stands in the catalogue.
It does not list jobs: fal's request history (``/v1/models/requests/by-endpoint``) lists one endpoint's only, and leaves
out the addresses that a job is asked at. Source: fal.ai/docs/platform-apis, read 2026-11-22.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ImageGenError,
    ImageUrl,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    ProviderOptions,
    RemoteJob,
    Running,
    UnsupportedError,
    Wire,
    masks,
)
from imagegen.http.findings import Finding, findings_of
from imagegen.http.lenient import or_none

if TYPE_CHECKING:
    from imagegen import Reply, Task

_REFUSED = "content_policy_violation"
_APART = frozenset({"prompt", "n", "size", "images", "mask", "options"})
_IN_HEADERS = {
    "queue_priority": "X-Fal-Queue-Priority",
    "start_timeout_s": "X-Fal-Request-Timeout",
    "store_io": "X-Fal-Store-IO",
}
_NOT_SENT = frozenset({*_IN_HEADERS, "image_field", "input"})


class FalOptions(ProviderOptions):
    """What only fal's models have. None is not sent."""

    provider: ClassVar[str] = "fal"

    enable_safety_checker: bool | None = None
    """True: an unsafe picture comes black, and is told as refused."""
    safety_tolerance: Annotated[int, Field(ge=1)] | None = None
    """1 refuses the most."""
    guidance_scale: float | None = None
    """How closely the picture keeps to the prompt."""
    num_inference_steps: Annotated[int, Field(ge=1)] | None = None
    enable_prompt_expansion: bool | None = None
    """True: a language model rewrites the prompt first."""
    enhance_prompt: bool | None = None
    """The same, as FLUX.1's models call it."""
    expand_prompt: bool | None = None
    """The same, as Ideogram calls it."""
    raw: bool | None = None
    """True: less processed, more natural."""
    style: str | None = None
    rendering_speed: Literal["TURBO", "BALANCED", "QUALITY"] | None = None
    """Ideogram's: slower is dearer."""
    enable_web_search: bool | None = None
    """True: the model searches the web with what the prompt says; charged."""
    resolution: Literal["0.5K"] | None = None
    """A tier besides those of the request."""
    sync_mode: bool | None = None
    """True: pictures come inside the answer and are not kept at fal."""
    queue_priority: Literal["normal", "low"] | None = None
    start_timeout_s: Annotated[int, Field(ge=1)] | None = None
    """Fails if the work has not begun after so many seconds."""
    store_io: bool | None = None
    """False: fal keeps neither the request nor the answer."""
    image_field: Literal["image_url", "image_urls"] | None = None
    """What a model that the catalogue does not know calls its input pictures."""
    input: dict[str, Any] | None = None
    """Further fields of the model's own input, sent as they are."""


class _Accepted(BaseModel):
    request_id: Annotated[str | None, or_none] = None
    status_url: Annotated[str | None, or_none] = None
    response_url: Annotated[str | None, or_none] = None
    cancel_url: Annotated[str | None, or_none] = None


class _Log(BaseModel):
    message: Annotated[str | None, or_none] = None


class _State(BaseModel):
    status: str
    queue_position: Annotated[int | None, or_none] = None
    logs: Annotated[list[_Log] | None, or_none] = None
    response_url: Annotated[str | None, or_none] = None


class _Picture(BaseModel):
    url: Annotated[PictureData | str, Field(union_mode="left_to_right")]
    content_type: Annotated[str | None, or_none] = None


_Pictures = list[Annotated[_Picture | None, or_none]]
_Flags = Annotated[list[bool] | None, or_none]


class _Made(BaseModel):
    images: Annotated[_Pictures | None, or_none] = None
    image: Annotated[_Picture | None, or_none] = None
    has_nsfw_concepts: _Flags = None
    nsfw_content_detected: _Flags = None
    seed: Annotated[int | None, or_none] = None


class Fal(imagegen.HttpProvider):
    """Image models at fal, by their ids, through its queue."""

    name = "fal"
    Options = FalOptions

    def generate(self, task: Task) -> Wire:
        options = task.options.model_dump(exclude_none=True) if task.options else {}
        headers = {_IN_HEADERS[name]: _plain(options[name]) for name in _IN_HEADERS if name in options}
        return Wire.post(f"/{task.model}", json=_body(task, options), headers=headers)

    edit = generate  # an edit is a model of its own: its id says so

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        accepted = reply.parse(_Accepted)
        if accepted.status_url is None:  # fal.run, as a base URL, answers with the pictures
            return _output(reply)
        return RemoteJob(
            accepted.request_id or "",
            url=accepted.status_url,
            result_url=accepted.response_url,
            cancel_url=accepted.cancel_url,
            request_id=accepted.request_id,
        )

    def poll(self, job: RemoteJob) -> Wire:
        return Wire.get(job.url or "", query={"logs": "1"})

    def parse_poll(self, reply: Reply, job: RemoteJob) -> Running | Wire:
        """COMPLETED is not success: what became of it is behind the address of the result."""
        state = reply.parse(_State)
        result_url = state.response_url or job.result_url
        if state.status == "COMPLETED" and result_url:
            return Wire.get(job.result_url or result_url)
        if state.status == "IN_QUEUE":
            return Running(state.status, queue_position=state.queue_position, queued=True)
        said = [log.message for log in state.logs or () if log.message]
        known = state.status == "IN_PROGRESS"
        return Running(said[-1] if known and said else state.status, known=known)

    def parse_result(self, reply: Reply, job: RemoteJob) -> Output:
        return _output(reply)

    def read_end(self, reply: Reply, wire: Wire, job: RemoteJob) -> ProviderError | None:
        """A result with an error's status in fal's own words is how the job ended; of a status it says nothing."""
        if wire.path == job.url or not (reply.status in (400, 422, 499) or reply.status >= 500):
            return None
        error = self.read_error(reply)
        if error is not None and not isinstance(error, ModerationError):
            error.billed = Billed.NO if reply.status >= 500 else Billed.UNKNOWN
        return error

    def cancel(self, job: RemoteJob) -> Wire:
        if not job.cancel_url:
            raise UnsupportedError("fal gave no address to stop the job at")
        return Wire("PUT", job.cancel_url)

    def read_error(self, reply: Reply) -> ProviderError | None:
        """The model's findings, or the platform's words and code."""
        body = reply.raw()
        if not isinstance(body, dict):
            return None
        findings = findings_of(body.get("detail") or body.get("message") or body.get("status"))
        refused = next((each for each in findings if each.type == _REFUSED), None)
        if refused is not None:
            return ModerationError(refused.msg, stage=_stage(refused), categories=[], code=_REFUSED)
        code = body.get("error_type") or reply.headers.get("x-fal-error-type")
        code = code or next((each.type for each in findings if each.type), None)
        words = "; ".join(map(str, findings))
        return ProviderError(words, code=code) if words else None


def _body(task: Task, options: dict[str, Any]) -> dict[str, Any]:
    """Our words to fal's, None left out."""
    fields = {name: value for name, value in task.request.asked().items() if name not in _APART}
    own = {name: value for name, value in options.items() if name not in _NOT_SENT}
    words = {**task.defaults, **fields, **own}
    if "safety_tolerance" in words:
        words["safety_tolerance"] = str(words["safety_tolerance"])
    size = task.request.size or words.pop("size", None)
    if size:
        width, _, height = size.partition("x")
        words["image_size"] = {"width": int(width), "height": int(height)}
    if task.count > 1:
        words["num_images"] = task.count
    return {"prompt": task.request.prompt, **_pictures(task, options), **words, **options.get("input", {})}


def _pictures(task: Task, options: dict[str, Any]) -> dict[str, Any]:
    """Input pictures and the mask, under the names that the model has for them."""
    names = task.capabilities.field_names if task.capabilities else {}
    name, pictures = names.get("images") or options.get("image_field", "image_urls"), task.request.images
    found: dict[str, Any] = {}
    if pictures:
        found[name] = [each.data_url() for each in pictures] if name.endswith("s") else pictures[0].data_url()
    if len(pictures) > 1 and not name.endswith("s"):
        raise UnsupportedError(f"{task.model} takes one picture as {name}, not {len(pictures)}; nothing was sent")
    if task.request.mask is not None:
        polarity = task.capabilities.mask_repaints if task.capabilities else "white"
        found[names.get("mask", "mask_url")] = masks.as_repainting(task.request.mask, polarity).data_url()
    return found


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _output(reply: Reply) -> Output:
    """The pictures; one that its flag calls unsafe came black, and is a refusal."""
    made = reply.parse(_Made)
    pictures = made.images if made.images is not None else [made.image] if made.image else []
    if not pictures:
        raise BadOutputError("done, and no picture", reason="empty", raw=reply.original, status=reply.status)
    flags = made.has_nsfw_concepts or made.nsfw_content_detected or []
    images = [_image(*each) for each in zip_longest(pictures, flags[: len(pictures)], fillvalue=None)]
    return Output(images=images, seed=made.seed, raw=reply.raw())


def _image(picture: _Picture | None, unsafe: bool | _Picture | None) -> PictureData | ImageUrl | ImageGenError:
    if picture is not None and isinstance(picture.url, PictureData) and unsafe is True:
        picture.url.discard()
    if unsafe is True:  # made, and so billed
        return ModerationError("flagged as unsafe; it came black", stage="output", billed=Billed.YES, code="nsfw")
    if picture is None:
        return BadOutputError("a picture without a link", reason="unreadable")
    if isinstance(picture.url, PictureData):
        return picture.url
    return ImageUrl(picture.url, picture.content_type)


def _stage(finding: Finding) -> Literal["input", "unknown"]:
    return "input" if len(finding.loc) > 1 and finding.loc[0] == "body" else "unknown"


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return Fal if name == Fal.name else None
