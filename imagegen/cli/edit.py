"""``imagegen edit``."""

from __future__ import annotations

from typing import Any

import click

from imagegen.cli import asking, drawing
from imagegen.errors import ConfigurationError


@click.command(epilog="Errors are one line and exit code 1; --debug shows the traceback.")
@asking.request_options
@asking.input_options
@asking.drawing_options
def edit(prompt: str, images: tuple[str, ...], **given: Any) -> None:
    """Change pictures as PROMPT says. With a mask only its white part is repainted.

    \b
    imagegen edit "make it night" -i fox.png -m stub:painter -o night.png
    imagegen edit "a hat on the fox" -i fox.png --mask hat.png -m openai:gpt-image-2
    imagegen edit "put the boat on the sea" -i sea.png -i boat.png -m stub:painter
    """
    if not images:
        raise ConfigurationError("edit needs a picture: -i FILE; nothing was sent")
    drawing.draw("edit", prompt, images=images, **given)
