"""What ``generate`` and ``edit`` do alike: run the call, show its progress, save what came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen import files, pictures
from imagegen.cli import asking, saving, showing, using, waiting
from imagegen.types.events import Done, ImageReady, Partial

if TYPE_CHECKING:
    from imagegen.blocking import Client
    from imagegen.types.picture import PictureData
    from imagegen.types.result import ImageResult


def draw(
    verb: str,
    prompt: str,
    *,
    output: Path | None,
    force: bool,
    as_json: bool,
    save_partials: Path | None,
    preview: bool,
    label: str | None,
    **given: Any,
) -> None:
    """Run ``verb`` on the client in use, save its pictures, and print what it cost."""
    saving.check_target(output, force)
    keywords = asking.keywords_of(given)
    prompt = asking.read_prompt(prompt)
    client = using.client(label)
    with waiting.progress(f"{verb} with {keywords['model'][0]}"):
        if preview or save_partials or keywords.get("partial_images"):
            result = _streamed(client, prompt, keywords, save_partials, preview)
        else:
            result = getattr(client, verb)(prompt, **keywords)
    saved = saving.save(result, output, force)
    if as_json:
        showing.show_json(result.to_dict() | {"files": [str(path) for path in saved]})
    else:
        showing.show_result(result, saved)


def _streamed(client: Client, prompt: str, keywords: dict[str, Any], folder: Path | None, preview: bool) -> ImageResult:
    """The same call as a stream: unfinished pictures are counted, kept and shown as they come."""
    if folder is not None:
        files.check_writable(folder)
    if "partial_images" not in keywords:
        keywords["partial_images"] = 2
    count = 0
    with client.stream(prompt, **keywords) as events:
        for event in events:
            if isinstance(event, Partial):
                count += 1
                where = f": {_keep(event.content, folder, count)}" if folder is not None else ""
                showing.tell(f"unfinished picture {count}{where}")
                _preview(event.content, preview)
            elif isinstance(event, ImageReady):
                _preview(event.image.content, preview)
            elif isinstance(event, Done):
                return event.result
    raise AssertionError("a stream ends with Done or an error")


def _keep(content: PictureData, folder: Path, number: int) -> Path:
    media_type = pictures.read_facts(content.view()).media_type
    target = folder / f"partial-{number}{pictures.SUFFIXES[media_type]}"
    files.write_atomic(target, content.view())
    return target


def _preview(content: PictureData, wanted: bool) -> None:
    if wanted:
        from imagegen.cli.preview import show

        show(content)
