"""Forgetting: what ended goes, what is open stays, totals stay, and no trace of an erased prompt is left."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from dataclasses import replace
from decimal import Decimal

import pytest
from core.ledger.making import a_call, begin, ended, keep, label_budget, paid
from core.serving import FaultServer, acme_answer, client

import imagegen
from imagegen.errors import Billed
from imagegen.ledger import Ledger, Store, UnitState
from imagegen.ledger.checking import problems
from imagegen.ledger.files import Folder
from imagegen.ledger.purging import purge

pytestmark = pytest.mark.anyio
PROMPT = "a fox named secretword-7261"
LATER = time.time() + 1e6


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


def a_stored_call(path, content=b"picture", state=UnitState.STORED, end=True, **fields):
    """A call with a picture file; its id."""
    store, call = Store(path, "w"), a_call(**fields)
    how = ended(state, Billed.UNKNOWN) if state is UnitState.UNKNOWN else paid(pictures=(keep(path, content),))
    store.settle(begin(store, call), how)
    if end:
        store.finish(call.id, (), None)
    store.close()
    return call.id


async def purged(path, before=LATER, **keywords):
    """Purge, in the way of the command line; files written a moment ago count as old."""
    for file in path.with_suffix(".files").rglob("*.*"):
        os.utime(file, (1, 1))
    ledger = Ledger(path)
    try:
        return await purge(ledger, before, **keywords)
    finally:
        await ledger.close()


def everything(path):
    """Every byte beside and in the database, picture files apart."""
    return b"".join(each.read_bytes() for each in path.parent.glob("ledger.sqlite*")) + b"".join(
        each.read_bytes() for each in path.with_suffix(".files").rglob("*") if each.is_file()
    )


def calls(path):
    """The calls that are left."""
    store = Store(path, "w")
    found = {row["id"] for row in store.read("SELECT id FROM calls")}
    store.close()
    return found


def whole(path):
    """What `imagegen ledger check` finds wrong."""
    store = Store(path, "w")
    found = list(problems(store, Folder(path.with_suffix(".files"))))
    store.close()
    return found


async def test_only_what_ended_and_is_settled_goes(path):
    """A call with an open unit, and one that has not ended, stay with all they have."""
    gone = a_stored_call(path)
    unknown = a_stored_call(path, state=UnitState.UNKNOWN)
    ledger = Ledger(path)
    running = a_call("running")
    await ledger.do(begin, running)
    Folder(path.with_suffix(".files")).keep_request("running", PROMPT)
    Folder(path.with_suffix(".files")).keep_request(gone, PROMPT)
    done = await purged(path)
    assert (done.calls, done.still_open) == (1, 2)
    assert calls(path) == {unknown, "running"}
    assert [each.name for each in (path.with_suffix(".files") / "open").iterdir()] == ["running.json"]
    await ledger.close()


async def test_what_ended_later_stays(path):
    """The date is that of the end."""
    here = a_stored_call(path)
    assert (await purged(path, before=time.time() - 60)).calls == 0
    assert calls(path) == {here}


async def test_a_picture_that_another_call_names_stays(path):
    """The same content is one file; it goes with the last row that names it."""
    a_stored_call(path, b"same")
    a_stored_call(path, b"same", end=False)
    a_stored_call(path, b"other")
    store = Store(path, "w")
    store.purge(LATER)
    named = {row["file"] for row in store.read("SELECT file FROM pictures")}
    store.close()
    folder = Folder(path.with_suffix(".files"))
    assert folder.sweep({"pictures": named}, LATER)[0] == 1
    assert {each.name for each in (folder.path / "pictures").iterdir()} == named


async def test_a_file_that_is_written_meanwhile_stays(path):
    """A call that keeps an old content anew, while the purge runs, finds its file where it put it."""
    a_stored_call(path, b"same")
    folder = Folder(path.with_suffix(".files"))
    began = time.time() - 1
    keep(path, b"same")
    assert folder.sweep({"pictures": set()}, began)[0] == 0


async def test_quarantine_goes_by_age(path):
    """What was no picture is kept until the date."""
    a_stored_call(path)
    kept = Folder(path.with_suffix(".files")).quarantine(b"junk")
    assert (await purged(path)).files == 2
    assert not kept.exists()


async def test_totals_stay_and_still_add_up(path):
    """A label's budget does not begin anew, and the sums are still checked against the rows."""
    a_stored_call(path, label="shop")
    a_stored_call(path, label="shop", state=UnitState.UNKNOWN)
    await purged(path)
    store = Store(path, "w")
    shop = next(each for each in store.totals() if each.scope == "label:shop")
    assert (shop.settled_usd, shop.reserved_usd) == (Decimal("0.03"), Decimal("0.03"))
    with pytest.raises(imagegen.BudgetExceededError):
        begin(store, a_call(label="shop"), budgets=[label_budget("shop", "0.08")])
    store.close()
    assert whole(path) == []


async def test_a_call_that_a_dead_process_left_goes(path):
    """A call whose process ended after the last settlement, and before the call's end, is not kept for ever."""
    store, call = Store(path, "1-dead"), a_call()
    store.settle(begin(store, call), paid())
    store.close()
    assert (await purged(path)).calls == 1


async def test_an_erased_prompt_leaves_no_trace(path):
    """Of a call made with its whole prompt stored, nothing is left in database, WAL or files; row and cost stay."""
    async with FaultServer(acme_answer) as server:
        async with client(server, ledger=path, store_prompts="full") as asking:
            await asking.generate(PROMPT, model="acme:sketch", key="k1")
    assert b"secretword" in everything(path)
    done = await purged(path, prompts=True)
    assert (done.calls, done.rewritten) == (1, True)
    assert b"secretword" not in everything(path)
    (row,) = rows(path, "SELECT * FROM calls")
    assert (row["prompt"], row["prompt_sha256"], row["key"]) == (None, None, "k1")
    assert row["fingerprint"] == row["binding"] == "(erased)"
    assert whole(path) == []
    assert rows(path, "SELECT came FROM units")[0]["came"] == 1


async def test_what_quotes_a_prompt_is_erased_too(path):
    """A provider's message, a link, a revised prompt: whatever may repeat what was asked."""
    store, call = Store(path, "w"), a_call(key="c", binding="c")
    unit = begin(store, call)
    store.accepted(unit, UnitState.READY, f'{{"urls": ["https://x/{PROMPT}"]}}', None)
    store.settle(unit, replace(paid(), error=f"no {PROMPT}"))
    image = {"path": "p", "revised_prompt": PROMPT}
    adapted = {"field": "negative_prompt", "asked": PROMPT, "sent": None, "got": None, "why": "w"}
    result = {"images": [image], "failures": [{"message": PROMPT}], "attempts": [{"error": PROMPT}]}
    store.finish(call.id, (), json.dumps({**result, "adaptations": [adapted], "warnings": [PROMPT]}))
    store.close()
    await purged(path, prompts=True)
    assert b"secretword" not in everything(path)
    assert rows(path, "SELECT key FROM calls")[0]["key"] is None  # a cache's key is a hash of what was asked


async def test_a_key_of_an_erased_call_fits_nothing(path):
    """Without its hash nobody knows what the key was used for: it is refused, not paid again."""
    async with FaultServer(acme_answer) as server:
        async with client(server, ledger=path) as asking:
            await asking.generate(PROMPT, model="acme:sketch", key="k1")
        await purged(path, prompts=True)
        async with client(server, ledger=path) as asking:
            with pytest.raises(imagegen.ConfigurationError, match="erased"):
                await asking.generate(PROMPT, model="acme:sketch", key="k1")
    assert server.submits == 1


async def test_a_reader_keeps_the_file_from_being_rewritten(path):
    """Where another process reads, rows go all the same, and it is said that traces may be left."""
    a_stored_call(path, prompt=PROMPT)
    connection = sqlite3.connect(path)
    connection.execute("BEGIN")
    connection.execute("SELECT * FROM calls").fetchall()
    store = Store(path, "w")
    store._connection.execute("PRAGMA busy_timeout = 50")
    assert store.purge(LATER) == 1
    assert not store.rewrite()
    connection.close()
    assert store.rewrite()
    assert b"secretword" not in everything(path)
    store.close()


async def test_open_calls_keep_their_prompt(path):
    """What is still to be asked or collected is not erased."""
    a_stored_call(path, state=UnitState.UNKNOWN, prompt=PROMPT)
    assert (await purged(path, prompts=True)).still_open == 1
    assert b"secretword" in everything(path)


async def test_check_names_what_is_wrong(path):
    """A picture that is gone, one that was changed, and a total that does not add up."""
    a_stored_call(path, b"one")
    a_stored_call(path, b"two")
    one, two = sorted((path.with_suffix(".files") / "pictures").iterdir())
    one.unlink()
    two.write_bytes(b"TWO")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE totals SET settled = settled + 1")
    connection.commit()
    connection.close()
    found = whole(path)
    assert len(found) == 3
    assert "gone" in found[0] + found[1]
    assert "not the picture" in found[0] + found[1]
    assert "its rows say $0.06" in found[2]


def rows(path, query):
    """Rows of the database as it is."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    found = connection.execute(query).fetchall()
    connection.close()
    return found
