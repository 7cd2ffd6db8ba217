"""A process that makes one call and dies at a named point of the order of writes, or does not.

``python crashing.py '{"url": ..., "ledger": ..., "model": ..., "point": ..., "keys": [...], "acme": ...}'``
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

POINTS = {
    "before the intent": ("imagegen.ledger.store", "Store.begin", "before"),
    "after the intent": ("imagegen.ledger.store", "Store.begin", "after"),
    "after the answer": ("imagegen.jobs", "receipt", "before"),
    "before the handle": ("imagegen.ledger.store", "Store.accepted", "before"),
    "after the handle": ("imagegen.ledger.store", "Store.accepted", "after"),
    "before the first poll": ("imagegen.jobs", "ask_state", "before"),
    "before the download": ("imagegen.jobs", "download", "before"),
    "before the picture is written": ("imagegen.ledger.files", "Folder.keep", "before"),
    "before the picture is flushed": ("imagegen.ledger.files", "give_name", "before"),
    "between flush and rename": ("imagegen.files", "_Folder.replace", "before"),
    "between rename and flush of the folder": ("imagegen.files", "_Folder.replace", "after"),
    "after the picture is kept": ("imagegen.ledger.files", "Folder.keep", "after"),
    "before it is stored": ("imagegen.ledger.store", "Store.finish", "before"),
    "after it is stored": ("imagegen.ledger.store", "Store.finish", "after"),
}
DIED = 77


def die_at(point: str) -> None:
    """Make this process end, without any clearing up, at ``point``."""
    import importlib

    module, path, when = POINTS[point]
    home: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for each in outer:
        home = getattr(home, each)
    inner = getattr(home, name)

    def dying(*arguments: Any, **keywords: Any) -> Any:
        if when == "before":
            os._exit(DIED)
        inner(*arguments, **keywords)
        os._exit(DIED)

    setattr(home, name, dying)


def main() -> None:
    import imagegen

    given = json.loads(sys.argv[1])
    sys.path.append(given["acme"])
    if given.get("point"):
        die_at(given["point"])
    connection = {name: imagegen.Connection(api_key=given["secret"], base_url=given["url"]) for name in given["names"]}
    with imagegen.Client(connections=connection, ledger=given["ledger"], timeout_s=20) as client:
        for key in given["keys"]:
            try:
                client.generate(f"{given['prompt']} {key}", model=given["model"], key=key)
            except imagegen.ImageGenError as error:
                print(type(error).__name__, error)


if __name__ == "__main__":
    main()
