"""Options that several commands share: every field of a request, and how to run it."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from imagegen.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

_FIELDS = [
    click.option("-n", type=click.IntRange(1), default=None, help="How many images."),
    click.option("--size", help="Width and height in pixels, e.g. 1536x1024."),
    click.option("--aspect-ratio", help="Width to height, e.g. 3:2."),
    click.option("--resolution", type=click.Choice(["1K", "2K", "4K"]), help="A tier of pixel counts."),
    click.option("--quality", type=click.Choice(["low", "medium", "high", "xhigh", "max"]), help="Rendering effort."),
    click.option("--background", type=click.Choice(["transparent", "opaque"])),
    click.option("--seed", type=click.IntRange(0), help="Same seed, same picture, where the model can."),
    click.option("--negative-prompt", help="What to keep out of the picture."),
    click.option("-f", "--output-format", type=click.Choice(["png", "jpeg", "webp", "gif", "svg"])),
    click.option("--output-compression", type=click.IntRange(0, 100), help="Quality of a lossy format; 100 the best."),
    click.option("--partial-images", type=click.IntRange(0), help="Unfinished pictures that a stream may show."),
    click.option("--end-user-id", help="A hashed id of your own user, for the provider's abuse checks."),
    click.option(
        "--option",
        "options",
        multiple=True,
        metavar="PROVIDER.NAME=VALUE",
        help="What one provider alone has, e.g. openai.moderation=low. Repeatable.",
    ),
]
_RUN = [
    click.option(
        "-m",
        "--model",
        multiple=True,
        required=True,
        metavar="CONNECTION:MODEL",
        help="e.g. openai:gpt-image-2. Repeat for a fallback order.",
    ),
    click.option(
        "--policy",
        type=click.Choice(["strict", "adapt", "best_effort"]),
        help="What may be changed to fit the model: nothing, little (the default), or what makes sense.",
    ),
    click.option("--max-usd", help="Send nothing that could take the call above this."),
]


_INPUTS = [
    click.option(
        "-i",
        "--image",
        "images",
        multiple=True,
        metavar="PICTURE",
        help="A file or an https URL. Repeatable, in order.",
    ),
    click.option("--mask", metavar="FILE", help="Of the first picture's size: white repaints, black stays."),
]
_PAYING = [
    click.option("--label", help="What the ledger books it under, for budgets and `imagegen spend`."),
    click.option("--key", help="Make this call once: the same key again gives the stored result."),
    click.option("--max-usd-per-image", help="What to set aside for a picture whose price is not known."),
]
_FILES = [
    click.option("-o", "--output", type=click.Path(path_type=Path), help="A file or a folder. Default: ./image.png."),
    click.option("--force", is_flag=True, help="Replace the file that -o names."),
    click.option("--timeout-s", type=float, help="One clock over everything. Default: 600."),
    click.option("--verify", type=click.Choice(["header", "decode"]), default="decode", show_default=True),
    click.option("--cache", is_flag=True, help="With --seed: the same call again gives the stored result."),
    click.option("--retry-unknown", is_flag=True, help="Submit again although the last try may have been billed."),
    click.option("--fallback-on-refusal", is_flag=True, help="Try the next model after a refusal too."),
    click.option(
        "--save-partials",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Stream, and keep unfinished pictures.",
    ),
    click.option("--preview", is_flag=True, help="Show the pictures in the terminal, unfinished ones too."),
    click.option("--json", "as_json", is_flag=True, help="The whole result as JSON on standard output."),
]


def input_options(command: Callable[P, R]) -> Callable[P, R]:
    """Adds input pictures and a mask to a command."""
    for option in reversed(_INPUTS):
        command = option(command)
    return command


def paying_options(command: Callable[P, R]) -> Callable[P, R]:
    """Adds what the ledger should know to a command."""
    for option in reversed(_PAYING):
        command = option(command)
    return command


def drawing_options(command: Callable[P, R]) -> Callable[P, R]:
    """Adds where pictures go and how the call is run to a command."""
    for option in reversed([*_FILES, *_PAYING]):
        command = option(command)
    return command


def request_options(command: Callable[P, R]) -> Callable[P, R]:
    """Adds the prompt, the fields of a request and the model to a command."""
    for option in reversed([*_RUN, *_FIELDS]):
        command = option(command)
    return click.argument("prompt")(command)


def keywords_of(given: dict[str, Any]) -> dict[str, Any]:
    """The verb's keywords from a command's parameters; what was not given is left out."""
    found = {name: value for name, value in given.items() if value is not None and value != ()}
    if "options" in found:
        found["options"] = _options(found["options"])
    if "model" in found:
        found["model"] = list(found["model"])
    if "images" in found:
        found["images"] = list(found["images"])
    return found


def read_prompt(prompt: str) -> str:
    """The prompt itself; ``-`` reads it from standard input."""
    return sys.stdin.read().strip() if prompt == "-" else prompt


def _options(given: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in given:
        name, equals, value = each.partition("=")
        provider, dot, field = name.partition(".")
        if not (equals and dot and field):
            raise ConfigurationError(f"--option takes provider.name=value, not {each!r}")
        _put(found.setdefault(provider, {}), field.split("."), _value(value))
    return found


def _put(into: dict[str, Any], path: list[str], value: Any) -> None:
    """``svg.reasoning.effort`` goes into nested tables."""
    *tables, last = path
    functools.reduce(lambda table, name: table.setdefault(name, {}), tables, into)[last] = value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
