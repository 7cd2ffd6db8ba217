"""Edits and files with known truth: changes outside a mask of every kind; defects of files."""

from __future__ import annotations

from random import Random

import numpy as np
from cases import Case, saved
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter
from shaped import COLOURS, SHAPES, painted, placed


def locality_cases(count: int, seed: int) -> list[Case]:
    """Half of the edits keep what is outside the mask, bit by bit or through a codec; the others do not."""
    return [_edit(at, Random(f"edit {seed} {at}")) for at in range(count)]


def scene(side: int, chance: Random) -> Image.Image:
    """Something like a photograph: soft light, shapes, texture of several sizes."""
    numbers = np.random.default_rng(chance.randrange(2**31))
    layers = np.zeros((side, side, 3), dtype=np.float32)
    for cells, strength in ((4, 70), (12, 40), (40, 22), (side // 4, 10)):
        noise = numbers.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        large = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
        layers += (np.asarray(large, dtype=np.float32) - 128) / 128 * strength
    image = Image.fromarray(np.clip(layers + 128, 0, 255).astype(np.uint8))
    kinds = [(chance.choice(SHAPES), chance.choice(list(COLOURS))) for _ in range(4)]
    things = placed(kinds, side, chance, near=False)
    flat = painted(things, side, (255, 255, 255), False, chance)
    where = (
        ImageChops.difference(flat, Image.new("RGB", flat.size, "white"))
        .convert("L")
        .point(lambda v: 255 if v > 12 else 0)
    )
    image.paste(flat, (0, 0), where)
    return image


def _edit(at: int, chance: Random) -> Case:
    side = chance.choice((256, 384, 512))
    before = scene(side, chance)
    if chance.random() < 0.3:
        kinds = [(chance.choice(SHAPES), chance.choice(list(COLOURS))) for _ in range(4)]
        before = painted(placed(kinds, side, chance, near=False), side, (255, 255, 255), False, chance)
    mask = Image.new("L", (side, side), 0)
    left, top, size = chance.randint(20, side // 2), chance.randint(20, side // 2), chance.randint(side // 6, side // 3)
    ImageDraw.Draw(mask).ellipse((left, top, left + size, top + size), fill=255)
    after = before.copy()
    after.paste(chance.choice(((220, 40, 40), (40, 80, 220), (250, 220, 60))), (0, 0), mask)
    kind = chance.choice(_KEPT) if at % 2 == 0 else chance.choice(_CHANGED)
    data = _changed(after, kind, mask, chance)
    more = {"inputs": (saved(before, "PNG"),), "mask": saved(mask, "PNG")}
    return Case(data, at % 2 == 0, {}, f"{kind}, {side} px", kind, more)


_KEPT = ("identical", "jpeg", "webp", "soft mask")
_CHANGED = ("brighter", "colder", "moved 1", "moved 4", "zoomed", "leak", "small leak", "redrawn")


def _changed(after: Image.Image, kind: str, mask: Image.Image, chance: Random) -> bytes:
    side = after.width
    match kind:
        case "jpeg":
            return saved(after, "JPEG", quality=chance.choice((80, 90, 95)))
        case "webp":
            return saved(after, "WEBP", quality=chance.choice((80, 90)))
        case "soft mask":
            soft = mask.filter(ImageFilter.GaussianBlur(1.5))
            after.paste(after.filter(ImageFilter.GaussianBlur(0.6)), (0, 0), ImageChops.subtract(soft, mask))
        case "brighter":
            after = ImageEnhance.Brightness(after).enhance(chance.choice((0.9, 1.06, 1.12)))
        case "colder":
            red, green, blue = after.split()
            after = Image.merge(
                "RGB", (red.point(lambda v: v * 0.93), green, blue.point(lambda v: min(255, v * 1.06 + 4)))
            )
        case "moved 1" | "moved 4":
            step = int(kind[-1])
            after = ImageChops.offset(after, chance.choice((-step, step)), chance.choice((0, step)))
        case "zoomed":
            edge = chance.randint(4, 12)
            after = after.crop((edge, edge, side - edge, side - edge)).resize((side, side), Image.Resampling.BICUBIC)
        case "leak" | "small leak":
            after = _leaked(after, mask, kind == "leak", chance)
        case "redrawn":
            after.paste(scene(side, chance), (0, 0), ImageChops.invert(mask))
    if kind in ("brighter", "colder", "leak", "small leak", "moved 1", "moved 4") and chance.random() < 0.4:
        return saved(after, "JPEG", quality=92)
    return saved(after, "PNG")


def _leaked(after: Image.Image, mask: Image.Image, large: bool, chance: Random) -> Image.Image:
    """A patch of another colour outside the mask; the small one is a thousandth of the picture."""
    size = chance.randint(30, 60) if large else max(8, round(0.032 * after.width))
    while True:
        left, top = chance.randint(4, after.width - size - 4), chance.randint(4, after.width - size - 4)
        box = (left, top, left + size, top + size)
        if mask.crop((left - 12, top - 12, left + size + 12, top + size + 12)).getextrema()[1] == 0:
            break
    red, green, blue = after.crop(box).resize((1, 1)).getpixel((0, 0))
    away = tuple((value + 128) % 256 if large else (value + 90) % 256 for value in (red, green, blue))
    after.paste(away, box)
    return after


def technical_cases(count: int, seed: int) -> list[Case]:
    """Half of the files are as asked, each of the others has one defect."""
    return [_file(at, Random(f"file {seed} {at}")) for at in range(count)]


_DEFECTS = ("size", "format", "opaque", "blank", "noise", "duplicate", "cut short")


def _file(at: int, chance: Random) -> Case:
    side = chance.choice((256, 384, 512))
    defect = "none" if at % 2 == 0 else chance.choice(_DEFECTS)
    kind = chance.choice(("PNG", "JPEG", "WEBP"))
    clear = defect == "opaque" or (defect == "none" and kind != "JPEG" and chance.random() < 0.3)
    kind = "PNG" if clear and kind == "JPEG" else kind
    image = _picture(side, chance)
    siblings = [saved(_picture(side, chance), "JPEG", quality=90) for _ in range(chance.choice((0, 1, 2)))]
    request = {"size": f"{side}x{side}", "output_format": kind.lower(), "background": "transparent" if clear else None}
    if defect == "duplicate":
        siblings.append(saved(image, chance.choice(("JPEG", "PNG", "WEBP"))))
    if defect == "size":
        image = image.resize((side, side - 2 * chance.randint(1, 40)))
    if defect == "blank":
        image = _noise(side, chance, chance.choice((0, 1)), chance.randint(0, 255))
    if defect == "noise":
        image = _noise(side, chance, chance.choice((30, 60, 90)), 128)
    if clear and defect != "opaque":
        image.putalpha(Image.radial_gradient("L").resize((side, side)).point(lambda v: 0 if v > 140 else 255))
    if defect == "format":
        kind = chance.choice([each for each in ("PNG", "JPEG", "WEBP") if each.lower() != request["output_format"]])
    data = saved(image, kind)
    if defect == "cut short":
        data = data[: chance.randint(len(data) // 3, len(data) - 20)]
    return Case(
        data, at % 2 == 0, {}, f"{defect}, {kind}, {side} px", defect, {"request": request, "siblings": tuple(siblings)}
    )


def _picture(side: int, chance: Random) -> Image.Image:
    if chance.random() < 0.5:
        return scene(side, chance)
    kinds = [(chance.choice(SHAPES), chance.choice(list(COLOURS))) for _ in range(chance.randint(1, 5))]
    return painted(placed(kinds, side, chance, near=False), side, (255, 255, 255), False, chance)


def _noise(side: int, chance: Random, sigma: float, level: int) -> Image.Image:
    noise = np.random.default_rng(chance.randrange(2**31)).normal(level, sigma, (side, side, 3))
    return Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
