"""``imagegen resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagegen import front
from imagegen.cli import asking, saving, showing
from imagegen.errors import ImageGenError
from imagegen.spool import Spool, default_folder
from imagegen.types.job import Job


@click.command()
@click.argument("job", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file or a folder. Default: ./image.png.")
@click.option("--force", is_flag=True, help="Replace the file that -o names.")
@click.option("--timeout-s", type=float, help="How long to wait for each job. Default: 600.")
@click.option("--verify", type=click.Choice(["header", "decode"]), default="decode", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A list of results.")
def resume(job: str | None, output: Path | None, force: bool, as_json: bool, **given: Any) -> None:
    """Collect paid work: JOB is an id (its beginning will do), a job's text file, or nothing for all. Never submits.

    \b
    imagegen resume
    imagegen resume 3f2a91c0 -o fox.png
    imagegen resume job.json --json
    """
    saving.check_target(output, force)
    rows, failed = [], 0
    jobs = [named(job)] if job else list(Spool(default_folder()).jobs())
    if not jobs:
        showing.tell("no open jobs")
    for each in jobs:
        try:
            with showing.progress(f"collecting {each.model} {each.id[:8]}"):
                result = front.client().resume(each, **asking.keywords_of(given))
        except ImageGenError as error:
            if job:
                raise
            failed += 1
            showing.tell(f"{each.model} {each.id[:8]}: {error.message}")
            continue
        saved = saving.save(result, output, force)
        rows.append(result.to_dict() | {"job": each.id, "files": [str(path) for path in saved]})
        if not as_json:
            showing.show_result(result, saved)
    if as_json:
        showing.show_json(rows)
    if failed:
        raise SystemExit(1)


def named(job: str) -> Job:
    """The job that a file holds, or the one in the spool whose id begins so."""
    path = Path(job)
    return Job.from_json(path.read_text()) if path.is_file() else Spool(default_folder()).read(job)
