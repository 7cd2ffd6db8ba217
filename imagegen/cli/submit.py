"""``imagegen submit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagegen import files, front
from imagegen.cli import asking, showing, using
from imagegen.errors import ConfigurationError


@click.command()
@asking.request_options
@asking.input_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the job's text to this file too.")
@asking.paying_options
@click.option("--json", "as_json", is_flag=True, help="The job's text on standard output.")
def submit(prompt: str, output: Path | None, as_json: bool, label: str | None, **given: Any) -> None:
    """Pay for PROMPT now and print the job's id; `imagegen resume ID` collects it, here or elsewhere.

    \b
    imagegen submit "a red fox" -m stub:slow
    imagegen submit "a red fox" -m stub:slow -o job.json
    """
    prompt, keywords = asking.read_prompt(prompt), asking.keywords_of(given)
    _check_jobs(front.plan(prompt, **keywords).model)
    job = using.client(label).submit(prompt, **keywords)
    if output is not None:
        files.write_atomic(output, job.to_json().encode(), mode=0o600)
    click.echo(job.to_json() if as_json else job.id)
    for problem in job.problems:
        showing.tell(f"not accepted: {problem}")


def _check_jobs(model: str) -> None:
    """A synchronous provider's job lives in one process only: this one, which ends now."""
    from imagegen.plugins import provider_class
    from imagegen.provider import has_jobs
    from imagegen.settings import Settings

    if not has_jobs(provider_class(Settings.load().endpoint(model.partition(":")[0]).provider)()):
        raise ConfigurationError(f"{model} gives no handle to collect later: use generate; nothing was sent")
