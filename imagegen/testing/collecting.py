"""A process of its own that collects a job: ``python -m imagegen.testing.collecting`` with JSON on standard input."""

from __future__ import annotations

import hashlib
import json
import sys

import imagegen


def main() -> None:
    """Print the digests of the pictures of the job on standard input."""
    told = json.load(sys.stdin)
    sys.path.extend(each for each in told["path"] if each not in sys.path)
    connection = imagegen.Connection(api_key=told["key"], base_url=told["base_url"])
    with imagegen.Client(connections={told["provider"]: connection}, spool=None, timeout_s=20) as client:
        result = client.resume(told["job"])
    json.dump([hashlib.sha256(each.data).hexdigest() for each in result.images], sys.stdout)


if __name__ == "__main__":
    main()
