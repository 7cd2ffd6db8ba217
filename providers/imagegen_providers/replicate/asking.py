"""Our words to Replicate's: the address, the headers, and each model's own input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from imagegen import ProviderOptions, UnsupportedError, masks

if TYPE_CHECKING:
    from imagegen import Task

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


def address_of(model: str) -> tuple[str, dict[str, str]]:
    """The path to submit to, and the version where the body names it."""
    name, colon, version = model.partition(":")
    if colon or "/" not in name:
        return "/predictions", {"version": version or name}
    if name.startswith("deployments/"):
        return f"/{name}/predictions", {}
    return f"/models/{name}/predictions", {}


def headers_of(options: dict[str, Any]) -> dict[str, str]:
    found = {}
    if wait := options.get("wait"):
        found["Prefer"] = "wait" if wait is True else f"wait={wait}"
    if "cancel_after" in options:
        found["Cancel-After"] = options["cancel_after"]
    return found


def input_of(task: Task, options: dict[str, Any]) -> dict[str, Any]:
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
