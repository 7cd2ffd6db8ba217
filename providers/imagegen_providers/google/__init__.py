"""Google: Gemini's image models (Nano Banana) by generateContent, on the Gemini API and on Vertex AI.

API: https://ai.google.dev/api/generate-content, types of google-genai 3.4.0, read 2026-11-22. Models, prices and hidden
defaults: google.toml. Vertex has the same body at another base URL, which names project and location, and wants a
token: ``Connection("google", base_url="https://aiplatform.googleapis.com/v1/projects/P/locations/global/publishers/google",
api_key=token)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

import imagegen
from imagegen import (
    AuthenticationError,
    Judgement,
    Output,
    ProviderError,
    ProviderOptions,
    RateLimitError,
    UnsupportedError,
    Wire,
    catalogue,
    money,
)
from imagegen.http.status import checked
from imagegen_providers.google.answer import (
    Answer,
    failure_in,
    nothing_came,
    pictures_of,
    probability_of,
    seconds_of,
    usage_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen import Call, ImageInput, PictureData, Reply, Task
    from imagegen.secrets import Secret
    from imagegen.types.connection import Endpoint

JUDGE = "gemini-3.8-flash"
"""Answers questions about pictures, where no other model is named."""
_VERTEX_ONLY = ("person_generation", "output_mime_type", "compression_quality", "labels")
_TAKEN = frozenset({"prompt", "n", "aspect_ratio", "resolution", "seed", "images", "options"})


class GoogleOptions(ProviderOptions):
    """What Gemini alone has. None is not sent."""

    provider: ClassVar[str] = "google"

    text: bool | None = None
    """True: the model may answer with words besides the picture, or instead of it."""
    resolution: Literal["512"] | None = None
    """A tier besides those of the request."""
    thinking_level: Literal["minimal", "medium", "high"] | None = None
    """How much it thinks first, which is billed."""
    google_search: bool | None = None
    """True: it searches the web with what the prompt says; charged. What it found must be shown: it is in `raw`."""
    safety_settings: dict[str, str] | None = None
    """Category to threshold: ``{"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"}``."""
    system_instruction: str | None = None
    person_generation: Literal["ALLOW_ALL", "ALLOW_ADULT", "ALLOW_NONE"] | None = None
    """Vertex only, and so are `output_mime_type`, `compression_quality` and `labels`."""
    output_mime_type: Literal["image/png", "image/jpeg"] | None = None
    compression_quality: Annotated[int, Field(ge=0, le=100)] | None = None
    labels: dict[str, str] | None = None
    """Shown on the bill."""


class Google(imagegen.HttpProvider):
    """Gemini's image models, on the Gemini API or on Vertex AI."""

    name = "google"
    Options = GoogleOptions

    def auth(self, key: Secret, endpoint: Endpoint) -> dict[str, str]:
        """Addresses with a project want a token, all others a key. The header keeps either out of logs of URLs."""
        quota = {"x-goog-user-project": endpoint.project} if endpoint.project else {}
        if _is_vertex(endpoint):
            return {"Authorization": f"Bearer {key.reveal()}", **quota}
        return {**super().auth(key, endpoint), **quota}

    def generate(self, task: Task) -> Wire:
        return _asking(task.model, _body(task))

    edit = generate  # the input pictures are parts of the same message

    def parse(self, reply: Reply, task: Task) -> Output:
        answer = reply.parse(Answer)
        pictures = pictures_of(answer)
        return Output(
            images=pictures or [nothing_came(answer, reply)],
            usage=usage_of(answer, bool(pictures)),
            model=answer.model_version,
            raw=reply.raw(),
        )

    def read_error(self, reply: Reply) -> ProviderError | None:
        failure = failure_in(reply.raw())
        if failure is None:
            return None
        details = [each for each in failure.details or () if each is not None]
        code = next((each.reason for each in details if each.reason), failure.status)
        pace = next((seconds_of(each.retry_delay) for each in details if each.retry_delay), None)
        if pace is not None:
            return RateLimitError(failure.message, retry_after_s=pace, code=code)
        if code == "API_KEY_INVALID":  # with 400
            return AuthenticationError(failure.message, code=code)
        return ProviderError(failure.message, code=code)

    async def judge(
        self, pictures: Sequence[PictureData], question: str, call: Call, *, model: str | None = None
    ) -> Judgement:
        """What a model that reads pictures says of them; without a name, `JUDGE`."""
        name = model or JUDGE
        parts = [{"text": question}, *(_part(imagegen.ImageInput(each.read())) for each in pictures)]
        config = {"responseModalities": ["TEXT"]}
        body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
        reply = checked(await self.send(_asking(name, body), call), self.read_error)
        answer = reply.parse(Answer)
        if not answer.words():
            raise nothing_came(answer, reply)
        usage = usage_of(answer, False)
        return Judgement(
            answer.words(),
            answer.model_version or name,
            money.price_of_words(catalogue.find_model(self.name, name), usage),
            probability_of(answer),
            usage,
        )


def _is_vertex(endpoint: Endpoint) -> bool:
    return "/projects/" in (endpoint.base_url or "")


def _asking(model: str, body: dict[str, Any]) -> Wire:
    return Wire.post(f"/models/{model}:generateContent", json=body)


def _body(task: Task) -> dict[str, Any]:
    """Our words to Gemini's, None left out."""
    options = task.options if isinstance(task.options, GoogleOptions) else GoogleOptions()
    _check(task, options)
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"] if options.text else ["IMAGE"]}
    if image := _image_config(task, options):
        config["imageConfig"] = image
    if task.request.seed is not None:
        config["seed"] = task.request.seed
    if options.thinking_level:
        config["thinkingConfig"] = {"thinkingLevel": options.thinking_level.upper()}
    parts = [{"text": task.request.prompt}, *map(_part, task.request.images)]
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config, **_besides(options)}


def _check(task: Task, options: GoogleOptions) -> None:
    task.asks_only(_TAKEN)
    if options.resolution and task.request.resolution:
        raise UnsupportedError("the option resolution and the request's own are two answers; nothing was sent")
    misplaced = [name for name in _VERTEX_ONLY if getattr(options, name) is not None]
    if misplaced and task.endpoint is not None and not _is_vertex(task.endpoint):
        raise UnsupportedError(f"only Vertex takes {', '.join(misplaced)}; nothing was sent")


def _image_config(task: Task, options: GoogleOptions) -> dict[str, Any]:
    request, defaults = task.request, task.defaults
    output = {"mimeType": options.output_mime_type, "compressionQuality": options.compression_quality}
    found = {
        "aspectRatio": request.aspect_ratio or defaults.get("aspect_ratio"),
        "imageSize": options.resolution or request.resolution or defaults.get("resolution"),
        "personGeneration": options.person_generation,
        "imageOutputOptions": _set(output) or None,
    }
    return _set(found)


def _besides(options: GoogleOptions) -> dict[str, Any]:
    """What stands beside the message."""
    settings = [{"category": name, "threshold": value} for name, value in (options.safety_settings or {}).items()]
    found: dict[str, Any] = {
        "safetySettings": settings or None,
        "tools": [{"google_search": {}}] if options.google_search else None,
        "systemInstruction": {"parts": [{"text": options.system_instruction}]} if options.system_instruction else None,
        "labels": options.labels,
    }
    return _set(found)


def _set(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _part(picture: ImageInput) -> dict[str, Any]:
    if picture.url is not None:
        return {"fileData": {"mimeType": picture.media_type, "fileUri": picture.url}}
    return {"inlineData": {"mimeType": picture.media_type, "data": picture.base64()}}


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return Google if name == Google.name else None
