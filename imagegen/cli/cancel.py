"""``imagegen cancel``."""

from __future__ import annotations

import click

from imagegen.cli import showing, using
from imagegen.cli.resume import named


@click.command()
@click.argument("job")
def cancel(job: str) -> None:
    """Stop JOB (an id, its beginning, or a job's text file) at its provider. It may be billed all the same.

    \b
    imagegen cancel 3f2a91c0
    imagegen cancel job.json
    """
    using.client().cancel(named(job))
    showing.tell(f"{job}: stopped; it may be billed all the same")
