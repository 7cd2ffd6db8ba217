"""Named faults, each worked into a copy of a provider: the suite has to be red for every one.

``python tests/mutations.py`` tries them all; `tests/conformance/test_mutations.py` does so in the test run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PROVIDERS = HERE.parent / "providers" / "imagegen_providers"
_HEAD = """

# The fault.
import dataclasses as _dataclasses
import imagegen as _imagegen


def _spoil(name):
    def change(spoilt):
        inside = []  # a method that calls its parent's is spoilt once, not twice

        def once(whole, bad):
            def method(self, *asked):
                if inside:
                    return whole(self, *asked)
                inside.append(True)
                try:
                    return bad(self, *asked)
                finally:
                    inside.pop()
            return method

        for each in list(globals().values()):
            if isinstance(each, type) and issubclass(each, _imagegen.HttpProvider) and (
                name in vars(each) or name == "auth" and each is not _imagegen.HttpProvider
            ):
                whole = getattr(each, name)
                setattr(each, name, once(whole, spoilt(whole)))
    return change


def _changed(task, **fields):
    return _dataclasses.replace(task, request=task.request.with_fields(fields))
"""
FAULTS = {
    "the mask's polarity is flipped": (
        "mask_repaints",
        """
@_spoil("edit")
def _flipped(edit):
    def spoilt(self, task):
        from PIL import ImageOps
        if task.request.mask is None:
            return edit(self, task)
        turned = ImageOps.invert(task.request.mask.pil().convert("L"))
        return edit(self, _changed(task, mask=_imagegen.ImageInput.of(turned)))
    return spoilt
""",
    ),
    "the key goes to a foreign host": (
        "no_host_and_no_key or key_goes or key_is_shown",
        """
@_spoil("generate")
def _elsewhere(generate):
    def spoilt(self, task):
        wire = generate(self, task)
        return _dataclasses.replace(wire, path="https://collector.example.com" + wire.path)
    return spoilt
""",
    ),
    "the key goes to where pictures lie": (
        "key_is_shown or key_goes",
        """
_seen = []

@_spoil("auth")
def _noted(auth):
    def spoilt(self, key, endpoint):
        _seen.append(key.reveal())
        return auth(self, key, endpoint)
    return spoilt

def _with_key(read):
    def spoilt(self, *asked):
        found = read(self, *asked)
        if not isinstance(found, _imagegen.Output):
            return found
        images = [_dataclasses.replace(each, url=each.url + "?" + _seen[-1]) if isinstance(each, _imagegen.ImageUrl)
                  else each for each in found.images]
        return _dataclasses.replace(found, images=images)
    return spoilt

for _name in ("parse", "parse_poll", "parse_result"):
    _spoil(_name)(_with_key)
""",
    ),
    "a poll submits again": (
        "call_gives_a_picture",
        """
_submitted = []

@_spoil("generate")
def _kept(generate):
    def spoilt(self, task):
        wire = generate(self, task)
        _submitted.append(wire)
        return wire
    return spoilt

@_spoil("poll")
def _again(poll):
    def spoilt(self, job):
        return _submitted.pop() if _submitted else poll(self, job)
    return spoilt
""",
    ),
    "a refusal is read as success": (
        "refusal_is_final",
        """
_PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e3660000"
    "000049454e44ae426082"
)

def _fooled(read):
    def spoilt(self, reply, about):
        try:
            found = read(self, reply, about)
        except _imagegen.ModerationError:
            return _imagegen.Output([_PICTURE])
        if isinstance(found, _imagegen.Output):
            images = [_PICTURE if isinstance(each, _imagegen.ModerationError) else each for each in found.images]
            return _dataclasses.replace(found, images=images)
        return found
    return spoilt

for _name in ("parse", "parse_poll", "parse_result", "parse_billed_error"):
    _spoil(_name)(_fooled)

@_spoil("read_error")
def _plain(read_error):
    def spoilt(self, reply):
        found = read_error(self, reply)
        return _imagegen.ProviderError(found.message) if isinstance(found, _imagegen.ModerationError) else found
    return spoilt

@_spoil("read_end")
def _plain_end(read_end):
    def spoilt(self, reply, wire, job):
        found = read_end(self, reply, wire, job)
        return _imagegen.ProviderError(found.message) if isinstance(found, _imagegen.ModerationError) else found
    return spoilt
""",
    ),
    "a field is dropped in silence": (
        "dropped_in_silence",
        """
_DROPPED = {"seed": None, "quality": None, "size": None, "aspect_ratio": None, "output_format": None}

@_spoil("generate")
def _forgetful(generate):
    return lambda self, task: generate(self, _changed(task, **_DROPPED))
""",
    ),
}
"""What the fault is, to the tests that must see it (as pytest's ``-k``) and the text that is added to the module."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """One provider's suite and what it can be held to."""

    module: str
    """Below ``imagegen_providers``."""
    test: str
    """Below ``tests/conformance``."""
    has_mask: bool = True
    has_jobs: bool = False
    has_refusals: bool = True
    has_links: bool = False
    """Pictures lie at another address, which must not get the key."""

    def faults(self) -> list[str]:
        """The faults that its suite has to see."""
        without = {"the mask's polarity is flipped": self.has_mask, "a poll submits again": self.has_jobs}
        without |= {
            "a refusal is read as success": self.has_refusals,
            "the key goes to where pictures lie": self.has_links,
        }
        return [name for name in FAULTS if without.get(name, True)]


SUSPECTS = [
    Suspect("bfl", "test_bfl.py::TestBFL", has_jobs=True, has_links=True),
    Suspect("fal", "test_fal.py::TestFal", has_jobs=True, has_links=True),
    Suspect("replicate", "test_replicate.py::TestReplicate", has_jobs=True, has_links=True),
    Suspect("fireworks", "test_fireworks.py::TestFireworks", has_mask=False),
    Suspect("fireworks", "test_fireworks.py::TestFireworksJobs", has_mask=False, has_jobs=True, has_refusals=False),
    Suspect("google", "test_google.py::TestGoogle", has_mask=False),
    Suspect("openai", "test_openai.py::TestOpenAI"),
    Suspect("openrouter", "test_openrouter.py::TestOpenRouter", has_mask=False),
    Suspect("xai", "test_xai.py::TestXAI", has_mask=False),
    Suspect("compatible", "test_compatible.py::TestTogether", has_mask=False),
    Suspect("compatible", "test_compatible.py::TestDeepInfra"),
    Suspect("compatible", "test_compatible.py::TestLocalAI", has_refusals=False),
    Suspect("compatible", "test_compatible.py::TestSDCpp", has_refusals=False),
    Suspect("compatible", "test_compatible.py::TestVllmOmni", has_mask=False, has_refusals=False),
    Suspect("compatible", "test_compatible.py::TestLiteLLM", has_refusals=False),
]


def suite_with(suspect: Suspect, fault: str | None) -> subprocess.CompletedProcess[str]:
    """The tests that must see ``fault``, run in a process that has the spoilt copy; None: an unspoilt one."""
    tests, text = FAULTS[fault] if fault else (" or ".join(tests for tests, _ in FAULTS.values()), "")
    with tempfile.TemporaryDirectory() as folder:
        copied = shutil.copytree(PROVIDERS, Path(folder) / PROVIDERS.name)
        module = copied / f"{suspect.module}.py"
        module = module if module.exists() else copied / suspect.module / "__init__.py"
        module.write_text(module.read_text() + _HEAD + text)
        path = os.pathsep.join([folder, str(HERE), str(HERE.parent)])
        quiet = ["-q", "-x", "--noconftest", "-c", os.devnull, "-p", "no:cacheprovider", "--import-mode=importlib"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *quiet, "-k", tests, str(HERE / "conformance" / suspect.test)],
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            cwd=folder,
            check=False,
        )


def main() -> int:
    """Try every fault on every provider; exit code 1 if a suite missed one."""
    missed = 0
    for suspect in SUSPECTS:
        for fault in suspect.faults():
            run = suite_with(suspect, fault)
            seen = run.returncode == 1
            missed += not seen
            last = next((line for line in run.stdout.splitlines() if line.startswith("FAILED")), "")
            print(f"{'seen  ' if seen else 'MISSED'} {suspect.test}: {fault} {last[:160]}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
