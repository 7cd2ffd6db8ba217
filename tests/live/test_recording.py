"""What a recording leaves out, and what it keeps."""

from __future__ import annotations

import base64
import json

import pytest
from live.recording import Exchange, Redactor, tiny, write

from imagegen import Wire, pictures
from imagegen.settings import Settings

KEY = "canary-recording-7d1f0a"
ACCOUNT = "org-8fk20sk1"
UUID = "7c1f6a3e-9d2b-4e57-8a41-5b6c7d8e9f00"
HEADERS = {
    "content-type": "application/json",
    "set-cookie": "session=abcdef0123456789",
    "x-request-id": UUID,
    "openai-organization": ACCOUNT,
}
ANSWER = {
    "id": UUID,
    "organization": ACCOUNT,
    "said": f"the key {KEY} of {ACCOUNT}",
    "polling_url": f"https://api.eu2.bfl.ai/v1/get_result?id={UUID}&token=zzzzzzzz",
    "sample": "https://somebody:word@delivery.example/files/b/tiger42abcde/ab12cd34ef56.png?sig=abc&se=2026#f",
    "signature": base64.b64encode(b"opaque" * 20).decode(),
    "picture": base64.b64encode(tiny("image/webp")).decode(),
    "data": f"data:image/jpeg;base64,{base64.b64encode(tiny('image/jpeg')).decode()}",
    "seed": 42,
    "progress": None,
}


@pytest.fixture
def endpoint(monkeypatch):
    """A connection to BFL with the key."""
    monkeypatch.setenv("BFL_API_KEY", KEY)
    return Settings.load().endpoint("bfl")


def exchange(body: object, status: int = 200, headers: dict[str, str] = HEADERS) -> Exchange:
    """A request that was answered so."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(Wire.post("/v1/m", json={"prompt": "a fox"}), "https://api.bfl.ai", status, headers, data)


def test_nothing_of_anybody_is_kept(endpoint):
    """Key, account, id, cookie, password, signature and a result's address are gone; values that tell nobody stay."""
    found = Redactor(endpoint, KEY).sample(exchange(ANSWER))
    text = json.dumps(found)
    for secret in (KEY, ACCOUNT, UUID, "abcdef0123456789", "somebody", "zzzzzzzz", "ab12cd34ef56", "tiger42abcde"):
        assert secret not in text
    assert "sig=abc" not in text
    assert found["response"]["headers"] == {"content-type": "application/json"}
    body = found["response"]["body"]
    assert (body["seed"], body["progress"]) == (42, None)
    assert body["said"].startswith("the key TEST_KEY of redacted-")
    assert body["sample"].startswith("https://delivery.example/files/b/")
    assert body["sample"].endswith(".png?sig=TEST&se=TEST")
    assert found["request"] == {
        "method": "POST",
        "url": "https://api.bfl.ai/v1/m",
        "headers": {"x-key": "TEST_KEY", "content-type": "application/json"},
        "body_type": "json",
        "body": {"prompt": "a fox"},
    }


def test_an_id_is_the_same_everywhere(endpoint):
    """An id has one other name, in a member and in the address that holds it."""
    body = Redactor(endpoint, KEY).sample(exchange(ANSWER))["response"]["body"]
    assert f"id={body['id']}&token=TEST" in body["polling_url"]


def test_pictures_are_tiny_and_of_their_type(endpoint):
    """A picture is another one of the same type; other base64 of that length is a word."""
    body = Redactor(endpoint, KEY).sample(exchange(ANSWER))["response"]["body"]
    assert pictures.read_facts(memoryview(base64.b64decode(body["picture"]))).media_type == "image/webp"
    assert body["data"].startswith("data:image/jpeg;base64,/9j/")
    assert base64.b64decode(body["signature"]) == b"redacted"


def test_an_answer_that_is_a_picture(endpoint):
    """A bare picture is a tiny one in base64, as in the samples."""
    found = Redactor(endpoint, KEY).sample(exchange(b"\x89PNG...", headers={"content-type": "image/png"}))
    assert found["response"]["body_type"] == "base64_bytes"
    assert pictures.read_facts(memoryview(base64.b64decode(found["response"]["body"]))).width == 2


def test_nothing_is_written_with_the_key_in_it(endpoint, tmp_path):
    """A key that the redactor would not see, here in a member's name, stops the writing."""
    with pytest.raises(RuntimeError, match="key"):
        write(tmp_path, "generate", [exchange({KEY: 1})], endpoint, KEY)
    assert not list(tmp_path.iterdir())
