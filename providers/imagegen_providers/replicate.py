"""Replicate: any of its image models as a prediction; the core submits, polls and downloads.

API: Replicate's OpenAPI 1.0.0-a1, its pages on lifecycle, rate limits and retention, model pages; read 2026-11-22.
A model is ``owner/name``, ``owner/name:version`` or ``deployments/owner/name``. Each has an input of its own: what they
call pictures, masks and sizes stands in replicate.toml.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, Field

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    DeadlineExceededError,
    ImageUrl,
    ListedJob,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    ProviderOptions,
    RateLimitError,
    RemoteJob,
    Running,
    UnsupportedError,
    Wire,
    masks,
)
from imagegen.http.lenient import or_none
from imagegen.http.status import checked

if TYPE_CHECKING:
    from imagegen import Call, ImageGenError, Reply, Task

_WAITING = frozenset({"starting", "processing"})
_ENDED = frozenset({"failed", "canceled", "aborted"})
_REFUSED = re.compile(r"nsfw|flagged|sensitive|\bE005\b", re.IGNORECASE)
"""Replicate has no code for a refusal: these words of its models are all there is. Unconfirmed; read 2026-11-22."""
_SEED = re.compile(r"using seed: *(\d+)", re.IGNORECASE)
_RESETS = re.compile(r"resets in ~?(\d+)s")
_KEPT_S = 3600.0
_PAGES = 100
_APART = frozenset({"prompt", "n", "size", "images", "mask", "options", "output_format", "output_compression"})
_NOT_INPUT = frozenset({"wait", "cancel_after", "image_field", "mask_field", "input"})


class ReplicateOptions(ProviderOptions):
    """What only Replicate's models have. None is not sent."""

    provider: ClassVar[str] = "replicate"

    wait: bool | Annotated[int, Field(ge=1, le=60)] | None = None
    """Seconds (True: Replicate's 60) to hold the submit open. Saves polls; a connection cut meanwhile loses the job."""
    cancel_after: Annotated[str, Field(pattern=r"^[0-9]+(ms|s|m|h|d)?$")] | None = None
    """``"1m"``: Replicate ends the prediction by itself then."""
    go_fast: bool | None = None
    """True: a quantized model, which no seed makes repeatable."""
    megapixels: Literal["0.25", "1"] | None = None
    """Size of a picture of the given ratio."""
    num_inference_steps: Annotated[int, Field(ge=1)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    """The same, as some models call it."""
    guidance: float | None = None
    """How closely the picture keeps to the prompt."""
    safety_tolerance: Annotated[int, Field(ge=0)] | None = None
    """The lowest refuses the most."""
    disable_safety_checker: bool | None = None
    prompt_upsampling: bool | None = None
    """True: a language model rewrites the prompt first."""
    magic_prompt_option: Literal["Auto", "On", "Off"] | None = None
    """The same, as Ideogram calls it."""
    raw: bool | None = None
    """True: less processed, more natural."""
    image_prompt_strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """How much of the input picture remains."""
    prompt_strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """How much of the input picture goes."""
    style: str | None = None
    style_type: str | None = None
    image_field: str | None = None
    """What a model that the catalogue does not know calls its input picture; a name in the plural takes a list."""
    mask_field: str | None = None
    input: dict[str, Any] | None = None
    """Further fields of the model's own input, sent as they are."""


def _as_list(value: Any) -> Any:
    return [] if value is None else value if isinstance(value, list) else [value]


_Link = Annotated[PictureData | str, Field(union_mode="left_to_right")]


class _Urls(BaseModel):
    get: Annotated[str | None, or_none] = None
    cancel: Annotated[str | None, or_none] = None


class _Prediction(BaseModel):
    id: str
    status: str
    model: Annotated[str | None, or_none] = None
    version: Annotated[str | None, or_none] = None
    output: Annotated[list[Annotated[_Link | None, or_none]], BeforeValidator(_as_list)] = []
    error: Any = None
    logs: Annotated[str | None, or_none] = None
    data_removed: Annotated[bool | None, or_none] = None
    urls: Annotated[_Urls | None, or_none] = None


class _Asked(BaseModel):
    prompt: Annotated[str | None, or_none] = None


class _Listed(BaseModel):
    id: str
    created_at: Annotated[datetime | None, or_none] = None
    model: Annotated[str | None, or_none] = None
    version: Annotated[str | None, or_none] = None
    input: Annotated[_Asked | None, or_none] = None
    data_removed: Annotated[bool | None, or_none] = None
    urls: Annotated[_Urls | None, or_none] = None


class _Page(BaseModel):
    next: Annotated[str | None, or_none] = None
    results: list[_Listed]


class Replicate(imagegen.HttpProvider):
    """Image models at Replicate, by their ids."""

    name = "replicate"
    Options = ReplicateOptions

    def generate(self, task: Task) -> Wire:
        options = task.options.model_dump(exclude_none=True) if task.options else {}
        path, version = _address(task.model)
        body = {**version, "input": _input(task, options)}
        return Wire.post(path, json=body, headers=_headers(options))

    edit = generate  # the input says whether there is a picture to change

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        """A waited answer can hold its output while its status still says processing: the output decides."""
        made = reply.parse(_Prediction)
        urls = made.urls or _Urls()
        data = {"model": task.model, "n": task.count}
        job = RemoteJob(made.id, url=urls.get, cancel_url=urls.cancel, request_id=reply.request_id, data=data)
        if made.status in _WAITING and len(made.output) < task.count:
            return job
        return job if isinstance(found := _found(made, reply, job, waited=True), Running) else found

    def poll(self, job: RemoteJob) -> Wire:
        return Wire.get(job.url or f"/predictions/{job.id}")

    def parse_poll(self, reply: Reply, job: RemoteJob) -> Output | Running:
        return _found(reply.parse(_Prediction), reply, job)

    def cancel(self, job: RemoteJob) -> Wire:
        return Wire.post(job.cancel_url or f"/predictions/{job.id}/cancel")

    def read_error(self, reply: Reply) -> ProviderError | None:
        """Replicate's title, detail and bad fields; a pace stands in a header of its own, or in the words only."""
        body = reply.raw()
        if not isinstance(body, dict):
            return None
        told = [str(body[name]) for name in ("title", "detail") if body.get(name)]
        fields = [json.dumps(each) for each in _as_list(body.get("invalid_fields"))]
        words = ": ".join(told) + "".join(f"; {each}" for each in fields)
        if not words:
            return None
        if reply.status == 429 and "retry-after" not in reply.headers:
            return RateLimitError(words, retry_after_s=_pace(reply, words))
        return ProviderError(words, code=body.get("type") if isinstance(body.get("type"), str) else None)

    def lists(self, model: str) -> bool:
        """Whether the list says which submit made a prediction: not for a deployment's, nor for a bare version's."""
        return "/" in model and not model.startswith("deployments/")

    async def list_jobs(self, since: float, call: Call) -> list[ListedJob]:
        """Predictions, the newest first, as long as their inputs are kept: without a prompt none can be recognized."""
        if time.time() - since >= _KEPT_S:
            raise UnsupportedError("Replicate keeps what was asked for one hour only")
        try:
            async with asyncio.timeout_at(call.deadline):
                return await self._listed(since, call)
        except TimeoutError:
            raise UnsupportedError("Replicate's list of predictions took too long") from None

    async def _listed(self, since: float, call: Call) -> list[ListedJob]:
        found: list[ListedJob] = []
        wire = Wire.get("/predictions")
        for _ in range(_PAGES):
            page = checked(await self.send(wire, call), self.read_error).parse(_Page)
            recent = [each for each in page.results if each.created_at is None or each.created_at.timestamp() >= since]
            found += [_listed_job(each) for each in recent]
            if page.next is None or len(recent) < len(page.results):
                return found
            wire = Wire.get(page.next)
        raise UnsupportedError("Replicate's list of predictions is too long to be read back so far")


def _address(model: str) -> tuple[str, dict[str, str]]:
    """The path to submit to, and the version where the body names it."""
    name, colon, version = model.partition(":")
    if colon or "/" not in name:
        return "/predictions", {"version": version or name}
    if name.startswith("deployments/"):
        return f"/{name}/predictions", {}
    return f"/models/{name}/predictions", {}


def _headers(options: dict[str, Any]) -> dict[str, str]:
    found = {}
    if wait := options.get("wait"):
        found["Prefer"] = "wait" if wait is True else f"wait={wait}"
    if "cancel_after" in options:
        found["Cancel-After"] = options["cancel_after"]
    return found


def _input(task: Task, options: dict[str, Any]) -> dict[str, Any]:
    """Our words to the model's, None left out."""
    request = task.request
    fields = {name: value for name, value in request.asked().items() if name not in _APART}
    own = {name: value for name, value in options.items() if name not in _NOT_INPUT}
    words = {**task.defaults, **fields, **own}
    words.pop("output_compression", None)
    output_format = request.output_format or words.pop("output_format", None)
    if output_format and output_format != "svg":  # a model that makes svg makes nothing else, and has no word for it
        words["output_format"] = "jpg" if output_format == "jpeg" else output_format
    if request.output_compression is not None:
        words["output_quality"] = request.output_compression
    if task.count > 1 or (task.n and task.capabilities is not None and task.capabilities.n_per_call > 1):
        words["num_outputs"] = task.count
    size = request.size or words.pop("size", None)
    words.update(_size(task, size) if size else {})
    return {"prompt": request.prompt, **_pictures(task, options), **words, **options.get("input", {})}


def _size(task: Task, size: str) -> dict[str, Any]:
    """One text, or both sides; FLUX reads the sides only where the ratio is called custom."""
    capabilities = task.capabilities
    if capabilities is not None and "size" in capabilities.field_names:
        return {capabilities.field_names["size"]: size}
    width, _, height = size.partition("x")
    custom = {"aspect_ratio": "custom"} if capabilities and "aspect_ratio" in capabilities.parameters else {}
    return {**custom, "width": int(width), "height": int(height)}


def _pictures(task: Task, options: dict[str, Any]) -> dict[str, Any]:
    """Input pictures and the mask, under the names that the model has for them."""
    names = task.capabilities.field_names if task.capabilities else {}
    pictures, mask = task.request.images, task.request.mask
    name = names.get("images") or options.get("image_field", "image")
    several = name.endswith("s")
    if len(pictures) > 1 and not several:
        raise UnsupportedError(f"{task.model} takes one picture as {name}, not {len(pictures)}; nothing was sent")
    found: dict[str, Any] = {}
    if pictures:
        found[name] = [each.data_url() for each in pictures] if several else pictures[0].data_url()
    if mask is not None:
        polarity = task.capabilities.mask_repaints if task.capabilities else "white"
        field = names.get("mask") or options.get("mask_field", "mask")
        found[field] = masks.as_repainting(mask, polarity).data_url()
    return found


def _found(made: _Prediction, reply: Reply, job: RemoteJob, *, waited: bool = False) -> Output | Running:
    """What became of a prediction; ``waited``: its output counts before its status says that it is done."""
    if made.status in _ENDED:
        raise _end(made, reply)
    if made.data_removed and not made.output:
        raise DeadlineExceededError("Replicate keeps results for one hour: these are gone", expired=True)
    if made.status != "succeeded" and not (waited and made.output):
        return Running(made.status, queued=made.status == "starting", known=made.status in _WAITING)
    return _output(made, reply, job)


def _output(made: _Prediction, reply: Reply, job: RemoteJob) -> Output:
    """The pictures. What a safety checker took out is only missing: the log may say why."""
    images: list[PictureData | ImageUrl | ImageGenError] = [_picture(each) for each in made.output]
    missing = int(job.data.get("n", 1)) - len(images)
    if missing > 0 and _REFUSED.search(made.logs or ""):
        words = "left out by the model's safety checker"
        images += [ModerationError(words, stage="output", billed=Billed.YES) for _ in range(missing)]
    if not images:
        raise BadOutputError(
            "succeeded, and no picture; some models refuse so", reason="empty", raw=reply.original, status=reply.status
        )
    seed = _SEED.search(made.logs or "")
    pinned = f"{made.model}:{made.version}" if ":" in str(job.data.get("model", "")) else made.model
    return Output(images, seed=int(seed[1]) if seed else None, model=pinned if made.model else None, raw=reply.raw())


def _picture(found: PictureData | str | None) -> PictureData | ImageUrl | ImageGenError:
    if isinstance(found, PictureData):
        return found
    return ImageUrl(found) if found else BadOutputError("an output that is no link", reason="unreadable")


def _end(made: _Prediction, reply: Reply) -> ProviderError:
    """How it ended. Aborted is before its start, and free; a run that was stopped costs the time it took."""
    words = made.error if isinstance(made.error, str) else json.dumps(made.error) if made.error else made.status
    if made.status == "failed" and _REFUSED.search(words):
        return ModerationError(words, stage="unknown", categories=[], status=reply.status, code=made.status)
    billed = Billed.NO if made.status == "aborted" else Billed.UNKNOWN
    return ProviderError(f"{made.status}: {words}", billed=billed, status=reply.status, code=made.status)


def _pace(reply: Reply, words: str) -> float | None:
    seconds = reply.headers.get("ratelimit-reset", "")
    told = _RESETS.search(words)
    return float(seconds) if seconds.isdigit() else float(told[1]) if told else None


def _listed_job(listed: _Listed) -> ListedJob:
    """A prediction of the list; without its input nobody can tell whose it is.

    Raises:
        UnsupportedError: Its input is gone, so that the list cannot prove anything.
    """
    if listed.input is None or listed.data_removed:
        raise UnsupportedError("Replicate's list has dropped what was asked")
    urls = listed.urls or _Urls()
    return ListedJob(
        RemoteJob(listed.id, url=urls.get, cancel_url=urls.cancel, data={"model": listed.model}),
        created_at=listed.created_at.timestamp() if listed.created_at else None,
        prompt=listed.input.prompt,
        model=listed.model,
        aliases=(f"{listed.model}:{listed.version}",) if listed.version else (),
    )


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return Replicate if name == Replicate.name else None
