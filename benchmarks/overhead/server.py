"""The provider of the benchmarks: a process of its own that answers with bodies built before, over plain sockets.

    python benchmarks/overhead/server.py SIZE...

Prints its port. ``POST /SIZE/v1/images/generations`` answers in OpenAI's shape, ``POST /SIZE/draw`` in that of the
plugin in ``tests/plugin``; both with one PNG of seeded noise, whose bytes `picture` makes again.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import random
import socket
import struct
import sys
import zlib

_CHUNK = 64 << 10
_BACKLOG = 1024


@functools.cache
def picture(size: int) -> bytes:
    """A whole PNG of about ``size`` bytes: noise, stored uncompressed, in chunks as Pillow writes them."""
    width = 16 if size < 10_000 else 1024
    row = 1 + 3 * width
    noise, height = random.Random(size), max(1, (size - 100) // row)
    rows = b"".join(b"\0" + noise.randbytes(row - 1) for _ in range(height))
    data = zlib.compress(rows, 0)
    parts = [_part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    parts += [_part(b"IDAT", data[start : start + _CHUNK]) for start in range(0, len(data), _CHUNK)]
    return b"".join([b"\x89PNG\r\n\x1a\n", *parts, _part(b"IEND", b"")])


def _part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def answers(size: int) -> dict[str, memoryview]:
    """A whole answer for each path, head and body."""
    text = base64.b64encode(picture(size))
    usage = (
        b'"usage":{"input_tokens":12,"input_tokens_details":{"image_tokens":0,"text_tokens":12},"output_tokens":196,'
        b'"output_tokens_details":{"image_tokens":196,"text_tokens":0},"total_tokens":208}'
    )
    openai = b'{"created":1763800000,"background":"opaque","data":[{"b64_json":"%b"}],' % text
    openai += b'"output_format":"png","quality":"low","size":"1024x1024",%b}' % usage
    return {
        f"/{size}/v1/images/generations": _answer(openai),
        f"/{size}/draw": _answer(b'{"pictures":[{"data":"%b"}],"price":"0.03"}' % text),
    }


def _answer(body: bytes) -> memoryview:
    head = (
        b"HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 12:00:00 GMT\r\ncontent-type: application/json\r\n"
        b"x-request-id: req_benchmark\r\nopenai-processing-ms: 1\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    return memoryview(head + body)


async def serve(sizes: list[int]) -> None:
    """Listen on loopback until the process is ended."""
    prepared = {path: body for size in sizes for path, body in answers(size).items()}
    loop, talks = asyncio.get_running_loop(), set()
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listening:
        listening.setblocking(False)
        print(listening.getsockname()[1], flush=True)
        while True:
            connected, _ = await loop.sock_accept(listening)
            connected.setblocking(False)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = asyncio.create_task(_talk(connected, prepared))
            talks.add(talk)
            talk.add_done_callback(talks.discard)


async def _talk(connected: socket.socket, prepared: dict[str, memoryview]) -> None:
    """One connection: request after request, until the other side closes."""
    loop, left = asyncio.get_running_loop(), b""
    with connected:
        while True:
            while (end := left.find(b"\r\n\r\n")) < 0:
                if not (more := await loop.sock_recv(connected, 65536)):
                    return
                left += more
            head, left = left[:end].lower(), left[end + 4 :]
            length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
            while len(left) < length:
                left += await loop.sock_recv(connected, 65536)
            left = left[length:]
            await loop.sock_sendall(connected, prepared[head.split(b" ", 2)[1].decode()])


if __name__ == "__main__":
    asyncio.run(serve([int(each) for each in sys.argv[1:]]))
