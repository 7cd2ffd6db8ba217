"""``python -m imagegen.demo``: a picture from nothing, with what it cost and how long it took. No key, no network."""

from __future__ import annotations

from pathlib import Path

import click

import imagegen

PROMPT = 'a lighthouse at dusk, with the words "HELLO WORLD"'


def main() -> None:
    """Make one picture with the stub and say where it is."""
    folder = Path("demo")
    result = imagegen.generate(PROMPT, model="stub:painter", seed=7, save_to=folder)
    click.echo(f"picture:  {result.image.path}")
    click.echo(f"prompt:   {PROMPT}")
    click.echo(f"size:     {result.image.width}x{result.image.height} {result.image.media_type}")
    click.echo(f"cost:     {result.cost}")
    click.echo(f"time:     {result.latency.total_s:.2f} s")


if __name__ == "__main__":
    main()
