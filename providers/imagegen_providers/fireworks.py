"""Fireworks: FLUX.1 and SDXL-class models at once, FLUX Kontext as a job that is asked about with POST.

API: docs.fireworks.ai, @ai-sdk/fireworks, read 2026-11-22. Models, prices and hidden defaults: fireworks.toml.
A model's path follows from its family: the catalogue knows it; for any other model the option ``family`` says it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    ProviderOptions,
    RemoteJob,
    Running,
    UnsupportedError,
    Wire,
)
from imagegen.http import openai_shape
from imagegen.http.lenient import or_none

if TYPE_CHECKING:
    from imagegen import ImageInput, Reply, Task

_FLUX = "/workflows/accounts/fireworks/models/{model}/text_to_image"
_KONTEXT = "/workflows/accounts/fireworks/models/{model}"
_SDXL = "/image_generation/accounts/fireworks/models/{model}"
_PATHS = {"flux": _FLUX, "kontext": _KONTEXT, "sdxl": _SDXL}
_WAITING = frozenset({"Pending", "Queued", "Processing"})
_REFUSED: dict[str, Literal["input", "output"]] = {"Request Moderated": "input", "Content Moderated": "output"}
_FAILED = frozenset({"Error", "Failed"})
_GONE = "Task not found"
_FILTERED = "CONTENT_FILTERED"
_IN_FORM = {"num_inference_steps": "steps", "guidance_scale": "cfg_scale"}
"""What an edit by an SDXL-class model calls them. Source: fireworks-ai, client/image_api.py, read 2026-11-23."""
_APART = frozenset({"prompt", "n", "size", "images", "mask", "options"})


class FireworksOptions(ProviderOptions):
    """What Fireworks alone has. None is not sent."""

    provider: ClassVar[str] = "fireworks"

    num_inference_steps: Annotated[int, Field(ge=1)] | None = None
    guidance_scale: float | None = None
    """How closely the picture keeps to the prompt."""
    cfg_scale: float | None = None
    """The same, as older models may call it."""
    steps: Annotated[int, Field(ge=1)] | None = None
    """The steps, as older models may call them."""
    safety_tolerance: Annotated[int, Field(ge=0, le=6)] | None = None
    """0 refuses the most."""
    image_strength: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of an edit by an SDXL-class model: how much of the input picture stays."""
    prompt_upsampling: bool | None = None
    """True: a language model rewrites the prompt first."""
    family: Literal["flux", "kontext", "sdxl"] | None = None
    """How a model is asked that the catalogue does not know."""


class _Made(BaseModel):
    request_id: Annotated[str | None, or_none] = None
    base64: Annotated[list[Annotated[PictureData | None, or_none]] | None, or_none] = None
    finish_reason: Annotated[str | None, or_none] = Field(default=None, validation_alias="finishReason")
    seed: Annotated[int | None, Field(ge=0), or_none] = None


class _Result(BaseModel):
    sample: Annotated[str | None, or_none] = None
    seed: Annotated[int | None, Field(ge=0), or_none] = None


class _State(BaseModel):
    status: str
    result: Annotated[_Result | None, or_none] = None
    progress: Annotated[float | None, or_none] = None


class Fireworks(imagegen.HttpProvider):
    """FLUX.1, FLUX Kontext and SDXL-class models at Fireworks."""

    name = "fireworks"
    Options = FireworksOptions

    def generate(self, task: Task) -> Wire:
        """In JSON, since a filtered picture in bytes is black and nothing says so."""
        path = _PATHS[_family(task)].format(model=task.model)
        return Wire.post(path, json=_body(task), headers={"Accept": "application/json"})

    def edit(self, task: Task) -> Wire:
        first, *further = task.request.images
        family = _family(task)
        if family == "flux" or task.request.mask is not None or further:
            raise UnsupportedError(f"{task.model} changes one picture, without a mask, or none; nothing was sent")
        if family == "sdxl":
            return _image_to_image(task, first)
        wire = self.generate(task)
        return Wire.post(wire.path, json={**wire.json, "input_image": first.data_url()}, headers=wire.headers)

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        if reply.picture is not None:
            return Output([reply.picture])
        if not reply.body.strip():
            raise BadOutputError("an empty answer", reason="empty", raw=reply.body, status=reply.status)
        made = reply.parse(_Made)
        if made.request_id:
            return RemoteJob(made.request_id, request_id=reply.request_id, data={"model": task.model})
        return _output(made, reply)

    def poll(self, job: RemoteJob) -> Wire:
        path = _KONTEXT.format(model=job.data.get("model", ""))
        return Wire.post(f"{path}/get_result", json={"id": job.id})

    def parse_poll(self, reply: Reply, job: RemoteJob) -> Output | Running:
        """What became of the job. A state we do not know means: still running."""
        state = reply.parse(_State)
        if state.status in _REFUSED:
            stage = _REFUSED[state.status]
            raise ModerationError(state.status, stage=stage, status=reply.status, code=state.status)
        if state.status in _FAILED:
            raise ProviderError(state.status, billed=Billed.UNKNOWN, status=reply.status, code=state.status)
        if state.status == _GONE:
            raise InvalidRequestError(state.status, status=reply.status, code=state.status)
        if state.status != "Ready":
            return Running(state.status, progress=state.progress, known=state.status in _WAITING)
        if state.result is None or not state.result.sample:
            raise BadOutputError("ready, and no picture", reason="empty", raw=reply.original, status=reply.status)
        return Output([ImageUrl(state.result.sample)], seed=state.result.seed, raw=reply.raw())

    def read_error(self, reply: Reply) -> ProviderError | None:
        """An ``error`` in OpenAI's shape, or plain text; 412 is a suspended account, which no other call mends."""
        error = openai_shape.read_error(reply)
        if reply.status == 412:
            words = error.message if error else str(reply.raw())
            return imagegen.QuotaError(f"the account is suspended: {words}", code="412")
        return error


def _family(task: Task) -> str:
    """How the model is asked.

    Raises:
        UnsupportedError: Nobody says.
    """
    chosen: str | None = getattr(task.options, "family", None)
    known = task.capabilities.options.get("family") if task.capabilities else None
    if found := chosen or (known.default if known else None):
        return str(found)
    raise UnsupportedError(
        f"how {task.model} is asked is not known: say options={{'fireworks': {{'family': 'flux'}}}}; nothing was sent"
    )


def _body(task: Task) -> dict[str, Any]:
    """Our words to Fireworks', None left out."""
    options = task.options.model_dump(exclude_none=True, exclude={"family"}) if task.options else {}
    fields = {name: value for name, value in task.request.asked().items() if name not in _APART}
    words = {**task.defaults, **fields, **options}
    size = task.request.size or words.pop("size", None)
    if size:
        words["width"], words["height"] = map(int, size.split("x"))
    if task.count > 1:
        words["samples"] = task.count
    return {"prompt": task.request.prompt, **words}


def _image_to_image(task: Task, picture: ImageInput) -> Wire:
    """An edit as SDXL-class models take it: a form, with the file and how much of it stays.

    Raises:
        UnsupportedError: The picture is behind a URL.
    """
    if picture.url is not None:
        raise UnsupportedError(f"{task.model} takes its input picture as a file, not behind a URL; nothing was sent")
    words = {_IN_FORM.get(name, name): value for name, value in _body(task).items()}
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in words.items()}
    path = f"{_SDXL.format(model=task.model)}/image_to_image"
    return Wire.multipart(
        path,
        {**form, "init_image_mode": "IMAGE_STRENGTH"},
        [("init_image", picture)],
        headers={"Accept": "application/json"},
    )


def _output(made: _Made, reply: Reply) -> Output:
    """The pictures; a filtered one comes black, with HTTP 200, and is none."""
    pictures = made.base64 or []
    if made.finish_reason == _FILTERED:
        for each in pictures:
            if each is not None:
                each.discard()
        refused = ModerationError(_FILTERED, stage="output", status=reply.status, code=_FILTERED)
        return Output([refused] * max(1, len(pictures)), seed=made.seed, raw=reply.raw())
    if not pictures:
        raise BadOutputError("an answer without pictures", reason="empty", raw=reply.body, status=reply.status)
    broken = BadOutputError("a picture that cannot be read", reason="unreadable")
    return Output([each or broken for each in pictures], seed=made.seed, raw=reply.raw())


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return Fireworks if name == Fireworks.name else None
