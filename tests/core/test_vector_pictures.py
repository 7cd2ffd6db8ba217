"""Vector pictures can hold scripts and links: they are kept byte for byte, and nothing in them is ever run or drawn."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from core.serving import client, png

from imagegen import notebook, pictures
from imagegen.testing.faults import Answer, FaultServer

pytestmark = pytest.mark.anyio
EVIL = (
    b'<?xml version="1.0"?>\r\n<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'
    b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" onload="alert(1)">'
    b'<script>alert(1)</script><image href="http://127.0.0.1/x"/><foreignObject><iframe src="javascript:alert(1)"/>'
    b"</foreignObject><text>&x;</text></svg>\n"
)
ALLOWED = {"div", "figure", "img", "figcaption", "ul", "li"}


class Seen(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")


def answer(data: bytes) -> Answer:
    return Answer({"created": 1, "data": [{"b64_json": base64.b64encode(data).decode()}]})


@pytest.mark.parametrize("verify", ["header", "decode"])
async def test_vector_picture_arrives_and_is_saved_as_it_came(tmp_path, verify):
    """Neither drawn nor cleaned: its bytes are the provider's, its suffix says what it is."""
    async with FaultServer(answer(EVIL)) as server, client(server) as asking:
        result = await asking.generate("a fox", model="openai:gpt-image-2", verify=verify, save_to=tmp_path / "to")
    assert result.image.media_type == "image/svg+xml"
    assert result.image.path is not None
    assert result.image.path.name == "image.svg"
    assert result.image.save(tmp_path / "a.png").name == "a.svg"
    assert (tmp_path / "a.svg").read_bytes() == result.image.path.read_bytes() == EVIL
    with pytest.raises(ValueError, match="cannot decode"):
        result.image.pil()


async def test_notebook_shows_a_vector_picture_as_an_image_only():
    """In an image element no script of its runs and nothing of it is fetched; none of its text is part of the page."""
    async with FaultServer(answer(EVIL)) as server, client(server) as asking:
        result = await asking.generate("a fox", model="openai:gpt-image-2")
    seen = Seen(result._repr_html_())
    assert set(seen.tags) <= ALLOWED
    (source,) = seen.attributes["src"]
    assert source == f"data:image/svg+xml;base64,{base64.b64encode(EVIL).decode()}"
    assert set(seen.attributes) <= {"src", "alt", "style"}


def test_notebook_shows_no_large_vector_picture():
    """It cannot be made smaller without drawing it, and a notebook stays small."""
    data = EVIL.replace(b"</svg>", b"<!-- " + b"x" * 600_000 + b" --></svg>")
    assert pictures.read_facts(memoryview(data)).whole
    assert Seen(notebook.figure(memoryview(data), "image/svg+xml", "a")).attributes["src"] == ["data:,"]


async def test_words_of_a_provider_are_no_part_of_the_page():
    """Model names and messages are text, whatever they look like."""
    words = "<script>alert(1)</script><img src=x onerror=alert(1)>'\""
    body = {"created": 1, "data": [{"b64_json": base64.b64encode(png()).decode()}, {"b64_json": ""}], "model": words}
    async with FaultServer(Answer(json.dumps(body).encode(), headers={"content-type": "application/json"})) as server:
        async with client(server) as asking:
            result = await asking.generate(words, model="openai:gpt-image-2", n=2)
    result = replace(result, answered_by=words, warnings=(words,))
    assert set(Seen(result._repr_html_()).tags) <= ALLOWED
    seen = Seen(notebook.figure(memoryview(png()), "image/png", words))
    assert (seen.tags, seen.attributes["alt"]) == (["figure", "img", "figcaption"], [words])
