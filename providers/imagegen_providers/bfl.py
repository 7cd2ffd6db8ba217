"""Black Forest Labs (FLUX): submit a job, poll it; the core sends, waits and downloads.

API: https://docs.bfl.ai, read 2026-11-22. Models, sizes, prices and hidden defaults: bfl.toml.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import BaseModel, Field

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    Output,
    ProviderError,
    ProviderOptions,
    RateLimitError,
    RemoteJob,
    Running,
    UnsupportedError,
    Wire,
    masks,
)
from imagegen.http.findings import findings_of
from imagegen.http.lenient import or_none

if TYPE_CHECKING:
    from imagegen import ImageInput, Reply, Task

_WAITING = frozenset({"Pending", "Reasoning", "Generating"})
_REFUSED: dict[str, Literal["input", "output"]] = {"Request Moderated": "input", "Content Moderated": "output"}
_FAILED = frozenset({"Error", "Failed"})
_GONE = "Task not found"
_MARGINS = ("top", "bottom", "left", "right")
_CREDIT_USD = Decimal("0.01")
_FEWEST_CREDITS = Decimal("0.5")
"""Half the lowest price there is: a smaller figure is no number of credits (one has been seen that looks like USD)."""
_APART = frozenset({"prompt", "n", "size", "images", "mask", "options"})


class BFLOptions(ProviderOptions):
    """What FLUX alone has. None is not sent."""

    provider: ClassVar[str] = "bfl"

    safety_tolerance: Annotated[int, Field(ge=0)] | None = None
    """0 refuses the most."""
    prompt_upsampling: bool | None = None
    """True: a language model rewrites the prompt first."""
    steps: Annotated[int, Field(ge=1)] | None = None
    guidance: float | None = None
    """How closely the picture keeps to the prompt."""
    raw: bool | None = None
    """True: less processed, more natural."""
    image_prompt_strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """How much of the input picture remains."""
    grounding: bool | None = None
    """True: the service searches the web, for texts and pictures, with what the prompt says."""
    resolution: Literal["768sq", "1.5k"] | None = None
    """Tiers that FLUX 3 has besides those of the request."""
    top: Annotated[int, Field(ge=0, le=2048)] | None = None
    """Pixels to add on a side, and so are `bottom`, `left` and `right`."""
    bottom: Annotated[int, Field(ge=0, le=2048)] | None = None
    left: Annotated[int, Field(ge=0, le=2048)] | None = None
    right: Annotated[int, Field(ge=0, le=2048)] | None = None


class _Accepted(BaseModel):
    id: str
    polling_url: Annotated[str | None, or_none] = None
    cost: Annotated[Decimal | None, or_none] = None
    input_mp: Annotated[Decimal | None, or_none] = None
    output_mp: Annotated[Decimal | None, or_none] = None


class _Result(BaseModel):
    sample: str | None = None
    seed: Annotated[int | None, or_none] = None


class _State(BaseModel):
    status: str
    result: Annotated[_Result | None, or_none] = None
    progress: Annotated[float | None, or_none] = None
    details: Any = None
    cost: Annotated[Decimal | None, or_none] = None


class _Failure(BaseModel):
    detail: Any = None
    message: Annotated[str | None, or_none] = None
    error: Annotated[str | None, or_none] = None
    retry_after: Annotated[float | None, Field(ge=0, allow_inf_nan=False), or_none] = None


class BFL(imagegen.HttpProvider):
    """FLUX models on Black Forest Labs' own API."""

    name = "bfl"
    Options = BFLOptions

    def generate(self, task: Task) -> Wire:
        return Wire.post(f"/v1/{task.model}", json=_body(task))

    edit = generate  # one endpoint: the body says whether there are input images

    def parse(self, reply: Reply, task: Task) -> RemoteJob:
        accepted = reply.parse(_Accepted)
        counted = accepted.model_dump(include={"cost", "input_mp", "output_mp"}, exclude_none=True)
        return RemoteJob(
            accepted.id,
            url=accepted.polling_url,
            cost_usd=_usd(accepted.cost),
            request_id=reply.request_id,
            data={name: str(value) for name, value in counted.items()},
        )

    def poll(self, job: RemoteJob) -> Wire:
        """The polling URL as it was given: the job may be kept in another region than the one that took it."""
        url = job.url or "/v1/get_result"
        if "://" not in url:
            url = f"/{url.lstrip('/')}"
        if "id" not in parse_qs(urlsplit(url).query):
            url += ("&" if "?" in url else "?") + urlencode({"id": job.id})
        return Wire.get(url)

    def parse_poll(self, reply: Reply, job: RemoteJob) -> Output | Running:
        state = reply.parse(_State)
        if (error := _end_of(state, reply)) is not None:
            raise error
        if state.status == _GONE:
            raise InvalidRequestError(state.status, status=reply.status, code=state.status)
        if state.status != "Ready":
            return Running(state.status, progress=state.progress, known=state.status in _WAITING)
        if state.result is None or not state.result.sample:
            raise BadOutputError("ready, and no picture", reason="empty", raw=reply.original, status=reply.status)
        return Output(
            images=[ImageUrl(state.result.sample)],
            seed=state.result.seed,
            cost_usd=_usd(state.cost),
            raw={**reply.raw(), "accepted": dict(job.data)},
        )

    def read_end(self, reply: Reply, wire: Wire, job: RemoteJob) -> ProviderError | None:
        """A failed job is told with 422 or 503 too, in the body of every poll."""
        try:
            return _end_of(reply.parse(_State), reply)
        except BadOutputError:
            return None

    def read_error(self, reply: Reply) -> ProviderError | None:
        body = reply.raw()
        failure = _Failure.model_validate(body) if isinstance(body, dict) else _Failure()
        findings = findings_of(failure.detail)
        words = "; ".join(map(str, findings)) or failure.message or failure.error
        if not words:
            return None
        code = next((each.type for each in findings if each.type), failure.error)
        if failure.retry_after is not None:
            return RateLimitError(words, retry_after_s=failure.retry_after, code=code)
        return ProviderError(words, code=code)


def _body(task: Task) -> dict[str, Any]:
    """Our words to BFL's, None left out."""
    options = task.options.model_dump(exclude_none=True) if task.options else {}
    fields = {name: value for name, value in task.request.asked().items() if name not in _APART}
    _check(task, options)
    words = {**task.defaults, **fields, **options}
    size = task.request.size or words.get("size")
    words.pop("size", None)
    if size:
        words["width"], words["height"] = map(int, size.split("x"))
    if "resolution" in words:
        words["resolution"] = words["resolution"].lower()
    return {"prompt": task.request.prompt, **_pictures(task), **words}


def _check(task: Task, options: dict[str, Any]) -> None:
    known = task.capabilities.options if task.capabilities else {}
    if "resolution" in options and task.request.resolution:
        raise UnsupportedError("the option resolution and the request's own are two answers; nothing was sent")
    if "top" in known and not any(options.get(side) for side in _MARGINS):
        raise UnsupportedError(f"{task.model} needs a margin: {', '.join(_MARGINS)}; nothing was sent")


def _pictures(task: Task) -> dict[str, Any]:
    """Input pictures under the name that the model has for them: a list, or numbered from the second on."""
    names = task.capabilities.field_names if task.capabilities else {}
    name, pictures = names.get("images", "input_image"), [_text_of(each) for each in task.request.images]
    found: dict[str, Any] = {name: pictures} if pictures and name.endswith("s") else {}
    if not name.endswith("s"):
        found = {name if number == 1 else f"{name}_{number}": text for number, text in enumerate(pictures, start=1)}
    if task.request.mask is not None:
        found["mask"] = masks.white_repaints(task.request.mask).base64()
    return found


def _text_of(picture: ImageInput) -> str:
    return picture.url if picture.url is not None else picture.base64()


def _end_of(state: _State, reply: Reply) -> ProviderError | None:
    """The error that the job ended with; None while it has not, or has ended well."""
    reasons = _texts(state.details)
    words = f"{state.status}: {', '.join(reasons)}" if reasons else state.status
    if state.status in _REFUSED:
        stage = _REFUSED[state.status]
        return ModerationError(words, stage=stage, categories=reasons, status=reply.status, code=state.status)
    if state.status in _FAILED:
        return ProviderError(words, billed=Billed.UNKNOWN, status=reply.status, code=state.status)
    return None


def _texts(details: Any) -> list[str]:
    """Every text in ``details``, whose shape is not documented."""
    if isinstance(details, str):
        return [details]
    inside = details.values() if isinstance(details, dict) else details if isinstance(details, list) else ()
    return [text for each in inside for text in _texts(each)]


def _usd(credits_: Decimal | None) -> Decimal | None:
    """A cost in credits, of 0.01 USD each."""
    return credits_ * _CREDIT_USD if credits_ is not None and credits_ >= _FEWEST_CREDITS else None


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return BFL if name == BFL.name else None
