"""What the bytes are: type, size, alpha, whether the container is whole; and the fence around decoders.

`read_facts` trusts nothing but the bytes and decodes nothing. `decode` alone decodes.
"""

from imagegen.pictures.decoding import decode, full_check, orientation
from imagegen.pictures.facts import FORMATS, MAX_BYTES, MAX_PIXELS, SUFFIXES, Facts, NotAPictureError
from imagegen.pictures.reading import read_facts

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "SUFFIXES",
    "Facts",
    "NotAPictureError",
    "decode",
    "full_check",
    "orientation",
    "read_facts",
]
