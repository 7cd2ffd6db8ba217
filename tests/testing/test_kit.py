"""The kit's own parts: a front that hears everything, recordings that answer, faults by a request's head."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime

import httpx2
import pytest
from fakes.bfl import FakeBFL

import imagegen
from imagegen.testing import Answer, FaultServer, Recorded, recorded
from imagegen.testing.faults import AcceptThen, CloseAtOnce, Damage, Instead, pace
from imagegen.testing.front import Front
from imagegen.testing.pictures import huge, picture, pictures_in, truncated, with_pictures, with_unknown_members

pytestmark = pytest.mark.anyio
JSON = {"content-type": "application/json"}


async def ask(url: str, method: str = "GET", **more) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.request(method, url, **more)


async def test_fault_by_the_head_of_a_request():
    """A rule sees method, path and headers; what it says nothing about is answered."""
    rule = lambda received: Instead(Answer({}, 418)) if received.path == "/tea" else None  # noqa: E731
    async with FaultServer(Answer({"ok": 1}), rule=rule) as server:
        assert [(await ask(server.url + path)).status_code for path in ("/tea", "/coffee")] == [418, 200]


async def test_connection_closed_by_a_rule():
    """Before the body is read."""
    async with FaultServer(Answer({}), rule=lambda received: CloseAtOnce()) as server:
        with pytest.raises(httpx2.TransportError):
            await ask(server.url, "POST", content=b"x" * 10)
        assert server.submits == 0


async def test_accepted_and_then_lost():
    """The server did the work, which it may charge for; the client hears of a gateway."""
    done = []

    def work(received):
        done.append(received.body)
        return Answer({"ok": 1})

    async with FaultServer(work, [AcceptThen(Answer(b"busy", 504))]) as server:
        reply = await ask(server.url, "POST", content=b"draw")
    assert (reply.status_code, done) == (504, [b"draw"])


async def test_answers_that_take_time():
    """A fake may be async."""

    async def slow(received):
        return Answer({"path": received.path})

    async with FaultServer(slow, [Damage(headers={"content-type": "text/html"})]) as server:
        reply = await ask(f"{server.url}/a")
    assert (reply.json(), reply.headers["content-type"]) == ({"path": "/a"}, "text/html")


@pytest.mark.parametrize("form", ["seconds", "milliseconds", "date"])
def test_forms_of_a_pace(form):
    """Each in its own header or notation."""
    ((name, value),) = pace(90, form).items()
    if form == "date":
        assert parsedate_to_datetime(value) is not None
    else:
        assert (name, value) == {"seconds": ("retry-after", "90"), "milliseconds": ("retry-after-ms", "90000")}[form]


async def test_front_hears_polls_and_downloads():
    """Every address of a fake with two servers leads through the front; the picture is untouched."""
    async with Front(FakeBFL()) as front:
        connection = imagegen.Connection(api_key="bfl-test-key-000000000000", base_url=front.base_url)
        async with imagegen.AsyncClient(connections={"bfl": connection}, spool=None, timeout_s=20) as client:
            result = await client.generate("a fox", model="bfl:flux-2-pro", size="256x256")
    paths = [each.path.partition("?")[0] for each in front.received]
    assert paths[0] == "/v1/flux-2-pro"
    assert "/v1/get_result" in paths
    assert paths[-1].startswith("/~1/results/")
    assert front.answers[-1] == result.image.data


def test_pictures_are_found_and_changed_where_they_stand():
    """As the body, as base64, and as a data URL; other long texts are left alone."""
    whole, other = picture(), picture(colour="blue")
    data = with_pictures(json.dumps({"a": ["x" * 200]}).encode(), lambda found: b"")
    assert json.loads(data) == {"a": ["x" * 200]}
    import base64

    text = base64.b64encode(whole).decode()
    body = json.dumps({"plain": text, "url": f"data:image/png;base64,{text}", "n": 1}).encode()
    assert pictures_in(body) == [whole, whole]
    changed = with_pictures(body, lambda found: other)
    assert pictures_in(changed) == [other, other]
    assert json.loads(changed)["url"].startswith("data:image/png;base64,")
    assert (pictures_in(whole), with_pictures(whole, truncated)) == ([whole], truncated(whole))
    assert len(huge()) < 200


def test_unknown_members_are_added_everywhere():
    """In every object; a list or a text gets none."""
    assert json.loads(with_unknown_members(b'{"a": [{"b": 1}]}'))["a"][0].keys() == {"b", "x_new_member"}
    assert with_unknown_members(b"no json") == b"no json"


async def test_recordings_answer(tmp_path):
    """By method and path, several of one in turn; a link leads back, to a picture."""
    for number, status in enumerate(("pending", "done")):
        link = "https://files.example.com/p.png"
        recording = {
            "request": {"method": "GET", "url": "https://api.example.com/v1/jobs/1"},
            "response": {"status": 200, "headers": JSON, "body": {"status": status, "link": link}},
        }
        (tmp_path / f"{number}.json").write_text(json.dumps(recording))
    assert recorded(tmp_path / "0.json").body["status"] == "pending"
    async with FaultServer(Recorded(*sorted(tmp_path.glob("*.json")))) as server:
        said = [(await ask(f"{server.url}/jobs/1")).json() for _ in range(3)]
        fetched = await ask(said[0]["link"])
    assert [each["status"] for each in said] == ["pending", "done", "done"]
    assert said[0]["link"] == f"{server.url}/p.png"
    assert pictures_in(fetched.content)
