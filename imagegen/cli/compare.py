"""``imagegen compare``."""

from __future__ import annotations

import json
from typing import Any

import click

from imagegen.cli import asking, comparing
from imagegen.errors import ConfigurationError


@click.command()
@asking.request_options
@asking.input_options
@comparing.comparison_options
@click.option(
    "--expect",
    metavar="JSON",
    help='What the pictures should show, by probe: {"text": {"strings": ["HI"]}}; else what PROMPT plainly says.',
)
def compare(prompt: str, expect: str | None, **given: Any) -> None:
    """Draw PROMPT with several models, several times, and report cost, latency and quality.

    \b
    imagegen compare "three red circles left of the word HELLO" -m stub:painter -m stub:sloppy --repeats 5 -o circles
    imagegen compare "a red fox" -m openai:gpt-image-2 -m bfl:flux-2-pro --repeats 3 --max-usd 2 -o foxes
    """
    run = comparing.taken_out(given)
    keywords = asking.keywords_of(given)
    models = keywords.pop("model")
    from imagegen.comparison.suites import suite_of

    suite = suite_of(asking.read_prompt(prompt), keywords, _expected(expect))
    comparing.compare(suite, models, run)


def _expected(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"--expect is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigurationError("--expect is an object: probe to expectation")
    return found
