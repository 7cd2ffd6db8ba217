"""A model that looks at every picture of a comparison: its verdicts are findings like those of the probes, and paid."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import fmean
from typing import TYPE_CHECKING

from imagegen.comparison.cells import CellFinding
from imagegen.comparison.judgements import Answer, Judgements, answer_key
from imagegen.comparison.purse import Purse
from imagegen.comparison.verdicts import ExpectedAnswer, Verdict, expected_answers, verdict_of
from imagegen.errors import Billed, ConfigurationError, ImageGenError
from imagegen.threads import in_thread
from imagegen.types.cost import Cost

if TYPE_CHECKING:
    from imagegen.client import AsyncClient
    from imagegen.comparison.planning import Planned
    from imagegen.comparison.suites import Case, Suite
    from imagegen.types.result import ImageResult

NAME = "judge"
_FIRST_USD = Decimal("0.02")
"""What an answer is taken to cost before one has come; later twice the dearest one."""


@dataclass(slots=True)
class Judge:
    """The judge of one comparison."""

    client: AsyncClient
    model: str
    """``connection:model``."""
    answers: Judgements
    purse: Purse = field(default_factory=Purse)
    parallel: int = 4
    _dearest_usd: Decimal | None = None
    _turns: asyncio.Semaphore = field(init=False)
    _asking: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def __post_init__(self) -> None:
        self._turns = asyncio.Semaphore(self.parallel)

    async def look(self, planned: Planned, result: ImageResult) -> tuple[CellFinding, ...]:
        """What it says of each picture of a cell."""
        contents = await in_thread(lambda: [each.content.read() for each in result.images])
        images = planned.case.request.images
        inputs = await in_thread(lambda: [each.read() for each in images if each.url is None])
        return tuple([await self._finding(planned, number, [*inputs, each]) for number, each in enumerate(contents)])

    async def _finding(self, planned: Planned, number: int, pictures: Sequence[bytes]) -> CellFinding:
        wanted = questions_of(planned.case)
        found = [await self._verdict(planned, each, pictures) for each in wanted]
        verdicts = [each for each, _ in found]
        scores = [each.score for each in verdicts if each.score is not None]
        paid = [answer for _, answer in found if answer is not None]
        costs = [each.cost_usd for each in paid if each.cell == planned.key]
        worst = min(verdicts, key=lambda each: ("fail", "undecided", "pass").index(each.verdict))
        values = {
            "judge": self.model,
            "same_vendor": vendor_of(self.model) == vendor_of(planned.model),
            "questions": len(wanted),
            "right": sum(each.verdict == "pass" for each in verdicts),
            "answers": " / ".join(" ".join(each.answer.split()) for each in paid),
            "probability": min((each.probability for each in paid if each.probability is not None), default=None),
        }
        return CellFinding(
            picture=number,
            probe=NAME,
            verdict=worst.verdict,
            score=fmean(scores) if scores else None,
            values=values,
            why=worst.why,
            cost_usd=None if None in costs else sum((each for each in costs if each is not None), Decimal(0)),
        )

    async def _verdict(
        self, planned: Planned, wanted: ExpectedAnswer, pictures: Sequence[bytes]
    ) -> tuple[Verdict, Answer | None]:
        key = answer_key(pictures, wanted.question, self.model)
        async with self._turns, self._asking[key]:
            answer = self.answers.find(key)
            if answer is not None:
                return verdict_of(wanted, answer), answer
            held = _FIRST_USD if self._dearest_usd is None else 2 * self._dearest_usd
            if not self.purse.hold(held):
                return Verdict("undecided", None, "budget: max_usd leaves nothing for the judge"), None
            return await self._asked(planned, wanted, pictures, key, held)

    async def _asked(
        self, planned: Planned, wanted: ExpectedAnswer, pictures: Sequence[bytes], key: str, held: Decimal
    ) -> tuple[Verdict, Answer | None]:
        spent: Decimal | None = None
        try:
            said = await self.client.judge(pictures, wanted.question, model=self.model)
            spent = _most(said.cost)
            self._dearest_usd = max(self._dearest_usd or Decimal(0), spent or Decimal(0))
            costs = (said.cost.amount_usd, said.cost.at_most_usd)
            answer = Answer(
                key, planned.key, wanted.question, self.model, said.answer, said.model, said.probability, *costs
            )
            await in_thread(self.answers.add, answer)
            return verdict_of(wanted, answer), answer
        except ImageGenError as error:
            spent = Decimal(0) if error.billed is Billed.NO else held
            return Verdict("undecided", None, f"the judge gave no answer: {error.message}"), None
        finally:
            self.purse.settle(held, spent)


def questions_of(case: Case) -> list[ExpectedAnswer]:
    """What is asked of its pictures; without an expectation, whether they show what the prompt says."""
    if NAME in case.expect:
        return expected_answers(case.expect[NAME])
    prompt = case.request.prompt
    if case.operation == "edit":
        return [ExpectedAnswer(ask=f"Is the last picture the first, changed as this says and no more: {prompt}")]
    return [ExpectedAnswer(ask=f"Does this picture show all that this description says? The description: {prompt}")]


def check_questions(suite: Suite) -> None:
    """Find out whether what the cases ask a judge can be understood.

    Raises:
        ConfigurationError: The case, and what is wrong.
    """
    for case in suite:
        try:
            questions_of(case)
        except ConfigurationError as error:
            raise ConfigurationError(f"case {case.id}: {error.message}") from None


def vendor_of(model: str) -> str:
    """Who made a model, as far as its name says: the owner in its id, else a known family, else its connection."""
    connection, _, model_id = model.partition(":")
    owner = model_id.partition("/")[0] if "/" in model_id else ""
    text = f"{owner or connection} {model_id}".lower()
    return next(
        (vendor for vendor, words in _VENDORS.items() if any(each in text for each in words)), owner or connection
    )


_VENDORS = {
    "google": ("google", "gemini", "imagen", "veo"),
    "openai": ("openai", "gpt", "dall-e", "chatgpt"),
    "xai": ("xai", "x-ai", "grok"),
    "bfl": ("bfl", "black-forest-labs", "flux"),
    "qwen": ("qwen",),
    "bytedance": ("bytedance", "seedream", "seededit"),
}


def _most(cost: Cost) -> Decimal | None:
    return cost.amount_usd if cost.amount_usd is not None else cost.at_most_usd
