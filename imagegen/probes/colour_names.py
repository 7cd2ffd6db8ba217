"""The colours that can be asked for, and what each may look like. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

RGB: TypeAlias = tuple[int, int, int]

PROTOTYPES: Mapping[str, tuple[RGB, ...]] = {
    "red": ((222, 38, 38), (255, 0, 0), (200, 20, 40), (178, 34, 34)),
    "dark red": ((139, 0, 0), (122, 21, 21)),
    "orange": ((247, 127, 0), (255, 165, 0), (255, 140, 0), (240, 110, 30)),
    "yellow": ((250, 208, 20), (255, 255, 0), (255, 221, 51), (255, 235, 59)),
    "light yellow": ((255, 245, 150),),
    "green": ((30, 155, 70), (0, 128, 0), (0, 200, 0), (0, 255, 0), (76, 175, 80), (34, 139, 34)),
    "dark green": ((0, 85, 20), (16, 85, 38)),
    "light green": ((144, 238, 144), (154, 210, 170)),
    "blue": ((35, 90, 225), (0, 0, 255), (30, 60, 200), (33, 120, 240), (65, 105, 225)),
    "dark blue": ((0, 0, 139), (19, 50, 124), (10, 30, 90)),
    "light blue": ((156, 181, 241), (120, 170, 250), (173, 216, 250)),
    "purple": ((125, 40, 200), (128, 0, 128), (148, 0, 211), (156, 39, 176)),
    "dark purple": ((69, 22, 110),),
    "light purple": ((197, 158, 230), (180, 130, 230)),
    "pink": ((245, 120, 185), (255, 105, 180), (255, 192, 203), (255, 20, 147)),
    "brown": ((122, 72, 34), (139, 69, 19), (101, 67, 33), (150, 85, 45)),
    "black": ((18, 18, 22), (0, 0, 0), (35, 35, 35)),
    "white": ((255, 255, 255), (240, 240, 240)),
    "gray": ((132, 132, 136), (128, 128, 128), (160, 160, 160), (96, 96, 96)),
    "light gray": ((200, 200, 202), (215, 215, 215)),
    "dark gray": ((70, 70, 72),),
    "cyan": ((0, 180, 210), (0, 255, 255), (0, 200, 200)),
    "dark cyan": ((0, 99, 115), (0, 128, 128)),
    "light cyan": ((140, 225, 235),),
}
SAME: Mapping[str, str] = {
    "grey": "gray",
    "violet": "purple",
    "turquoise": "cyan",
    "teal": "dark cyan",
    "navy": "dark blue",
    "maroon": "dark red",
    "crimson": "red",
    "gold": "yellow",
    "lime": "light green",
}


def base_of(name: str) -> str:
    """A colour's name without ``dark`` or ``light``."""
    return name.rpartition(" ")[2]


def known_colour(name: str) -> str:
    """The name under which a colour is known here.

    Raises:
        ValueError: It is not; the message lists those that are.
    """
    shade, _, base = name.lower().strip().rpartition(" ")
    base = SAME.get(base, base)
    found = f"{shade} {base}".strip() if shade in ("", "dark", "light") else ""
    if base_of(base) not in PROTOTYPES or not found:
        bases = sorted({base_of(each) for each in PROTOTYPES})
        raise ValueError(f"no colour is called {name!r}; there are: {', '.join(bases)}, each also dark or light")
    return found
