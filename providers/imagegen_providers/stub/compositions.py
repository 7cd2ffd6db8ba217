"""Pictures for prompts in which nothing was counted or quoted: quiet landscapes in harmonious colours.

A prompt's words choose the light ("dusk", "snow") and the motif ("sea", "city"); chance chooses what they leave open.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from imagegen_providers.stub.sheet import Light, Point, Sheet
from imagegen_providers.stub.words import RGB, mixed

if TYPE_CHECKING:
    from random import Random

    from PIL import Image

LIGHTS: Sequence[Light] = (
    Light("night midnight moon moonlit stars starry galaxy space dark", ((8, 12, 34), (22, 34, 80), (70, 88, 146)),
          (48, 64, 112), (8, 12, 28), (238, 241, 255), stars=True),
    Light("dusk sunset evening twilight lantern fire", ((44, 34, 88), (198, 88, 112), (255, 190, 122)),
          (158, 84, 122), (36, 22, 56), (255, 228, 164)),
    Light("dawn sunrise morning mist fog pink", ((92, 124, 182), (242, 178, 176), (255, 234, 206)),
          (172, 150, 188), (58, 70, 108), (255, 246, 220)),
    Light("snow snowy winter ice frost cold arctic fox", ((126, 158, 194), (196, 214, 230), (247, 240, 234)),
          (150, 174, 202), (247, 250, 253), (255, 252, 240)),
    Light("autumn fall october leaves harvest", ((112, 152, 182), (240, 214, 170), (252, 236, 206)),
          (212, 158, 108), (104, 44, 28), (255, 250, 224)),
    Light("desert dune dunes sand canyon hot", ((94, 160, 198), (250, 214, 166), (255, 238, 208)),
          (234, 180, 124), (146, 66, 42), (255, 250, 228)),
    Light("green spring meadow jungle garden moss", ((140, 192, 196), (212, 232, 208), (250, 247, 222)),
          (140, 184, 156), (20, 62, 52), (255, 252, 226)),
    Light("day noon summer blue sky sunny beach", ((62, 136, 206), (146, 202, 234), (236, 246, 246)),
          (128, 178, 196), (30, 88, 92), (255, 248, 214)),
)  # fmt: skip


def composition_of(words: str, chance: Random, size: tuple[int, int]) -> Image.Image:
    """A composition (``RGB``) for the words of a prompt; the same for the same chance."""
    light = _light_for(words) or chance.choice(LIGHTS)
    motif = _motif_for(words) or chance.choice(list(MOTIFS.values()))
    sheet = Sheet(size, light, chance)
    motif(sheet)
    for draw in dict.fromkeys(draw for word, draw in _SUBJECTS.items() if word in _each(words)):
        draw(sheet)
    return sheet.image


def is_asked_for(words: str) -> bool:
    """Whether the words say anything of what a composition shows."""
    return _light_for(words) is not None or _motif_for(words) is not None


def _light_for(words: str) -> Light | None:
    return next((light for light in LIGHTS if _each(words) & _each(light.words)), None)


def _motif_for(words: str) -> Callable[[Sheet], None] | None:
    return next((motif for its_words, motif in MOTIFS.items() if _each(words) & _each(its_words)), None)


def _each(words: str) -> set[str]:
    return set(re.findall(r"\w+", words.lower()))


def _hills(sheet: Sheet) -> None:
    _sky(sheet)
    for nearness, base in _ridges(sheet, 5):
        sheet.ridge(_rolling(sheet.chance), base, 0.07 * sheet.short, _misty(sheet, nearness))


def _mountains(sheet: Sheet) -> None:
    _sky(sheet)
    for number, (nearness, base) in enumerate(_ridges(sheet, 5)):
        profile = _jagged(sheet.chance) if number < 3 else _rolling(sheet.chance)
        height = (0.2, 0.17, 0.12, 0.06, 0.06)[number]
        sheet.ridge(profile, base, height * sheet.short, _misty(sheet, nearness))


def _forest(sheet: Sheet) -> None:
    _sky(sheet)
    for number, (nearness, base) in enumerate(_ridges(sheet, 4)):
        profile, height = _rolling(sheet.chance), 0.06 * sheet.short
        if number:
            trees = list(_conifers(sheet, profile, base, height, 0.05 + 0.05 * number))
            sheet.fill(trees, sheet.tone(nearness))
        sheet.ridge(profile, base, height, _misty(sheet, nearness))


def _sea(sheet: Sheet) -> None:
    x = _sky(sheet, low=True)
    light, bottom = sheet.light, float(sheet.height)
    island = _rolling(sheet.chance)
    sheet.ridge(
        lambda at: island(at) - 0.4, sheet.horizon + 0.02 * sheet.short, 0.06 * sheet.short, _misty(sheet, 0.25)
    )
    shallow = mixed(mixed(light.sky[1], light.sky[2], 0.4), light.near, 0.15)
    water = [(0.0, sheet.horizon), (sheet.width, sheet.horizon), (sheet.width, bottom), (0.0, bottom)]
    sheet.fill([water], shallow, mixed(shallow, sheet.ink, 0.45), mixed(light.sky[0], sheet.ink, 0.6))
    for outline, share in _glitter(sheet, x):
        sheet.fill([outline], mixed(light.glow, shallow, share))


def _city(sheet: Sheet) -> None:
    _sky(sheet)
    for number, nearness in enumerate((0.1, 0.45, 0.9)):
        tone = mixed(sheet.tone(nearness), sheet.ink, 0.5 * nearness)
        houses = list(_houses(sheet, 0.5 - 0.11 * number))
        sheet.fill(houses, tone, mixed(tone, sheet.light.sky[2], 0.25 * (1 - nearness)))
        windows = [window for house in houses for window in _windows(sheet, house)]
        if number and windows:
            sheet.fill(windows, mixed(_LAMPLIGHT, tone, 0.25))


def _waves(sheet: Sheet) -> None:
    """Bands that fill the whole picture."""
    sheet.disc(*_sun(sheet, 0.24, 0.13), sheet.light.glow)
    count = 9
    for number in range(count):
        base = sheet.height * (0.3 + 0.75 * number / count)
        nearness = number / (count - 1)
        top = mixed(sheet.tone(nearness), sheet.light.glow, 0.3 * (number % 2))
        sheet.ridge(_rolling(sheet.chance), base, 0.05 * sheet.short, (top, mixed(top, sheet.light.sky[1], 0.35)))


def _spheres(sheet: Sheet) -> None:
    """Soft discs of many sizes, the large ones behind."""
    light, chance = sheet.light, sheet.chance
    tones = [light.far, light.near, light.glow, light.sky[0], light.sky[2], mixed(light.far, light.glow, 0.5)]
    for radius in sorted((chance.uniform(0.05, 0.3) for _ in range(16)), reverse=True):
        x, y = chance.uniform(0, sheet.width), chance.uniform(0, sheet.height)
        sheet.disc(x, y, radius * sheet.short, chance.choice(tones), strength=chance.uniform(0.35, 0.75))


_LAMPLIGHT = (255, 214, 140)
MOTIFS: Mapping[str, Callable[[Sheet], None]] = {
    "sea ocean lighthouse boat ship sail lake beach harbour harbor island water coast": _sea,
    "city skyline street town night market buildings tower cyberpunk": _city,
    "forest tree trees wood woods pine fox wolf deer bear cabin snow": _forest,
    "mountain mountains peak alps volcano canyon eagle castle": _mountains,
    "wave waves pattern wallpaper desert dune dunes": _waves,
    "abstract bubbles balloons planets space logo sphere": _spheres,
    "hill hills field meadow landscape village sunset garden": _hills,
}
"""What is painted for which words; the first that fits."""


def _sky(sheet: Sheet, *, low: bool = False) -> float:
    """Stars if it is night, and the sun or the moon with its halo; where it stands across."""
    chance = sheet.chance
    if sheet.light.stars:
        for _ in range(70):
            x, y = chance.uniform(0, sheet.width), chance.uniform(0, 0.9 * sheet.horizon)
            sheet.disc(x, y, sheet.short * chance.choice((0.0012, 0.0016, 0.0026)), sheet.light.glow, strength=0.85)
    x, y, radius = _sun(sheet, chance.uniform(0.38, 0.5) if low else chance.uniform(0.2, 0.4), 0.07)
    sheet.halo(x, y, 6 * radius, 0.55)
    sheet.disc(x, y, radius, sheet.light.glow)
    return x


def _sun(sheet: Sheet, height: float, radius: float) -> tuple[float, float, float]:
    return sheet.width * sheet.chance.uniform(0.25, 0.75), sheet.height * height, sheet.short * radius


def _ridges(sheet: Sheet, count: int) -> Iterator[tuple[float, float]]:
    """The nearness and the height on the picture of ridges one behind the other, the farthest first."""
    for number in range(count):
        yield number / (count - 1), sheet.horizon + (sheet.height - sheet.horizon) * 0.92 * number / count


def _misty(sheet: Sheet, nearness: float) -> tuple[RGB, RGB]:
    """A ridge's colours: it fades into mist at its foot, the more the farther it is."""
    tone = sheet.tone(nearness)
    return tone, mixed(tone, sheet.light.sky[2], 0.55 * (1 - nearness) + 0.08)


def _rolling(chance: Random) -> Callable[[float], float]:
    """A soft skyline, -1 to 1, along the picture, 0 to 1."""
    waves = [(share, chance.uniform(*turns), chance.uniform(0, math.tau)) for share, turns in _WAVES]
    return lambda at: sum(share * math.sin(turns * at + phase) for share, turns, phase in waves)


_WAVES = ((0.6, (3.0, 6.0)), (0.28, (8.0, 13.0)), (0.12, (17.0, 26.0)))


def _jagged(chance: Random) -> Callable[[float], float]:
    """A rough skyline: midpoints pushed up and down, ever less."""
    heights, push = [chance.uniform(-0.4, 0.8) for _ in range(6)], 0.5
    while len(heights) < 100:
        between = [(a + b) / 2 + chance.uniform(-push, push) for a, b in itertools.pairwise(heights)]
        heights = [each for pair in zip(heights, [*between, 0.0], strict=True) for each in pair][:-1]
        push *= 0.48
    last = len(heights) - 1

    def profile(at: float) -> float:
        left = min(int(at * last), last - 1)
        share = at * last - left
        return heights[left] * (1 - share) + heights[left + 1] * share

    return profile


def _conifers(
    sheet: Sheet, profile: Callable[[float], float], base: float, height: float, size: float
) -> Iterator[list[Point]]:
    at = 0.0
    while at < 1:
        tall = size * sheet.short * sheet.chance.uniform(0.7, 1.3)
        x, foot = at * sheet.width, base - height * profile(at) + 0.03 * tall
        for tier in range(3):
            top, half = foot - tall * (1 - 0.25 * tier), tall * (0.13 + 0.06 * tier)
            yield [(x, top), (x + half, top + 0.5 * tall), (x - half, top + 0.5 * tall)]
        at += size * sheet.short / sheet.width * sheet.chance.uniform(0.3, 0.9)


def _glitter(sheet: Sheet, x: float) -> Iterator[tuple[list[Point], float]]:
    """The sun's way on the water: flat lozenges, wider towards us; and how much of the water shows through each."""
    depth = sheet.height - sheet.horizon
    for number in range(14):
        share = (number + 0.5) / 14
        y, half = sheet.horizon + depth * share**1.5, sheet.short * (0.05 + 0.1 * share) * sheet.chance.uniform(0.4, 1)
        middle, thick = x + sheet.short * sheet.chance.uniform(-0.03, 0.03), sheet.short * (0.002 + 0.005 * share)
        yield [(middle - half, y), (middle, y - thick), (middle + half, y), (middle, y + thick)], 0.15 + 0.6 * share


def _houses(sheet: Sheet, tallest: float) -> Iterator[list[Point]]:
    x, bottom = 0.0, float(sheet.height)
    while x < sheet.width:
        width = round(sheet.short * sheet.chance.uniform(0.06, 0.13))
        top = bottom - round(sheet.height * tallest * sheet.chance.uniform(0.45, 1))
        yield [(x, top), (x + width, top), (x + width, bottom), (x, bottom)]
        x += max(1, width) + round(sheet.short * sheet.chance.choice((0, 0, 0.01)))


def _windows(sheet: Sheet, house: Sequence[Point]) -> Iterator[list[Point]]:
    (left, top), _, (right, bottom), _ = house
    step, side = 0.024 * sheet.short, round(0.009 * sheet.short)
    if side < 1:
        return
    for row in range(1, int((bottom - top) / step)):
        for column in range(max(0, int((right - left) / step) - 1)):
            if sheet.chance.random() < 0.35:
                x, y = round(left + step * (column + 0.8)), round(top + step * row)
                yield [(x, y), (x + side, y), (x + side, y + 1.6 * side), (x, y + 1.6 * side)]


def _lighthouse(sheet: Sheet) -> None:
    x, foot, unit = sheet.width * 0.76, sheet.horizon + 0.1 * sheet.short, 0.01 * sheet.short
    rock = [(x - 17 * unit, foot + 6 * unit), (x - 9 * unit, foot - unit), (x + 6 * unit, foot - 2 * unit)]
    rock += [(x + 15 * unit, foot + 2 * unit), (x + 24 * unit, foot + 6 * unit)]
    lamp = foot - 38 * unit
    sheet.halo(x, lamp, 26 * unit, 0.8)
    pale = mixed(sheet.ink, (255, 250, 240), 0.75)
    for band in range(5):
        top, bottom = foot - (7 * band + 7) * unit, foot - 7 * band * unit
        upper, lower = (4.6 - 0.42 * (band + 1)) * unit, (4.6 - 0.42 * band) * unit
        outline = [(x - upper, top), (x + upper, top), (x + lower, bottom), (x - lower, bottom)]
        sheet.fill([outline], mixed((190, 50, 46), sheet.ink, 0.25) if band % 2 else pale)
    sheet.fill([_box(x, lamp + 2.6 * unit, 3.6 * unit, 0.6 * unit)], sheet.ink)
    sheet.fill([_box(x, lamp, 1.7 * unit, 2.2 * unit)], sheet.light.glow)
    sheet.fill(
        [[(x - 2.6 * unit, lamp - 2 * unit), (x, lamp - 5 * unit), (x + 2.6 * unit, lamp - 2 * unit)]], sheet.ink
    )
    sheet.fill([rock], sheet.ink)


def _boat(sheet: Sheet) -> None:
    x, water, unit = sheet.width * 0.34, sheet.horizon + 0.12 * sheet.short, 0.012 * sheet.short
    hull = [
        (x - 8 * unit, water - 2.4 * unit),
        (x + 8 * unit, water - 2.4 * unit),
        (x + 5.5 * unit, water),
        (x - 6 * unit, water),
    ]
    sheet.fill([hull], sheet.ink)
    sail, jib = mixed(sheet.light.glow, (255, 255, 255), 0.4), mixed(sheet.light.glow, sheet.light.far, 0.35)
    sheet.fill([[(x, water - 18 * unit), (x, water - 3.2 * unit), (x + 7 * unit, water - 3.2 * unit)]], sail)
    sheet.fill(
        [[(x - unit, water - 16 * unit), (x - unit, water - 3.2 * unit), (x - 6.5 * unit, water - 3.2 * unit)]], jib
    )


def _box(x: float, y: float, half_width: float, half_height: float) -> list[Point]:
    left, right, top, bottom = x - half_width, x + half_width, y - half_height, y + half_height
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


_SUBJECTS: Mapping[str, Callable[[Sheet], None]] = {
    "lighthouse": _lighthouse,
    "boat": _boat,
    "ship": _boat,
    "sail": _boat,
}
