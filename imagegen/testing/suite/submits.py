"""The paid step under every fault: one submit, one of the five states, and an error that says what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

import imagegen
from imagegen import catalogue
from imagegen.testing.faults import (
    AcceptThen,
    Answer,
    CloseAnswerless,
    CloseAtOnce,
    CutAnswer,
    Damage,
    Fault,
    FaultServer,
    Garbage,
    Hang,
    HangAnswer,
    Instead,
    Pace,
    ResetReading,
    pace,
    unused_port,
)
from imagegen.testing.suite.asking import Asked, Asking, Refusal

_HTML = Answer(b"<html>busy</html>", 200, {"content-type": "text/html"})


@dataclass(frozen=True, slots=True)
class _Cut:
    fault: Fault
    states: tuple[str, ...] = ("unknown",)
    timeout_s: float = 20


def _gateway(status: int) -> Fault:
    return AcceptThen(Answer(_HTML.body, status, _HTML.headers))


_LOST = {
    "connection closed unread": _Cut(CloseAtOnce(), ("unknown", "not_sent"), 3),
    "reset while sending": _Cut(ResetReading(0), ("unknown", "not_sent"), 3),
    "closed after sending": _Cut(CloseAnswerless()),
    "reset after sending": _Cut(CloseAnswerless(reset=True)),
    "silence": _Cut(Hang(), timeout_s=1),
    "not HTTP": _Cut(Garbage()),
    "cut after the head": _Cut(CutAnswer(0)),
    "cut in the body": _Cut(CutAnswer(20)),
    "silence in the body": _Cut(HangAnswer(20), timeout_s=1),
    "408": _Cut(Instead(Answer(_HTML.body, 408))),
    "500": _Cut(_gateway(500)),
    "502 after accepting": _Cut(_gateway(502)),
    "503 of a gateway": _Cut(_gateway(503)),
    "504 after accepting": _Cut(_gateway(504)),
}
_STATUSES: dict[int, type[imagegen.ImageGenError]] = {
    400: imagegen.InvalidRequestError,
    401: imagegen.AuthenticationError,
    402: imagegen.QuotaError,
    403: imagegen.AuthenticationError,
    404: imagegen.InvalidRequestError,
    422: imagegen.InvalidRequestError,
}
_FORMS: tuple[Pace, ...] = ("seconds", "milliseconds", "date")


class Submits(Asking):
    """How often the provider is asked is counted at the server."""

    async def test_nobody_listens(self, asking: Asked) -> None:
        """Nothing was sent: the error says so, and nothing can have been billed."""
        error = await asking.failing(base_url=f"http://127.0.0.1:{unused_port()}", timeout_s=0.5)
        assert isinstance(error, imagegen.ConnectionFailedError)
        assert {each.state.value for each in error.attempts} == {"not_sent"}
        assert error.billed is imagegen.Billed.NO

    @pytest.mark.parametrize("name", list(_LOST))
    async def test_lost_answer_is_not_paid_again(self, asking: Asked, name: str) -> None:
        """What may have been billed is unknown, and is submitted once."""
        case = _LOST[name]
        asking.meets(submit=case.fault)
        error = await asking.failing(timeout_s=case.timeout_s)
        states = [each.state.value for each in error.attempts]
        assert set(states) <= set(case.states), states
        if "unknown" in states and not self._may_repeat(name):
            assert isinstance(error, imagegen.OutcomeUnknownError)
            assert error.billed is imagegen.Billed.UNKNOWN
            assert states[-1] == "unknown"
            assert (states.count("unknown"), len(asking.submits)) == (1, len(asking.submits[:1]))

    def _may_repeat(self, name: str) -> bool:
        """Whether the provider documents that it bills such a failure once."""
        facts = catalogue.facts_of(self.name)
        free = {status for each in facts.free_failures for status in each.statuses}
        return facts.idempotency_header is not None or name[:3] in {str(status) for status in free}

    @pytest.mark.parametrize("form", _FORMS)
    @pytest.mark.parametrize("status", [429, 503])
    async def test_stated_pace_is_kept(self, asking: Asked, status: Literal[429, 503], form: Pace) -> None:
        """No work was done, says the provider, and when to ask again: it is asked again, and paid once."""
        busy = Answer(self.error("busy"), status, pace(0, form))
        asking.meets(submit=Instead(busy), times=1)
        result = await asking.call()
        assert [each.state.value for each in result.attempts] == ["rejected", "billed"]
        assert len(asking.submits) == 2

    @pytest.mark.parametrize("status", list(_STATUSES))
    async def test_error_is_raised_at_once(self, asking: Asked, status: int) -> None:
        """A complete answer that no work was done; the provider's words are kept."""
        asking.meets(submit=Instead(Answer(self.error("we like no foxes"), status)))
        error = await asking.failing()
        assert isinstance(error, self.statuses.get(status, _STATUSES[status])), repr(error)
        assert "we like no foxes" in error.message
        assert len(asking.submits) == 1

    @pytest.mark.parametrize("body", [_HTML.body, b"{}", b"", b"[]", b"null"])
    async def test_success_without_a_picture(self, asking: Asked, body: bytes) -> None:
        """Complete and no picture: billed, told as such, never submitted again."""
        asking.meets(submit=Damage(lambda whole: body))
        error = await asking.failing()
        assert isinstance(error, imagegen.BadOutputError | imagegen.ModerationError), repr(error)
        assert [each.state.value for each in error.attempts] == ["billed"]
        assert error.billed is imagegen.Billed.YES
        assert len(asking.submits) == 1

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    async def test_redirect_is_not_followed(self, asking: Asked, status: int) -> None:
        """A redirected submit would be paid somewhere else; the other host hears nothing."""
        async with FaultServer(Answer({})) as other:
            asking.meets(submit=Instead(Answer(b"", status, {"location": f"{other.url}/elsewhere"})))
            error = await asking.failing()
            assert isinstance(error, imagegen.ConfigurationError)
            assert other.received == []

    def _refusals(self) -> list[Refusal]:
        if not self.refusals:
            pytest.skip("no refusal is given: see ProviderSuite.refusals")
        return list(self.refusals)

    async def test_refusal_is_final(self, asking: Asked) -> None:
        """Moderation, in every form that the provider has: said as such, never submitted again."""
        for refusal in self._refusals():
            before = len(asking.submits)
            fault: Any = Instead(refusal.answer)
            asking.meets(submit=fault) if refusal.at == "submit" else asking.meets(later=fault)
            error = await asking.failing()
            assert isinstance(error, imagegen.ModerationError), f"{refusal}: {error!r}"
            assert len(asking.submits) == before + 1

    async def test_refused_picture_takes_no_other_with_it(self, asking: Asked) -> None:
        """What came is returned; what was refused is named."""
        refusals = self._refusals()
        if self.entry.capabilities.n_per_call > 1:
            damage = Damage(self.one_refused)
            asking.meets(submit=damage, later=damage)
        else:
            at_submit, fault = refusals[0].at == "submit", Instead(refusals[0].answer)
            asking.meets(submit=fault if at_submit else None, later=None if at_submit else fault, times=1)
        result = await asking.call(n=2)
        if not result.failures:
            pytest.skip("single pictures are not refused: see ProviderSuite.one_refused")
        assert (len(result.images), len(result.failures)) == (1, 1)
        assert isinstance(result.failures[0].error, imagegen.ModerationError)
