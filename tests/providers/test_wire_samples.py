"""Every sample of a provider's requests and answers is used in both directions, or says here why it is not."""

from __future__ import annotations

import ast
import functools
import json
from pathlib import Path

import pytest
from samples import SHARED, WIRE

PROVIDERS = (
    *("bfl", "deepinfra", "fal", "fireworks", "google", "local", "openai", "openrouter", "replicate", "together"),
    "xai",
)
_NO_SUCH_PROVIDER = "an engine that no module here speaks to"
_INTERACTIONS = (
    "Google's other dialect, which no model needs: generateContent is fully supported, and the only one that is stable "
    "on Vertex (google-genai 3.4.0, read 2026-11-22)"
)
_RESPONSES = "the Responses API, where a picture is a tool's result: no code path asks for it"
UNUSED = {
    "fal/webhook_error_payload answer": "fal calls a server of the caller's: nothing of ours answers it",
    "google/interactions_text_to_image": _INTERACTIONS,
    "google/interactions_stream_events": _INTERACTIONS,
    "openai/batch_images": "a file of many requests, whose answers come within a day: no code path writes one",
    "openai/content_provenance_check": "no code path asks OpenAI whether a picture is its own",
    "openai/responses_image_tool_recorded_ai-sdk": _RESPONSES,
    "openai/responses_stream_recorded_ai-sdk.sse": _RESPONSES,
    "openrouter/models_listing": "which models there are is read from the catalogue: no code path asks for the list",
    **{
        f"local/a1111_{name}": _NO_SUCH_PROVIDER
        for name in ("error_404_sampler", "img2img_mask", "progress", "txt2img")
    },
    **{
        f"local/comfyui_{name}": _NO_SUCH_PROVIDER
        for name in (
            *("history_done", "history_failed", "prompt_rejected", "prompt_submit", "view_image", "websocket_frames"),
        )
    },
}
"""Why a sample, or one direction of it, is not used."""


def samples_of(provider: str) -> dict[str, Path]:
    """The files, those beside the checkout too where they are there."""
    folders = [folder / provider for folder in (SHARED, WIRE) if (folder / provider).is_dir()]
    return {
        path.name.removesuffix(".json"): path
        for folder in folders
        for path in folder.iterdir()
        if path.suffix in (".json", ".sse")
    }


def parts_of(path: Path) -> set[str]:
    """What a sample holds: a request, an answer, or both."""
    held = json.loads(path.read_text()) if path.suffix == ".json" else {}
    asked = {"request"} if held.get("request") else set()
    return asked | ({"answer"} if "response" in held or not asked else set())


class _Reads(ast.NodeVisitor):
    """What a piece of a test module names, and which part of a sample it reads."""

    def __init__(self, node: ast.AST) -> None:
        self.texts: set[str] = set()
        self.parts: set[str] = set()
        self.names: set[str] = set()
        self.visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.texts.add(node.value.removesuffix(".json"))

    def visit_Name(self, node: ast.Name) -> None:
        self.names.add(node.id)
        self.parts |= {"request_of": {"request"}, "reply_of": {"answer"}}.get(node.id, set())

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Constant):
            self.parts |= {"request": {"request"}, "response": {"answer"}}.get(str(node.slice.value), set())
        self.generic_visit(node)


def _tops(tree: ast.Module) -> dict[str, _Reads]:
    """Functions and constants of a module by name."""
    found: dict[str, _Reads] = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.name] = _Reads(node)
        elif isinstance(node, ast.Assign):
            found |= {target.id: _Reads(node.value) for target in node.targets if isinstance(target, ast.Name)}
    return found


def _reached(name: str, tops: dict[str, _Reads]) -> list[_Reads]:
    """A test with all of its module that it leads to."""
    found, todo = {name}, [name]
    while todo:
        fresh = tops[todo.pop()].names & tops.keys() - found
        found |= fresh
        todo += fresh
    return [tops[each] for each in found]


@functools.cache
def uses() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """Of every test: the texts that it names, and the parts of samples that it reads."""
    found = []
    for path in Path(__file__).parent.glob("test_*.py"):
        tops = _tops(ast.parse(path.read_text())) if path != Path(__file__) else {}
        for name in (each for each in tops if each.startswith("test_")):
            reached = _reached(name, tops)
            texts = {text for each in reached for text in each.texts}
            found.append((frozenset(texts), frozenset(part for each in reached for part in each.parts)))
    return tuple(found)


def missing(provider: str, name: str, path: Path) -> set[str]:
    """The parts that no test reads. A file that holds answers only is read as a whole: to be named is enough."""
    parts = parts_of(path)
    tests = [read for texts, read in uses() if {provider, name} <= texts]
    read = {part for each in tests for part in each} | (parts if tests and parts == {"answer"} else set())
    return {part for part in parts - read if not {f"{provider}/{name}", f"{provider}/{name} {part}"} & UNUSED.keys()}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_sample_is_used_in_both_directions(provider):
    """Its request is compared with what we send, and its answer is read; none is left over."""
    found = samples_of(provider)
    assert found
    assert {name: lacking for name, path in found.items() if (lacking := missing(provider, name, path))} == {}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the samples that hold others' work are not in this checkout")
def test_every_reason_has_its_sample():
    """A reason for a sample that is gone, or that is used, is no reason."""
    for place in UNUSED:
        provider, _, rest = place.partition("/")
        name, _, part = rest.partition(" ")
        path = samples_of(provider)[name]
        used = {each for texts, parts in uses() if {provider, name} <= texts for each in parts}
        assert not ({part} if part else parts_of(path)) & used, place
