"""What comes is not trusted: spoilt pictures, hostile links, and a key that goes nowhere else."""

from __future__ import annotations

import re
import traceback

import pytest

import imagegen
from imagegen.testing.faults import (
    Answer,
    CloseAnswerless,
    CutAnswer,
    Damage,
    Drip,
    Fault,
    FaultServer,
    Garbage,
    Instead,
    Late,
    pace,
)
from imagegen.testing.pictures import huge, pictures_in, truncated, with_pictures
from imagegen.testing.suite.asking import Asked, Asking

_SPOILT = {
    "truncated": truncated,
    "cut by a byte": lambda data: data[:-1],
    "huge": lambda data: huge(),
    "a page": lambda data: b"<html>not found</html>" * 9,
    "zeros": lambda data: bytes(len(data)),
}
_LATER: dict[str, Fault] = {
    "closed": CloseAnswerless(),
    "cut": CutAnswer(9),
    "not HTTP": Garbage(),
    "late": Late(0.2),
    "slow": Drip(0, 64),
    "429": Instead(Answer(b"", 429, pace(0))),
    "500": Instead(Answer(b"", 500)),
    "503": Instead(Answer(b"", 503, pace(0))),
}
_LINK = re.compile(rb"http://127\.0\.0\.1:\d+")


class Intake(Asking):
    """A picture that was paid for and cannot be had is told so, once, and is never bought again."""

    @pytest.mark.parametrize("name", list(_SPOILT))
    async def test_spoilt_picture_is_told(self, asking: Asked, name: str) -> None:
        """It was billed and is no whole picture: an error, not a file."""
        spoilt = Damage(lambda body: with_pictures(body, _SPOILT[name]))
        asking.meets(submit=spoilt, later=spoilt)
        error = await asking.failing(verify="decode", timeout_s=5)
        assert isinstance(error, imagegen.BadOutputError | imagegen.DeadlineExceededError), repr(error)
        assert error.billed is imagegen.Billed.YES
        assert len(asking.submits) == 1

    async def test_type_is_read_from_the_bytes(self, asking: Asked) -> None:
        """What the headers call a picture is not believed."""
        wrong = Damage(headers={"content-type": "application/octet-stream"})
        await asking.call()
        if pictures_in(asking.front.answers[-1]) != [asking.front.answers[-1]]:
            pytest.skip("pictures come inside an answer")
        asking.meets(later=wrong)
        assert (await asking.call()).image.media_type.startswith("image/")

    @pytest.mark.parametrize("name", list(_LATER))
    async def test_what_follows_the_submit_is_repeated(self, asking: Asked, name: str) -> None:
        """A poll or a download that fails is free: it is made again, and nothing is submitted again."""
        asking.meets(later=_LATER[name], times=1)
        result = await asking.call()
        assert (bool(result.image.width), len(asking.submits)) == (True, 1)
        if len(asking.front.received) == 1:
            pytest.skip("nothing follows the submit")

    @pytest.mark.parametrize("status", [403, 404, 410])
    async def test_expired_link_is_told(self, asking: Asked, status: int) -> None:
        """The link is dead: billed and lost, said once, not asked for until the end of time."""
        await asking.call()
        if len(asking.front.received) == 1:
            pytest.skip("nothing follows the submit")
        asking.meets(later=Instead(Answer(b"", status)))
        before = len(asking.submits)
        error = await asking.failing(timeout_s=3)
        assert error.billed is not imagegen.Billed.NO
        assert len(asking.submits) == before + 1

    async def test_redirect_to_a_private_address(self, asking: Asked) -> None:
        """A link or a poll that leads elsewhere is not followed there."""
        async with FaultServer(Answer(b"secret")) as other:
            asking.meets(later=Instead(Answer(b"", 302, {"location": f"{other.url}/metadata"})))
            outcome = await asking.outcome(timeout_s=3)
            assert not isinstance(outcome, imagegen.ImageGenError) or outcome.billed is not imagegen.Billed.NO
            assert other.received == []
            assert len(asking.submits) == 1

    async def test_key_goes_to_no_other_host(self, asking: Asked) -> None:
        """Every address in an answer is another host's, and is allowed: it may be asked, without the key."""
        async with FaultServer(Answer(b"", 404)) as other:
            rewritten: list[bytes] = []

            def moved(body: bytes) -> bytes:
                rewritten.extend(_LINK.findall(body))
                return _LINK.sub(other.url.encode(), body)

            elsewhere = Damage(moved)
            for at_submit in (elsewhere, None):  # where the job is asked for; then only where its pictures lie
                before = len(asking.submits)
                asking.meets(submit=at_submit, later=elsewhere)
                outcome = await asking.outcome(allow_private=True, timeout_s=8)
                assert not isinstance(outcome, imagegen.OutcomeUnknownError)
                assert not [each for each in other.received if asking.bears_key(each)]
                assert len(asking.submits) == before + 1
            if not rewritten:
                pytest.skip("no address stands in an answer")

    async def test_key_is_shown_where_it_must_be(self, asking: Asked) -> None:
        """The submit bears it; what is fetched from another address of the provider does not."""
        await asking.call()
        assert all(asking.bears_key(each) for each in asking.submits)
        assert not [each for each in asking.front.received if self.key in each.path], "a URL is logged by many hands"
        elsewhere = [each for each in asking.front.received if each.path.startswith("/~")]
        assert not [each for each in elsewhere if asking.bears_key(each)]

    @pytest.mark.parametrize("status", [400, 401, 500])
    async def test_errors_do_not_repeat_the_key(self, asking: Asked, status: int) -> None:
        """Not even where the provider does."""
        asking.meets(submit=Instead(Answer(self.error(f"bad key {self.key}"), status)))
        error = await asking.failing()
        told = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        assert self.key not in told
