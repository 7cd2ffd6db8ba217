"""A model as a judge: what it is asked, what its words mean, what it costs, and that nothing is paid twice."""

from __future__ import annotations

import math
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fakes.chat import KEY, FakeChat
from fakes.openai_inputs import half_and_half, png

from imagegen import (
    AsyncClient,
    AuthenticationError,
    ConfigurationError,
    Connection,
    ImageGenError,
    OutcomeUnknownError,
    UnsupportedError,
)
from imagegen.comparison.comparing import Comparison, run_comparison
from imagegen.comparison.judge import vendor_of
from imagegen.comparison.judgements import FILE, Answer, Judgements
from imagegen.comparison.planning import Wanted
from imagegen.comparison.purse import Purse
from imagegen.comparison.suites import Case, Suite
from imagegen.comparison.verdicts import ExpectedAnswer, verdict_of
from imagegen.types.request import ImageRequest

pytestmark = pytest.mark.anyio
JUDGE = "compatible:seer-1"
ANSWER_USD = Decimal("0.002")
PRICED = """
[models."seer-1"]
source = "the test"
read = 2026-11-23
prices = [
  { billable = "text_input_tokens", usd = 0.01, per = 1000 },
  { billable = "text_output_tokens", usd = 0.4, per = 1000 },
]
[models."seer-1".capabilities]
operations = ["judge"]
"""
"""120 and 2 tokens cost a fifth of a cent."""
SURE = math.exp(-0.06)


def client_of(server: FakeChat, key: str = KEY) -> AsyncClient:
    return AsyncClient(connections={"compatible": Connection(base_url=server.base_url, api_key=key)})


def said(text: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    """An answer of the server."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop", **fields}
    usage = {"prompt_tokens": 120, "completion_tokens": 2, "total_tokens": 122}
    return 200, {"model": "seer-1-001", "choices": [choice], "usage": usage}


@pytest.fixture
def priced() -> None:
    folder = Path(os.environ["IMAGEGEN_CONFIG_DIR"]) / "catalogue"
    folder.mkdir()
    (folder / "compatible.toml").write_text(PRICED)


def suite(cases: int = 1, **expect: Any) -> Suite:
    requests = (ImageRequest(prompt=f"{number + 1} red circles", size="64x64", seed=number) for number in range(cases))
    return Suite("judged", tuple(Case(f"c{at}", each, expect=expect) for at, each in enumerate(requests)))


async def run(server: FakeChat, folder: Path, cases: Suite | None = None, **wanted: Any) -> Comparison:
    wanted = {"models": ("stub:painter",), "probes": (), "judge": JUDGE, **wanted}
    async with client_of(server) as client:
        return await run_comparison(client, cases or suite(), folder, Wanted(**wanted))


# The verb.


async def test_verb_asks_and_says_what_it_cost(tmp_path, priced):
    """Pictures as a path and as bytes; the answer with its probability and cost."""
    (tmp_path / "fox.png").write_bytes(png(half_and_half((64, 48))))
    async with FakeChat() as server, client_of(server) as client:
        found = await client.judge([tmp_path / "fox.png", png(half_and_half((32, 16)))], "Is it a fox?", model=JUDGE)
    assert (found.answer, found.model, server.seen) == ("yes", "seer-1-001", [(64, 48), (32, 16)])
    assert found.cost.amount_usd == ANSWER_USD
    assert found.probability == pytest.approx(SURE)


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({"model": "stub:painter"}, UnsupportedError, "answers no questions"),
        ({"model": "google:gemini-3.8-flash"}, ConfigurationError, "key"),
        ({"model": "seer-1"}, ConfigurationError, "connection:model"),
        ({"question": ""}, ImageGenError, "prompt"),
        ({"pictures": [b"no picture"]}, ConfigurationError, "shown pictures"),
        ({"pictures": ["missing.png"]}, ConfigurationError, "shown pictures"),
        ({"pictures": ["https://example.com/a.png"]}, ConfigurationError, "URL"),
    ],
)
async def test_what_cannot_be_asked_is_not_sent(asked, kind, words):
    """In one line, before anything is paid."""
    asked = {"pictures": [png(half_and_half((8, 8)))], "question": "A fox?", "model": JUDGE, **asked}
    async with FakeChat() as server, client_of(server) as client:
        with pytest.raises(kind, match=words):
            await client.judge(asked["pictures"], asked["question"], model=asked["model"])
    assert server.bodies == []


async def test_throttled_question_is_asked_again_and_a_lost_one_is_not():
    """The retry rule of every submit: a stated pace is kept, an unknown outcome is not sent twice."""
    busy = (429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}})
    async with FakeChat(answers=[busy], headers={"retry-after": "0"}) as server, client_of(server) as client:
        assert (await client.judge([], "Is it?", model=JUDGE)).answer == "yes"
        assert len(server.bodies) == 2
        server.answers.append((500, {"error": {"message": "oops"}}))
        with pytest.raises(OutcomeUnknownError):
            await client.judge([], "Is it?", model=JUDGE)
        assert len(server.bodies) == 3


async def test_key_is_wrong():
    """An error of the tree, and the key is in none."""
    async with FakeChat() as server, client_of(server, "sk-wrong-000000000000000000") as client:
        with pytest.raises(AuthenticationError) as raised:
            await client.judge([], "Is it?", model=JUDGE)
    assert "sk-wrong" not in raised.value.message


# What words mean.


def answer(text: str, probability: float | None = None) -> Answer:
    return Answer("k", "c", "q", JUDGE, text, "seer-1", probability, None, None)


@pytest.mark.parametrize(
    ("expected", "text", "probability", "verdict", "score"),
    [
        ("yes", "yes", None, "pass", 1.0),
        ("yes", "Yes.", 0.9, "pass", 0.9),
        ("yes", "No, there is a dog.", 0.9, "fail", 1 - 0.9),
        ("yes", "no", None, "fail", 0.0),
        ("no", "no", 0.99, "pass", 0.99),
        ("yes", "yes", 0.52, "undecided", 0.52),
        ("yes", "no", 0.5, "undecided", 0.5),
        ("yes", "I cannot say", None, "undecided", None),
        ("yes", "yes and no", None, "undecided", None),
        ("yes", "There is no cat", None, "undecided", None),
        ("yes", "", None, "undecided", None),
        ("7", "7", None, "pass", 1.0),
        ("7", "There are seven owls.", None, "pass", 1.0),
        ("7", "8", 0.9, "fail", 0.0),
        ("7", "7 or 8", None, "undecided", None),
        ("seven", "07", None, "pass", 1.0),
        ("red", "Red.", None, "pass", 1.0),
        ("red", "blue", 0.8, "fail", 0.0),
    ],
)
def test_words_become_verdicts(expected, text, probability, verdict, score):
    """Clear and sure answers pass or fail; every other is undecided."""
    found = verdict_of(ExpectedAnswer(ask="Is it?", answer=expected), answer(text, probability))
    assert (found.verdict, found.score) == (verdict, pytest.approx(score) if score is not None else None)


@pytest.mark.parametrize(
    ("judge", "model", "same"),
    [
        ("google:gemini-3.8-flash", "google:gemini-2.5-flash-image", True),
        ("openrouter:google/gemini-3.8-flash", "google:gemini-2.5-flash-image", True),
        ("google:gemini-3.8-flash", "openai:gpt-image-2", False),
        ("litellm:gpt-9", "openai:gpt-image-2", True),
        ("compatible:seer-1", "stub:painter", False),
        ("together:meta/seer", "replicate:meta/painter", True),
    ],
)
def test_vendor_is_known_by_its_names(judge, model, same):
    """Also behind a gateway."""
    assert (vendor_of(judge) == vendor_of(model)) is same


# In a comparison.


async def test_every_picture_is_judged(tmp_path, priced):
    """By the questions of its case; findings, progress and report count what it cost."""
    asked = [{"ask": "Is there a circle?"}, {"ask": "How many circles?", "answer": "1"}]
    async with FakeChat(answers=[said("yes"), said("2")]) as server:
        found = await run(server, tmp_path, suite(judge=asked))
    (cell,) = found.cells()
    (finding,) = cell.findings
    assert (finding.probe, finding.verdict, finding.score, finding.cost_usd) == ("judge", "fail", 0.5, 2 * ANSWER_USD)
    assert finding.values["answers"] == "yes / 2"
    assert (finding.values["judge"], finding.values["same_vendor"]) == (JUDGE, False)
    assert found.progress.known_usd == 2 * ANSWER_USD
    assert found.numbers.models[0].judge_usd == 2 * ANSWER_USD
    assert len(server.bodies) == 2


async def test_without_questions_the_prompt_is_the_question(tmp_path):
    """Whether the picture shows what it says."""
    async with FakeChat() as server:
        found = await run(server, tmp_path)
    (cell,) = found.cells()
    words = server.bodies[0]["messages"][0]["content"][0]["text"]
    assert "1 red circles" in words
    assert "yes or no" in words
    assert (cell.findings[0].verdict, cell.findings[0].score) == ("pass", pytest.approx(SURE))
    assert cell.findings[0].cost_usd is None  # nobody knows its price


async def test_answers_are_paid_once(tmp_path, priced):
    """The same pictures are not judged again, though their cells were lost; an unfinished line is asked anew."""
    async with FakeChat() as server:
        first = await run(server, tmp_path, suite(3))
        (tmp_path / "results.jsonl").unlink()
        again = await run(server, tmp_path, suite(3))
        assert len(server.bodies) == 3
        assert first.numbers.models[0].judge_usd == 3 * ANSWER_USD
        assert again.numbers.models[0].judge_usd == 3 * ANSWER_USD
        lines = (tmp_path / FILE).read_text().splitlines(keepends=True)
        (tmp_path / FILE).write_text("".join(lines[:2]) + lines[2][:40])
        (tmp_path / "results.jsonl").unlink()
        await run(server, tmp_path, suite(3))
    assert len(server.bodies) == 4
    assert sum(Judgements(tmp_path).find(Answer.from_json(line).key) is not None for line in lines) == 3


async def test_same_picture_of_another_cell_is_free(tmp_path, priced):
    """The stub draws the same twice: one answer, paid by one cell."""
    async with FakeChat() as server:
        found = await run(server, tmp_path, repeats=3)
    assert len(server.bodies) == 1
    assert sorted(each.findings[0].cost_usd for each in found.cells()) == [0, 0, ANSWER_USD]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (said("perhaps"), "no clear answer"),
        (said("", refusal="I will not"), "no answer"),
        ((500, {"error": {"message": "oops"}}), "no answer"),
        ((200, {"choices": []}), "no answer"),
    ],
)
async def test_no_answer_is_undecided(tmp_path, reply, why):
    """And takes nothing with it: the cell is written."""
    async with FakeChat(answers=[reply]) as server:
        found = await run(server, tmp_path)
    (cell,) = found.cells()
    assert (cell.outcome, cell.findings[0].verdict) == ("ok", "undecided")
    assert why in cell.findings[0].why


async def test_judge_stops_at_the_budget(tmp_path, priced):
    """Pictures are free here: answers come until another might not fit; the rest is undecided, and says why."""
    async with FakeChat() as server:
        found = await run(server, tmp_path, suite(14), max_usd=Decimal("0.025"), parallel=1)
    findings = [each.findings[0] for each in found.cells()]
    unasked = [each for each in findings if each.verdict == "undecided"]
    assert len(findings) == 14
    assert 1 <= len(server.bodies) < 14
    assert len(unasked) == 14 - len(server.bodies)
    assert {each.why for each in unasked} == {"budget: max_usd leaves nothing for the judge"}
    assert len(server.bodies) * ANSWER_USD <= Decimal("0.025")


async def test_judge_of_unknown_price_stops_after_one_answer(tmp_path):
    """A limit that nobody can keep is not pretended."""
    async with FakeChat() as server:
        found = await run(server, tmp_path, suite(3), max_usd=Decimal(1), parallel=1, models=("stub:painter",))
    assert len(server.bodies) == 1
    assert found.progress.done + found.progress.left_out == 3


async def test_pictures_and_judge_share_the_limit(tmp_path, priced):
    """What the judge took is not there for pictures: together they stay below it."""
    async with FakeChat() as server:
        limit = Decimal("0.083")
        found = await run(server, tmp_path, suite(4), models=("stub:sloppy",), max_usd=limit, parallel=1)
    assert found.progress.known_usd <= limit
    assert (found.progress.done, found.progress.left_out) == (3, 1)
    assert all("pictures and judge" in each for each in found.progress.problems)


def test_purse_never_gives_more_than_it_has():
    """Held and spent together; without a limit it only counts."""
    purse = Purse(Decimal(1))
    assert purse.hold(Decimal("0.6"))
    assert not purse.hold(Decimal("0.5"))
    purse.settle(Decimal("0.6"), Decimal("0.1"))
    assert purse.hold(Decimal("0.9"))
    purse.settle(Decimal("0.9"), None)
    assert not purse.hold(Decimal(0))
    assert Purse().hold(Decimal(1000))


async def test_questions_that_nobody_understands_end_it_before_money(tmp_path):
    """The case is named."""
    async with FakeChat() as server:
        with pytest.raises(ConfigurationError, match=r"case c0: .*judge.*ask"):
            await run(server, tmp_path, suite(judge=[{"question": "A fox?"}]))
        with pytest.raises(UnsupportedError, match="answers no questions"):
            await run(server, tmp_path, judge="stub:painter")
    assert server.bodies == []


async def test_no_judge_is_named(tmp_path):
    """Cases that ask one go without, and the facts say so."""
    async with FakeChat() as server:
        found = await run(server, tmp_path, suite(judge=[{"ask": "A fox?"}]), judge=None, probes=None)
    assert "judge (not used: 1 cases ask one" in found.facts["probes"]
    assert server.bodies == []
