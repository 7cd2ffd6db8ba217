"""OpenAI before the suite that any provider runs."""

from __future__ import annotations

from fakes.openai import fake_openai

from imagegen.testing import Answer, ProviderSuite, Refusal

BLOCKED = {
    "error": {"message": "rejected by the safety system", "type": "t", "param": None, "code": "moderation_blocked"}
}


class TestOpenAI(ProviderSuite):
    """GPT Image 2, through OpenAI's own package."""

    model = "openai:gpt-image-2"
    key = "sk-test-0000000000000000"
    refusals = (Refusal(Answer(BLOCKED, 400)),)

    def fake(self):
        return fake_openai()

    def error(self, message):
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
