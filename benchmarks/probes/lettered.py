"""Pictures with text and known truth: fonts, sizes, angles, noise, JPEG, and one-character faults."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from random import Random

from cases import Case, coded
from PIL import Image, ImageDraw, ImageFont

WORDS = [
    "apple",
    "river",
    "window",
    "garden",
    "silver",
    "planet",
    "jacket",
    "hammer",
    "guitar",
    "bottle",
    "candle",
    "forest",
    "market",
    "bridge",
    "pocket",
    "summer",
    "winter",
    "yellow",
    "orange",
    "purple",
    "rocket",
    "castle",
    "dragon",
    "flower",
    "mirror",
    "island",
    "coffee",
    "butter",
    "cheese",
    "lemon",
    "tiger",
    "zebra",
    "Monday",
    "Friday",
    "October",
    "Berlin",
    "London",
    "Madrid",
    "OPEN",
    "CLOSED",
    "SALE",
    "FRESH",
    "BREAD",
    "STOP",
    "EXIT",
    "HELLO",
    "WELCOME",
    "Street",
    "Avenue",
    "No.",
    "42",
    "1984",
    "2026",
    "50%",
    "$19.99",
    "24/7",
    "A4",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog",
    "Grand",
    "Opening",
    "Today",
    "Happy",
    "Birthday",
]
CHINESE = [
    "欢迎来到北京",
    "新年快乐",
    "生日快乐",
    "今日特价",
    "营业时间",
    "图书馆",
    "咖啡店",
    "火车站",
    "出口",
    "入口",
    "安全第一",
    "请勿吸烟",
    "学习汉语",
    "美丽的花园",
    "春夏秋冬",
    "山水画",
    "中国制造",
    "科学技术",
    "健康生活",
    "音乐会",
    "电影院",
    "博物馆",
    "红色的苹果",
    "蓝色天空",
    "我爱读书",
    "明天见",
]
JAPANESE = [
    "こんにちは",
    "ありがとう",
    "いらっしゃいませ",
    "コーヒー",
    "ラーメン",
    "東京タワー",
    "日本語",
    "お茶をどうぞ",
    "営業中",
    "準備中",
    "本日のおすすめ",
    "カレーライス",
    "さくら",
    "駅前通り",
    "おはようございます",
    "チョコレート",
    "富士山",
    "温泉旅館",
    "ようこそ",
    "出口はこちら",
]
_ALIKE = {
    "O": "Q0", "o": "ae", "e": "co", "a": "eo", "n": "hm", "h": "nb", "m": "n", "u": "v", "v": "uy", "i": "j", "t": "f",
    "E": "F", "F": "E", "B": "8R", "S": "5", "G": "C", "C": "G", "r": "n", "d": "b", "p": "q", "g": "q", "R": "P",
    "1": "7", "8": "3", "9": "4", "5": "6",
}  # fmt: skip
_SIZES = (8, 9, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 44, 48, 52)
_ANGLES = (0, 0, 0, 8, -15, 30, 90, 180)
_CANVASES = (480, 640, 640, 768, 1024)


def text_cases(count: int, seed: int) -> list[Case]:
    """So many pictures; every second one has a fault of one character."""
    return [_case(at, Random(f"text {seed} {at}")) for at in range(count)]


def _case(at: int, chance: Random) -> Case:
    language = chance.choice(("en", "en", "en", "zh", "zh", "ja"))
    text = _text(language, chance)
    right = at % 2 == 0
    shown = text if right else spoilt(text, language, chance)
    size_px, angle, canvas = chance.choice(_SIZES), chance.choice(_ANGLES), chance.choice(_CANVASES)
    if canvas == 1024:
        size_px = max(size_px, 12)
    image = _painted(shown, language, size_px, angle, canvas, chance)
    strain = chance.choice(("clean", "clean", "noise", "jpeg", "webp"))
    expectation = {"strings": [text], "language": language, "angle": angle % 360, "height": size_px}
    about = f"{language}, {size_px} px, {angle} degrees, {canvas} px canvas, {strain}: {shown}"
    kind = f"{language} {'small' if size_px < 14 else 'usual'}"
    return Case(coded(image, strain, chance), right, expectation, about, kind)


def _text(language: str, chance: Random) -> str:
    if language == "en":
        return " ".join(chance.choice(WORDS) for _ in range(chance.choice((1, 1, 2, 2, 3))))
    return chance.choice(CHINESE if language == "zh" else JAPANESE)


def spoilt(text: str, language: str, chance: Random) -> str:
    """One character replaced by one alike, doubled, left out, or exchanged with its neighbour."""
    for _ in range(100):
        at = chance.randrange(len(text))
        how = chance.choice(("alike", "doubled", "missing", "swapped"))
        if text[at] == " " and how != "swapped":
            continue
        new = {
            "alike": text[:at] + _alike(text[at], language, chance) + text[at + 1 :],
            "doubled": text[: at + 1] + text[at:],
            "missing": text[:at] + text[at + 1 :],
            "swapped": text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :],
        }[how]
        if " ".join(new.split()) not in (text, ""):
            return " ".join(new.split())
    raise AssertionError(text)


def _alike(character: str, language: str, chance: Random) -> str:
    if language == "en":
        return chance.choice(_ALIKE.get(character, "xkz"))
    return chance.choice("".join(CHINESE if language == "zh" else JAPANESE))


def _painted(text: str, language: str, size_px: int, angle: int, canvas: int, chance: Random) -> Image.Image:
    ground = chance.choice(
        ((255, 255, 255), (255, 255, 255), (245, 240, 225), (30, 34, 48), (200, 220, 255), (150, 30, 30))
    )
    ink = (20, 20, 20) if sum(ground) > 450 else (245, 245, 245)
    if chance.random() < 0.2:
        ink = chance.choice(((20, 60, 160), (120, 20, 20), (0, 90, 40))) if sum(ground) > 450 else (250, 230, 90)
    font = _font(language, size_px, chance)
    left, top, right, bottom = font.getbbox(text)
    if right - left > 0.9 * canvas:
        font = font.font_variant(size=max(8, int(size_px * 0.9 * canvas / (right - left))))
        left, top, right, bottom = font.getbbox(text)
    mask = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
    ImageDraw.Draw(mask).text((4 - left, 4 - top), text, fill=255, font=font)
    mask = mask.rotate(-angle, Image.Resampling.BICUBIC, expand=True)
    image = Image.new("RGB", (canvas, canvas), ground)
    at = chance.randint(4, max(4, canvas - mask.width - 4)), chance.randint(4, max(4, canvas - mask.height - 4))
    image.paste(Image.new("RGB", mask.size, ink), at, mask)
    return image


def _font(language: str, size_px: int, chance: Random) -> ImageFont.FreeTypeFont:
    if language != "en":
        path = resources.files("manimgx_fonts_cjk") / "NotoSansCJK-VF.otf.ttc"
        font = ImageFont.truetype(str(path), size_px, index=0 if language == "ja" else 2)
        font.set_variation_by_axes([chance.choice((350, 400, 500, 700))])
        return font
    name = chance.choice(list(_LATIN))
    font = ImageFont.truetype(str(Path(str(resources.files(name))) / _LATIN[name]), size_px)
    axes = font.get_variation_axes()
    font.set_variation_by_axes([_axis(axis, chance) for axis in axes])
    return font


_LATIN = {
    "fontpkg_open_sans": "files/OpenSans[wdth,wght].ttf",
    "fontpkg_bitter": "files/Bitter[wght].ttf",
    "fontpkg_arimo": "files/Arimo[wght].ttf",
    "manimgx_fonts": "NotoSans-Italic[wght].ttf",
}


def _axis(axis: ImageFont.Axis, chance: Random) -> float:
    low, high = float(axis["minimum"] or 0), float(axis["maximum"] or 0)
    if axis.get("name") == b"Weight":
        return min(high, max(low, chance.choice((400.0, 500.0, 600.0, 700.0))))
    return chance.choice((0.5 * low + 0.5 * high, high))
