"""``imagegen resume``."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imagegen.cli import asking, saving, showing, using, waiting
from imagegen.errors import ConfigurationError, ImageGenError

if TYPE_CHECKING:
    from imagegen.types.job import OpenUnit


@click.command()
@click.argument("job", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file or a folder. Default: ./image.png.")
@click.option("--force", is_flag=True, help="Replace the file that -o names.")
@click.option("--timeout-s", type=float, help="How long to wait for each job. Default: 600.")
@click.option("--verify", type=click.Choice(["header", "decode"]), default="decode", show_default=True)
@click.option("--retry-unknown", is_flag=True, help="Pay again for what has an unknown outcome; asks first.")
@click.option("--yes", is_flag=True, help="With --retry-unknown: do not ask.")
@click.option("--json", "as_json", is_flag=True, help="A list of results.")
def resume(
    job: str | None, output: Path | None, force: bool, retry_unknown: bool, yes: bool, as_json: bool, **given: Any
) -> None:
    """Collect paid work: JOB is an id (its beginning will do), a job's text file, or nothing for all.

    Never submits, but with --retry-unknown, which pays again.

    \b
    imagegen resume
    imagegen resume 3f2a91c0 -o fox.png
    imagegen resume job.json --json
    """
    saving.check_target(output, force)
    rows, failed = [], 0
    again = _to_retry(job, yes) if retry_unknown else []
    jobs = again if retry_unknown else [named(job)] if job else _collectable()
    if not jobs:
        showing.tell("nothing with an unknown outcome" if retry_unknown else "no open jobs")
    for each in jobs:
        try:
            with waiting.progress(f"collecting {each[:8]}"):
                result = using.client().resume(each, **asking.keywords_of(given), retry_unknown=retry_unknown)
        except ImageGenError as error:
            if job:
                raise
            failed += 1
            showing.tell(f"{each[:8]}: {error.message}")
            continue
        saved = saving.save(result, output, force)
        rows.append(result.to_dict() | {"job": each, "files": [str(path) for path in saved]})
        if not as_json:
            showing.show_result(result, saved)
    if as_json:
        showing.show_json(rows)
    if failed:
        raise SystemExit(1)


def named(job: str) -> str:
    """The text that a file holds, or the id itself."""
    path = Path(job)
    return path.read_text() if path.is_file() else job


def _collectable() -> list[str]:
    """Every open job, nearest expiry first."""
    return list(dict.fromkeys(unit.job for unit in using.client().jobs() if unit.collectable))


def _to_retry(job: str | None, yes: bool) -> list[str]:
    """The jobs to pay for again, after the user was told what each may cost."""
    unknown = [unit for unit in using.client().jobs() if unit.state == "unknown"]
    if job is not None:
        unknown = [unit for unit in unknown if job and unit.job.startswith(job)]
        if len({unit.job for unit in unknown}) > 1:
            raise ConfigurationError(f"several jobs begin with {job!r}: name one")
    return [each for each in dict.fromkeys(unit.job for unit in unknown) if yes or _consent(each, unknown)]


def _consent(job: str, unknown: list[OpenUnit]) -> bool:
    units = [unit for unit in unknown if unit.job == job]
    amounts = [unit.at_most_usd for unit in units]
    known = sum((each for each in amounts if each is not None), Decimal(0))
    cost = "an unknown amount" if None in amounts else showing.dollars(known)
    again = f"{units[0].model} {job[:8]} may have been billed; paying again costs up to {cost} more. Submit it again?"
    return click.confirm(again, err=True)
