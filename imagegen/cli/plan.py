"""``imagegen plan``."""

from __future__ import annotations

from typing import Any

import click

from imagegen import front
from imagegen.cli import asking, showing


@click.command()
@asking.request_options
@asking.input_options
@click.option("--json", "as_json", is_flag=True, help="The plan as JSON.")
def plan(prompt: str, as_json: bool, **given: Any) -> None:
    """Show the calls, changes, hidden defaults and cost range of a generate, or with -i of an edit; no network, no key.

    \b
    imagegen plan "a red fox" -m openai:gpt-image-2 --size 1920x1080 --quality high -n 12
    imagegen plan "a red fox" -m openai:gpt-image-2.5-flare --aspect-ratio 16:9 --json
    imagegen plan "make it night" -i fox.png -m openai:gpt-image-2
    """
    found = front.plan(asking.read_prompt(prompt), **asking.keywords_of(given))
    if as_json:
        showing.show_json(found.to_dict())
    else:
        showing.show_plan(found)
