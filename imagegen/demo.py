"""``python -m imagegen.demo``: draws, edits and streams a picture with the stub. No key, no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import imagegen
from imagegen import Done, Partial

if TYPE_CHECKING:
    from imagegen import ImageResult

FOLDER = Path("demo")
MODEL = "stub:painter"
PROMPT = 'a lighthouse at dusk, with the words "HELLO WORLD"'


def main() -> None:
    """Make three pictures and say where they are, what they cost and how long they took."""
    FOLDER.mkdir(exist_ok=True)
    rows = []
    with imagegen.Client() as client:
        drawn = client.generate(PROMPT, model=MODEL, seed=7)
        picture = drawn.image.save(FOLDER / "lighthouse")
        rows.append(_row("generate", picture, drawn))
        edited = client.edit("make it night", images=[picture], model=MODEL, seed=7)
        rows.append(_row("edit", edited.image.save(FOLDER / "lighthouse-at-night"), edited))
        rows.append(_streamed(client))
    _show(rows)


def _streamed(client: imagegen.Client) -> tuple[str, ...]:
    unfinished = 0
    with client.stream("three red circles", model=MODEL, seed=7, partial_images=2) as events:
        for event in events:
            if isinstance(event, Partial):
                unfinished += 1
                (FOLDER / f"circles-unfinished-{unfinished}.png").write_bytes(event.content.read())
            if isinstance(event, Done):
                saved = event.result.image.save(FOLDER / "circles")
                return _row(f"stream ({unfinished} unfinished)", saved, event.result)
    raise AssertionError("a stream ends with Done or an error")


def _row(verb: str, path: Path, result: ImageResult) -> tuple[str, ...]:
    image = result.image
    return verb, str(path), f"{image.width}x{image.height}", str(result.cost), f"{result.latency.total_s:.2f} s"


def _show(rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "picture", "size", "cost", "time", title=f"{MODEL}, no key, no network")
    for row in rows:
        table.add_row(*row)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
