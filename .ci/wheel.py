"""Hold the wheel against the tracked files: it carries every one of the packages, nothing else, and no ``.pth``."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path


def main(folder: Path) -> int:
    """Compare; 1 where they differ."""
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    tracked = subprocess.run(
        ["git", "ls-files", "imagegen", "providers/imagegen_providers"], capture_output=True, text=True, check=True
    ).stdout.split()
    expected = {name.removeprefix("providers/") for name in tracked}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    problems = [f"missing: {name}" for name in sorted(expected - held)]
    problems += [f"not tracked: {name}" for name in sorted(held - expected)]
    problems += [f"runs at start-up: {name}" for name in held if name.endswith(".pth")]
    print("\n".join(problems) or f"{wheel.name}: {len(held)} files, as tracked; {sdist.name} is there")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
