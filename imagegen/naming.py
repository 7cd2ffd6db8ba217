"""File names that came from elsewhere: only what is one name on every system passes."""

from __future__ import annotations

import unicodedata

_MOST_BYTES = 200
"""Of a name: 255 are what most file systems take, and a number or a suffix may join it."""
_SIGNS = frozenset(" -_.,+=@()[]")
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"}
)
"""Names that Windows keeps for devices, whatever follows after a dot."""


def checked_name(text: str) -> str:
    """``text``, in composed form (NFC), where it can only be the name of a file in the folder it is put in.

    Raises:
        ValueError: It has a separator or an odd sign, is a device's name, begins or ends unsafely, or is too long.
    """
    name = unicodedata.normalize("NFC", text)
    if not all(sign in _SIGNS or unicodedata.category(sign)[0] in "LMN" for sign in name):
        raise ValueError("a file name with signs that no name of ours has")
    if not name or name[0] in " .-" or name[-1] in " .":
        raise ValueError("a file name that is empty, hidden, an option, or ends in a dot")
    if name.partition(".")[0].rstrip().upper() in _DEVICES:
        raise ValueError("a file name that stands for a device")
    if len(name.encode()) > _MOST_BYTES:
        raise ValueError(f"a file name of more than {_MOST_BYTES} bytes")
    return name
