"""What Gemini answers: pictures among parts, tokens by modality, and why nothing came."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from imagegen import BadOutputError, Billed, ModerationError, PictureData, ProviderError, Usage
from imagegen.http.lenient import or_none

if TYPE_CHECKING:
    from imagegen import Reply

_REFUSED = frozenset(
    {
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "SAFETY", "PROHIBITED_CONTENT"),
        *("RECITATION", "BLOCKLIST", "SPII", "MODEL_ARMOR", "ESCALATION", "JAILBREAK"),
    }
)
_SUSPENDED = "PUP_LIMITED_DISABLED"
"""The account is limited, for abuse of the policy."""


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Inline(_Wire):
    mime_type: str = ""
    data: PictureData


class _Part(_Wire):
    text: Annotated[str | None, or_none] = None
    thought: Annotated[bool | None, or_none] = None
    inline_data: Annotated[_Inline | None, or_none] = None


class _Content(_Wire):
    parts: Annotated[list[Annotated[_Part | None, or_none]] | None, or_none] = None


class _Rating(_Wire):
    category: str
    blocked: bool = False


class _Grounding(_Wire):
    web_search_queries: Annotated[list[str] | None, or_none] = None


_Ratings = Annotated[list[_Rating] | None, or_none]


class _Candidate(_Wire):
    content: Annotated[_Content | None, or_none] = None
    finish_reason: Annotated[str | None, or_none] = None
    finish_message: Annotated[str | None, or_none] = None
    safety_ratings: _Ratings = None
    avg_logprobs: Annotated[float | None, or_none] = None
    grounding_metadata: Annotated[_Grounding | None, or_none] = None


class _Feedback(_Wire):
    block_reason: Annotated[str | None, or_none] = None
    block_reason_message: Annotated[str | None, or_none] = None
    safety_ratings: _Ratings = None


class _Tokens(_Wire):
    modality: str
    token_count: int = 0


_Details = Annotated[list[_Tokens] | None, or_none]
_Count = Annotated[int | None, or_none]


class _Used(_Wire):
    prompt_token_count: _Count = None
    candidates_token_count: _Count = None
    thoughts_token_count: _Count = None
    tool_use_prompt_token_count: _Count = None
    prompt_tokens_details: _Details = None
    candidates_tokens_details: _Details = None


class Answer(_Wire):
    candidates: Annotated[list[Annotated[_Candidate | None, or_none]] | None, or_none] = None
    prompt_feedback: Annotated[_Feedback | None, or_none] = None
    usage_metadata: Annotated[_Used | None, or_none] = None
    model_version: Annotated[str | None, or_none] = None

    def ways(self) -> list[_Candidate]:
        return [each for each in self.candidates or () if each is not None]

    def parts(self) -> list[_Part]:
        """All of them, but for thoughts."""
        found = [part for each in self.ways() if each.content for part in each.content.parts or ()]
        return [part for part in found if part is not None and not part.thought]

    def words(self) -> str:
        return "".join(part.text or "" for part in self.parts()).strip()


class _Detail(_Wire):
    reason: Annotated[str | None, or_none] = None
    retry_delay: Annotated[str | None, or_none] = None


class Failure(_Wire):
    message: str
    status: Annotated[str | None, or_none] = None
    details: Annotated[list[Annotated[_Detail | None, or_none]] | None, or_none] = None


def pictures_of(answer: Answer) -> list[PictureData]:
    """The finished pictures; drafts, which the model only thought of, are let go."""
    found = [part.inline_data for part in answer.parts() if part.inline_data]
    pictures = [each.data for each in found if each.mime_type.startswith("image/")]
    for each in answer.ways():
        for part in (each.content.parts if each.content else None) or ():
            if part is not None and part.inline_data and part.inline_data.data not in pictures:
                part.inline_data.data.discard()
    return pictures


def nothing_came(answer: Answer, reply: Reply) -> ProviderError:
    """Why an answer that was billed holds nothing: its prompt or its picture was refused, or the model did not draw."""
    feedback = answer.prompt_feedback or _Feedback()
    last = next(iter(answer.ways()), _Candidate())
    code = feedback.block_reason or last.finish_reason
    words = f"{code}: {feedback.block_reason_message or last.finish_message or answer.words() or 'no picture came'}"
    stage: Literal["input", "output", "unknown"] = "input" if feedback.block_reason else "output"
    if code != feedback.block_reason and code not in (*_REFUSED, _SUSPENDED):
        return BadOutputError(words, reason="empty", raw=reply.original, status=reply.status, code=code)
    ratings = [*(feedback.safety_ratings or ()), *(last.safety_ratings or ())]
    return ModerationError(
        words,
        stage="unknown" if code == _SUSPENDED else stage,
        categories=[each.category for each in ratings if each.blocked],
        billed=Billed.YES,
        status=reply.status,
        code=code,
    )


def usage_of(answer: Answer, drew: bool) -> Usage | None:
    """Tokens by what they are priced as: thoughts count as text, and so does what no detail says to be a picture.

    Thoughts are not among the candidates' tokens. A picture without a detail of its own is all that came.
    """
    used = answer.usage_metadata
    if used is None or used.prompt_token_count is None:
        return None
    came = used.candidates_token_count or 0
    image_in = _of_images(used.prompt_tokens_details)
    image_out = _of_images(used.candidates_tokens_details) or (came if drew else 0)
    searches = [each.grounding_metadata for each in answer.ways() if each.grounding_metadata]
    return Usage(
        text_input_tokens=used.prompt_token_count + (used.tool_use_prompt_token_count or 0) - image_in,
        image_input_tokens=image_in,
        text_output_tokens=came - image_out + (used.thoughts_token_count or 0),
        image_output_tokens=image_out,
        other={"web_searches": sum(len(each.web_search_queries or ()) for each in searches)} if searches else {},
    )


def _of_images(details: list[_Tokens] | None) -> int:
    return sum(each.token_count for each in details or () if each.modality == "IMAGE")


def probability_of(answer: Answer) -> float | None:
    """Of the whole answer, from the mean over its tokens."""
    mean, used = next(iter(answer.ways())).avg_logprobs, answer.usage_metadata
    if mean is None or used is None or not used.candidates_token_count:
        return None
    return min(1.0, math.exp(mean * used.candidates_token_count))


def failure_in(body: Any) -> Failure | None:
    """The error of an answer, which Vertex puts into a list of one."""
    inside: Any = body[0] if isinstance(body, list) and body else body
    try:
        return Failure.model_validate(inside["error"])
    except (ValueError, KeyError, TypeError):
        return None


def seconds_of(duration: str) -> float | None:
    """A duration as protobuf writes it: ``34.4s``."""
    text = duration.removesuffix("s")
    return float(text) if text.replace(".", "", 1).isdigit() else None
