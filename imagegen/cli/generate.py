"""``imagegen generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagegen import front
from imagegen.cli import asking, saving, showing


@click.command(epilog="Errors are one line and exit code 1; --debug shows the traceback.")
@asking.request_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file or a folder. Default: ./image.png.")
@click.option("--force", is_flag=True, help="Replace the file that -o names.")
@click.option("--timeout-s", type=float, help="One clock over everything. Default: 600.")
@click.option("--verify", type=click.Choice(["header", "decode"]), default="decode", show_default=True)
@click.option("--retry-unknown", is_flag=True, help="Submit again although the last try may have been billed.")
@click.option("--fallback-on-refusal", is_flag=True, help="Try the next model after a refusal too.")
@click.option("--json", "as_json", is_flag=True, help="The whole result as JSON on standard output.")
def generate(prompt: str, output: Path | None, force: bool, as_json: bool, **given: Any) -> None:
    """Draw PROMPT ("-" reads it from standard input), save it, and say what it cost.

    \b
    imagegen generate "a red fox in snow" -m stub:painter -o fox.png
    imagegen generate "three red circles" -m openai:gpt-image-2 -m stub:painter --max-usd 0.10
    echo "a lighthouse" | imagegen generate - -m stub:painter -n 4 -o pictures/ --json
    """
    saving.check_target(output, force)
    keywords = asking.keywords_of(given)
    with showing.progress(f"drawing with {keywords['model'][0]}"):
        result = front.generate(asking.read_prompt(prompt), **keywords)
    saved = saving.save(result, output, force)
    if as_json:
        showing.show_json(result.to_dict() | {"files": [str(path) for path in saved]})
    else:
        showing.show_result(result, saved)
