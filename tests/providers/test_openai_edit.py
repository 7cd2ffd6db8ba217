"""OpenAI's edits: the translation against samples, and the real client against the strict fake."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai import FakeOpenAI, fake_openai
from fakes.openai_inputs import SIZE, area, half_and_half, png, transparent_where
from fakes.openai_painting import PAINT
from PIL import Image, ImageChops, ImageDraw

import imagegen
from imagegen import Connection, ImageRequest, Reply, Task, UnsupportedError, Usage
from imagegen_providers.openai import OpenAI, OpenAIOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
OWN = Path(__file__).parent / "wire" / "openai"
COLLECTED = Path(__file__).parents[3] / "shared" / "wire" / "openai"
"""Recordings of others, which are not part of the project."""
KEY = "sk-test-0000000000000000"
MODEL = "openai:gpt-image-2"
URL = "https://pictures.example/a.png"


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeOpenAI]:
    with fake_openai(key=KEY) as found:
        yield found


@pytest.fixture
def server(listening: FakeOpenAI) -> FakeOpenAI:
    """The fake, as if just started."""
    listening.forget()
    listening.elsewhere = {URL: png(), "file-1": png(), "file-mask": png(transparent_where())}
    return listening


def client(server: FakeOpenAI, **settings: Any) -> imagegen.AsyncClient:
    connection = Connection(api_key=KEY, base_url=server.base_url)
    return imagegen.AsyncClient(connections={"openai": connection}, **{"timeout_s": 30, **settings})


# The translation, against samples.


def sample(name: str, folder: Path = OWN) -> dict[str, Any]:
    if not (folder / name).is_file():
        pytest.skip(f"no collected samples beside the project: {name}")
    return json.loads((folder / name).read_text())


def task_of(fields: dict[str, Any], **pictures: Any) -> Task:
    """The task that a sample's fields are the translation of."""
    rest = {name: value for name, value in fields.items() if name not in ("model", "n", *OpenAIOptions.model_fields)}
    own = {name: value for name, value in fields.items() if name in OpenAIOptions.model_fields}
    options = {**own, **{name: pictures.pop(name) for name in [*pictures] if name in OpenAIOptions.model_fields}}
    request = ImageRequest(**rest, **pictures)
    return Task(
        request, fields["model"], "edit", n=int(fields["n"]), options=OpenAIOptions(**options) if options else None
    )


@pytest.mark.parametrize("folder", [OWN, COLLECTED], ids=["own", "collected"])
def test_form_is_that_of_the_sample(folder, tmp_path):
    """Every field as text, every file under its name; the mask says the same in OpenAI's polarity."""
    wanted = sample("edit_multipart.json", folder)["request"]["parts"]
    files = [part for part in wanted if "file_b64" in part]
    for part in files:
        (tmp_path / part["filename"]).write_bytes(base64.b64decode(part["file_b64"]))
    *paths, mask_path = (tmp_path / part["filename"] for part in files)
    with Image.open(mask_path) as sent:
        white = Image.new("L", sent.size, 255)
    fields = {part["name"]: part["value"] for part in wanted if "value" in part}
    wire = OpenAI().wire(task_of(fields, images=paths, mask=white))
    assert (wire.method, wire.path, wire.form) == ("POST", "/images/edits", fields)
    assert [name for name, _ in wire.files] == [part["name"] for part in files]
    assert [picture.media_type for _, picture in wire.files] == [part["content_type"] for part in files]
    assert [picture.filename for _, picture in wire.files[:-1]] == [path.name for path in paths]
    assert wire.files[-1][1].pil().getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize("folder", [OWN, COLLECTED], ids=["own", "collected"])
def test_json_is_that_of_the_sample(folder):
    """References instead of files, to the last member."""
    wanted = sample("edit_json_body.json", folder)["request"]["body"]
    fields = {name: value for name, value in wanted.items() if name not in ("images", "mask")}
    urls = [each["image_url"] for each in wanted["images"] if "image_url" in each]
    ids = [each["file_id"] for each in wanted["images"] if "file_id" in each]
    wire = OpenAI().wire(task_of(fields, images=urls, image_file_ids=ids, mask_file_id=wanted["mask"]["file_id"]))
    assert (wire.path, wire.form, wire.json) == ("/images/edits", None, wanted)


@pytest.mark.parametrize("name", ["edit_multipart.json", "edit_json_body.json"])
@pytest.mark.parametrize("folder", [OWN, COLLECTED], ids=["own", "collected"])
def test_answer_to_an_edit_counts_its_pictures(name, folder):
    """Input tokens of pictures and of text apart."""
    body = sample(name, folder)["response"]["body"]
    output = OpenAI().parse(Reply.of(body), Task(ImageRequest(prompt="a", images=[png()]), "gpt-image-2", "edit"))
    counted = body["usage"]["input_tokens_details"]
    assert len(output.images) == 1
    assert (output.usage.text_input_tokens, output.usage.image_input_tokens) == (
        counted["text_tokens"],
        counted["image_tokens"],
    )


def test_recorded_answer_to_an_edit():
    """A recording: one picture, echo, nothing counted."""
    body = sample("edit_recorded_ai-sdk.json", COLLECTED)["response"]["body"]
    output = OpenAI().parse(Reply.of(body), Task(ImageRequest(prompt="a", images=[png()]), "gpt-image-2", "edit"))
    assert output.images[0].read().startswith(b"\x89PNG")
    assert (output.usage, output.echo["quality"]) == (None, "high")


def test_input_that_is_not_counted_apart_is_left_open():
    """Whether input tokens were text or picture nobody can tell where an edit's answer does not."""
    body = {"data": [{"b64_json": "AAAA"}], "usage": {"input_tokens": 900, "output_tokens": 196}}
    output = OpenAI().parse(Reply.of(body), Task(ImageRequest(prompt="a", images=[png()]), "gpt-image-2", "edit"))
    assert output.usage == Usage(image_output_tokens=196)


# Pictures of every kind, through the client.


def sources(count: int, kind: str, folder: Path) -> list[Any]:
    """``count`` pictures of different sizes, handed in as ``kind``."""
    drawn = [half_and_half((64 + number, 64)) for number in range(count)]
    if kind == "pil":
        return drawn
    if kind == "bytes":
        return [png(each) for each in drawn]
    if kind == "data url":
        return [f"data:image/webp;base64,{base64.b64encode(png(each, 'WEBP')).decode()}" for each in drawn]
    paths = [folder / f"picture {number} ä.jpg" for number in range(count)]
    for path, each in zip(paths, drawn, strict=True):
        path.write_bytes(png(each, "JPEG"))
    return paths


@pytest.mark.parametrize("count", [1, 2, 16])
@pytest.mark.parametrize("kind", ["path", "bytes", "pil", "data url"])
async def test_pictures_arrive_in_order_and_whole(server, tmp_path, count, kind):
    """Each as a file part with its type, one as ``image``, several as ``image[]``; the bytes are the caller's."""
    given = sources(count, kind, tmp_path)
    async with client(server) as asking:
        result = await asking.edit("make it night", images=given, model=MODEL, quality="low")
    uploads = server.requests[0].uploads
    assert {each.name for each in uploads} == {"image" if count == 1 else "image[]"}
    assert [each.opened().size for each in uploads] == [(64 + number, 64) for number in range(count)]
    if kind == "path":
        assert [each.content for each in uploads] == [path.read_bytes() for path in given]
        assert [each.filename for each in uploads] == [path.name for path in given]
    elif kind == "bytes":
        assert [each.content for each in uploads] == given
    assert server.requests[0].body == {"prompt": "make it night", "model": "gpt-image-2", "quality": "low"}
    assert server.requests[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert (server.submits, result.usage.image_input_tokens > 0) == (1, True)


@pytest.mark.parametrize("model", ["gpt-image-2", "gpt-image-1.5", "gpt-image-1-mini", "gpt-image-2.6-flare"])
async def test_cost_of_an_edit_lies_in_what_the_plan_said(server, model):
    """Two pictures of two given: the bill is within the plan's bounds."""
    asked: dict[str, Any] = {"images": [png(), png()], "model": f"openai:{model}", "quality": "low", "n": 2}
    async with client(server) as asking:
        plan = asking.plan("a fox", **asked)
        result = await asking.edit("a fox", **asked)
    assert len(result.images) == 2
    assert plan.cost.known_usd <= result.cost.known_usd <= plan.cost.at_most_usd
    assert result.usage.image_input_tokens == server_count(server)


def server_count(server: FakeOpenAI) -> int:
    """What the fake's rules count for the pictures of its only request, twice."""
    from fakes.openai_rules import input_tokens

    model = server.requests[0].body["model"]
    family = "first" if model.startswith("gpt-image-1") else "2"
    return 2 * sum(input_tokens({"resolved": family}, *each.opened().size) for each in server.requests[0].uploads)


async def test_picture_behind_a_url_goes_as_json(server):
    """What OpenAI can fetch is named, and what is here goes beside it as a data URL."""
    async with client(server) as asking:
        await asking.edit("a fox", images=[URL, png()], mask=area(), model=MODEL, size="1024x640")
    body = server.requests[0].body
    assert body["images"] == [
        {"image_url": URL},
        {"image_url": f"data:image/png;base64,{base64.b64encode(png()).decode()}"},
    ]
    assert body["mask"]["image_url"].startswith("data:image/png;base64,")
    assert (server.requests[0].headers["content-type"], server.billed) == ("application/json", 1)


async def test_pictures_that_lie_at_openai_are_named(server):
    """File ids come after the request's own pictures; a mask may lie there too."""
    options = OpenAIOptions(image_file_ids=("file-1",), mask_file_id="file-mask")
    async with client(server) as asking:
        result = await asking.edit("a fox", images=[png()], model=MODEL, options=[options], size="1024x640")
    assert server.requests[0].body["images"][1] == {"file_id": "file-1"}
    assert repainted(result) == area().tobytes()


# What a mask means.


def repainted(result: imagegen.ImageResult) -> bytes:
    """Where the result has the fake's paint, as white on black; everywhere else it must be the picture that was given.

    The comparison is pixel by pixel over both areas.
    """
    got = result.image.pil().convert("RGB")
    paint = Image.new("RGB", got.size, PAINT)
    painted = ImageChops.difference(got, paint).convert("L").point(lambda value: 0 if value else 255)
    untouched = ImageChops.composite(Image.new("RGB", got.size), ImageChops.difference(got, half_and_half()), painted)
    assert untouched.getbbox() is None
    return painted.tobytes()


MASKS = {
    "white on black": area,
    "one bit": lambda: area().convert("1"),
    "palette": lambda: area().convert("RGB").quantize(2),
    "opaque, white on black": lambda: area().convert("RGBA"),
    "jpeg": lambda: png(area(), "JPEG", quality=95),
    "transparent in black": transparent_where,
    "16 bits": lambda: Image.frombytes("I;16", SIZE, b"".join(bytes([value, value]) for value in area().tobytes())),
}


@pytest.mark.parametrize("name", list(MASKS))
async def test_white_repaints_and_black_stays(server, name):
    """Outside the mask's white nothing changes, inside everything does; one with alpha repaints where it is clear."""
    async with client(server) as asking:
        result = await asking.edit("a hat", images=[png()], mask=MASKS[name](), model=MODEL, size="1024x640")
    assert repainted(result) == area().tobytes()
    assert [each.name for each in server.requests[0].uploads] == ["image", "mask"]
    assert result.warnings == ()


async def test_mask_applies_to_the_first_of_several(server):
    """Other pictures may have other sizes."""
    images = [png(), png(half_and_half((64, 64)))]
    async with client(server) as asking:
        result = await asking.edit("a hat", images=images, mask=area(), model=MODEL, size="1024x640")
    assert repainted(result) == area().tobytes()


@pytest.mark.parametrize(("shade", "what"), [(0, "nothing"), (255, "everything")])
async def test_mask_that_says_nothing_is_warned_of(server, shade, what):
    """It is sent as asked; the plan and the result say what it means."""
    asked: dict[str, Any] = {"images": [png()], "mask": Image.new("L", SIZE, shade), "model": MODEL}
    async with client(server) as asking:
        plan = asking.plan("a hat", **asked)
        result = await asking.edit("a hat", size="1024x640", **asked)
    for warnings in (plan.warnings, result.warnings):
        assert any(what in each for each in warnings)
    assert repainted(result) == Image.new("L", SIZE, shade).tobytes()


async def test_picture_that_exif_turns_is_sent_upright(server):
    """The provider sees what the caller sees, and the mask fits it; what was done is told."""
    turned = half_and_half().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    given = png(turned, "JPEG", exif=exif, quality=100, subsampling=0)
    async with client(server) as asking:
        result = await asking.edit("a hat", images=[given], mask=area(), model=MODEL, size="1024x640")
    assert server.requests[0].uploads[0].opened().size == SIZE
    assert [each.field for each in result.adaptations] == ["images"]


# Options.


async def test_markup_goes_beside_the_picture(server):
    """A transparent drawing over the first picture; the fake puts it there."""
    drawing = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    ImageDraw.Draw(drawing).rectangle((10, 20, 200, 90), fill=(255, 0, 0, 255))
    async with client(server) as asking:
        result = await asking.edit(
            "as drawn",
            images=[png()],
            model="openai:gpt-image-2.6-flare",
            size="1024x640",
            options=[OpenAIOptions(markup=drawing)],
        )
    assert [each.name for each in server.requests[0].uploads] == ["image", "markup"]
    assert result.image.pil().getpixel((100, 50)) == (255, 0, 0)


async def test_markup_may_stand_in_json(server):
    """Beside a picture behind a URL it is a data URL."""
    drawing = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    async with client(server) as asking:
        await asking.edit(
            "a", images=[URL], model="openai:gpt-image-2.6-flare", options=[OpenAIOptions(markup=drawing)]
        )
    assert server.requests[0].body["markup"]["image_url"].startswith("data:image/png;base64,")


async def test_fidelity_and_moderation_are_form_fields(server):
    """Options of an edit that are words."""
    options = OpenAIOptions(input_fidelity="high", moderation="low")
    async with client(server) as asking:
        await asking.edit("a fox", images=[png()], model="openai:gpt-image-1.5", options=[options])
    assert {"input_fidelity": "high", "moderation": "low"}.items() <= server.requests[0].body.items()
    assert server.billed == 1


@pytest.mark.parametrize(("model", "fidelity"), [("gpt-image-1-mini", "high"), ("gpt-image-2", "low")])
async def test_fidelity_is_refused_where_the_model_has_none(server, model, fidelity):
    """Models that always keep close take no such word; the small one has one value."""
    async with client(server) as asking:
        with pytest.raises(UnsupportedError, match="input_fidelity"):
            await asking.edit(
                "a", images=[png()], model=f"openai:{model}", options={"openai": {"input_fidelity": fidelity}}
            )
    assert server.requests == []


async def test_nested_option_is_a_form_field(server):
    """``svg[model]``, as the SDK writes what is nested."""
    server.svg_author_selection = True
    author = {"model": "author-1", "reasoning": {"effort": "low"}}
    async with client(server) as asking:
        result = await asking.edit(
            "a logo", images=[png()], model="openai:gpt-image-2.6-flare", output_format="svg",
            options={"openai": {"svg": author}},
        )  # fmt: skip
    assert server.requests[0].body["svg"] == author
    assert result.image.media_type == "image/svg+xml"
