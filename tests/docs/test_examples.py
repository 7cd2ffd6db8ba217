"""Every Python example of the pages for application developers, executed as it stands."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path

import pytest
from fakes.openai import fake_openai
from PIL import Image, ImageDraw

import imagegen

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/tour.md", "docs/streaming.md", "docs/errors-and-money.md", "docs/money-safety.md"]
PAGES += ["docs/testing.md", "docs/comparing.md"]


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page, tmp_path, monkeypatch):
    """The examples of a page run in order, in a folder with a picture and a mask; OpenAI is our strict fake."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    assert blocks
    Image.new("RGB", (128, 96), "orange").save(tmp_path / "fox.png")
    mask = Image.new("L", (128, 96), 0)
    ImageDraw.Draw(mask).rectangle((10, 10, 50, 40), fill=255)
    mask.save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    with fake_openai(key="sk-example-0123456789") as server, asyncio.Runner() as runner:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-example-0123456789")
        try:
            for block in blocks:
                code = compile(block, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                found = eval(code, names)
                if inspect.iscoroutine(found):
                    runner.run(found)
        finally:
            imagegen.configure()  # the default client lets go of the fake before it stops
