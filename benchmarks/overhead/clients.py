"""The clients that are compared: each draws a picture of a size into memory, or saves one to a folder."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pybase64

PROMPT, MODEL, KEY = "a red fox in the snow", "gpt-image-2", "sk-benchmark"
SIZES = (1_000, 1_500_000, 6_000_000, 20_000_000)
_MARK = b'"b64_json":"'


class Client(Protocol):
    """What is asked of every client."""

    async def draw(self, size: int) -> bytes | memoryview:
        """A picture of about so many bytes."""
        ...

    async def save(self, size: int, folder: Path) -> Path:
        """The same, put into a file."""
        ...

    async def close(self) -> None: ...


class Httpx2:
    """The lean reference: one request over httpx2, the value behind a known key decoded while it arrives."""

    def __init__(self, url: str) -> None:
        import httpx2

        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
        self._url = url
        self._client = httpx2.AsyncClient(timeout=60, limits=limits)

    async def draw(self, size: int) -> memoryview:
        end = 0
        async with self._answer(size) as response:
            block = memoryview(bytearray(int(response.headers["content-length"]) * 3 // 4))
            async for piece in _pieces(response):
                block[end : end + len(piece)] = piece
                end += len(piece)
        return block[:end]

    async def save(self, size: int, folder: Path) -> Path:
        path = _new_file(folder)
        with path.open("wb") as file:
            async with self._answer(size) as response:
                async for piece in _pieces(response):
                    file.write(piece)
        return path

    @contextlib.asynccontextmanager
    async def _answer(self, size: int) -> AsyncIterator[Any]:
        body, headers = {"model": MODEL, "prompt": PROMPT}, {"authorization": f"Bearer {KEY}"}
        path = f"{self._url}/{size}/v1/images/generations"
        async with self._client.stream("POST", path, json=body, headers=headers) as response:
            yield response.raise_for_status()

    async def close(self) -> None:
        await self._client.aclose()


async def _pieces(response: Any) -> AsyncIterator[bytes]:
    """The picture's bytes as they come; fails where the JSON around them is not whole."""
    before, after, left, inside = b"", b"", b"", False
    async for chunk in response.aiter_bytes():
        start = 0
        if not inside and not after:
            chunk = before + chunk
            start = chunk.find(_MARK) + len(_MARK)
            inside = start >= len(_MARK)
            before = chunk[:start] if inside else chunk
        if inside:
            quote = chunk.find(b'"', start)
            stop = len(chunk) if quote < 0 else quote
            middle = min(stop, start + -len(left) % 4)
            last = middle + (stop - middle) // 4 * 4
            if left:
                yield pybase64.b64decode(left + chunk[start:middle], validate=True)
            yield pybase64.b64decode(memoryview(chunk)[middle:last], validate=True)
            left, start, inside = chunk[last:stop], stop, quote < 0
        if not inside and before.endswith(_MARK):
            after += chunk[start:]
    json.loads(before + after)


class OpenAI:
    """openai-python, as its documentation has it."""

    def __init__(self, url: str) -> None:
        import openai

        self._clients = {size: openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}/{size}/v1") for size in SIZES}

    async def draw(self, size: int) -> bytes:
        found = await self._clients[size].images.generate(model=MODEL, prompt=PROMPT)
        return base64.b64decode(found.data[0].b64_json)

    async def save(self, size: int, folder: Path) -> Path:
        path = _new_file(folder)
        path.write_bytes(await self.draw(size))
        return path

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


class Imagegen:
    """imagegen as it comes, over one of its providers. The server knows a size by its address: a connection a size."""

    def __init__(self, url: str, provider: str, model: str, path: str) -> None:
        import imagegen

        self._names = {size: f"{provider}-{size}:{model}" for size in SIZES}
        connections: Mapping[str, imagegen.Connection] = {
            f"{provider}-{size}": imagegen.Connection(provider, api_key=KEY, base_url=f"{url}/{size}{path}")
            for size in SIZES
        }
        self._client = imagegen.AsyncClient(connections=connections)

    async def draw(self, size: int) -> bytes:
        return (await self._client.generate(PROMPT, model=self._names[size])).image.data

    async def save(self, size: int, folder: Path) -> Path:
        path = (await self._client.generate(PROMPT, model=self._names[size], save_to=folder)).image.path
        assert path is not None
        return path

    async def close(self) -> None:
        await self._client.close()


CLIENTS: dict[str, Callable[[str], Client]] = {
    "httpx2": Httpx2,
    "openai-python": OpenAI,
    "imagegen openai": lambda url: Imagegen(url, "openai", MODEL, "/v1"),
    "imagegen plain": lambda url: Imagegen(url, "acme", "sketch", ""),
}
"""``plain`` is the plugin of ``tests/plugin``: a provider over plain HTTP, without an SDK."""


def _new_file(folder: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=folder)
    os.close(handle)
    return Path(name)
