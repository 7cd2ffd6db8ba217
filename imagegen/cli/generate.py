"""``imagegen generate``."""

from __future__ import annotations

from typing import Any

import click

from imagegen.cli import asking, drawing


@click.command(epilog="Errors are one line and exit code 1; --debug shows the traceback.")
@asking.request_options
@asking.drawing_options
def generate(prompt: str, **given: Any) -> None:
    """Draw PROMPT ("-" reads it from standard input), save it, and say what it cost.

    \b
    imagegen generate "a red fox in snow" -m stub:painter -o fox.png
    imagegen generate "three red circles" -m openai:gpt-image-2 -m stub:painter --max-usd 0.10
    imagegen generate "a lighthouse" -m stub:painter --partial-images 3 --preview
    echo "a lighthouse" | imagegen generate - -m stub:painter -n 4 -o pictures/ --json
    """
    drawing.draw("generate", prompt, **given)
