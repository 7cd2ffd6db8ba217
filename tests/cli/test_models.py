"""``imagegen models``: what it lists, what its filters mean, and what it does not load for that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal

import pytest

import imagegen
from imagegen import listing

MACHINERY = ("pydantic", "httpx2", "httpcore2", "openai", "PIL", "asyncio", "ssl", "pluggy", "pybase64", "rich")
LISTS = """
import json, sys
from imagegen.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def listed(*arguments: str) -> tuple[list[dict], set[str]]:
    """The rows that ``imagegen models ... --json`` prints in a process of its own, and the modules it loaded."""
    command = [sys.executable, "-c", LISTS, "models", *arguments, "--json"]
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # the tests' own plugin too
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=surroundings)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return json.loads(done.stdout), set(modules)


def names(**asked) -> set[str]:
    """The models that are all that is asked."""
    return {model.name for model in imagegen.models(**asked)}


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ((), {}),
        (("--operation", "edit"), {"operation": "edit"}),
        (("--mask",), {"mask": True}),
        (("--transparent",), {"transparent": True}),
        (("--max-usd", "0.01"), {"max_usd": "0.01"}),
        (("--provider", "openai", "--all"), {"provider": "openai", "retired": True}),
        (
            ("--operation", "edit", "--mask", "--transparent", "--max-usd", "0.02"),
            {"operation": "edit", "mask": True, "transparent": True, "max_usd": Decimal("0.02")},
        ),
    ],
)
def test_command_and_function_agree_and_load_no_machinery(arguments, keywords):
    """Every filter lists what the function gives, and loads no provider, HTTP, pydantic or imaging module."""
    rows, modules = listed(*arguments)
    assert [row["model"] for row in rows] == [model.name for model in imagegen.models(**keywords)]
    assert rows
    assert not [name for name in MACHINERY if name in modules]
    assert not [name for name in modules if name.startswith("imagegen_providers.")]


def test_rows_say_what_the_filters_look_at():
    """A row has the model's name, what it can do, its price in words and in USD, and its status."""
    rows = {row["model"]: row for row in listed("--provider", "stub")[0]}
    assert rows["stub:slow"] == {
        "model": "stub:slow",
        "operations": ["generate", "edit"],
        "price": "$0.05 / image",
        "status": "current",
        "shutdown": None,
        "replacement": None,
        "mask": True,
        "transparent": True,
        "cheapest_usd": "0.05",
    }


def test_filters_mean_what_the_catalogue_says():
    """What is listed has what was asked for, what is not lacks it."""
    every = {model.name: model.capabilities for model in imagegen.models()}
    edits = names(operation="edit")
    assert edits == {name for name, can in every.items() if "edit" in can.operations}
    assert names(mask=True) == {name for name, can in every.items() if can.mask}
    transparent = names(transparent=True)
    backgrounds = {name: can.parameters["background"] for name, can in every.items() if "background" in can.parameters}
    assert transparent == {name for name, rule in backgrounds.items() if "transparent" in rule.values}
    assert names(operation="edit", transparent=True) == edits & transparent
    assert names(transparent=False) == set(every) - transparent


def test_price_filter_is_inclusive_and_unknown_never_passes():
    """A model passes at exactly its cheapest price, not below; one without a known price at no price."""
    usd = {model.name: listing.cheapest_usd(model) for model in imagegen.models()}
    unknown = {name for name, amount in usd.items() if amount is None}
    assert unknown
    assert not unknown & names(max_usd=1_000_000)
    assert "stub:slow" in names(max_usd="0.05")
    assert "stub:slow" not in names(max_usd="0.049999")


def test_price_is_of_the_operation_that_is_asked():
    """An edit pays for its input picture too: the limit is compared with that where edits or masks are asked for."""
    name = "xai:grok-imagine-image"
    assert name in names(max_usd="0.02")
    assert name not in names(operation="edit", max_usd="0.02")
    (flare,) = (model for model in imagegen.models(provider="openai") if model.id == "gpt-image-2.5-flare")
    between = listing.cheapest_usd(flare, "generate")
    assert between < listing.cheapest_usd(flare, "edit")
    assert flare in imagegen.models(max_usd=between)
    assert flare not in imagegen.models(max_usd=between, mask=True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--max-usd", "cheap"), 1, "max_usd is an amount in USD"),
        (("--max-usd", "-1"), 1, "max_usd is an amount in USD"),
        (("--provider", "opnai"), 1, "did you mean openai"),
        (("--operation", "paint"), 2, "paint"),
        (("--masks",), 2, "--mask"),
    ],
)
def test_bad_input_is_told(arguments, code, said):
    """A bad value is one line and exit code 1, a bad flag is usage and exit code 2, as in every command."""
    done = subprocess.run(
        [sys.executable, "-m", "imagegen", "models", *arguments], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert code == 2 or len(done.stderr.strip().splitlines()) == 1


def test_function_refuses_what_is_no_operation():
    """A misspelt operation is an error, not an empty list."""
    with pytest.raises(imagegen.ConfigurationError, match="generate, edit"):
        imagegen.models(operation="paint")
