"""How much of a prompt a ledger keeps, and what is kept while a call is open."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest
from core.serving import ERRORS, acme_answer, client
from core.test_jobs import Jobs

import imagegen
from imagegen.testing.faults import Answer, CloseAnswerless, FaultServer, Instead

pytestmark = pytest.mark.anyio
PROMPT = "canary prompt of a very private fox"
MODEL = "acme:sketch"


def found_in(folder) -> list[str]:
    """The files of a ledger that quote the prompt."""
    return sorted(each.name for each in folder.rglob("*") if each.is_file() and PROMPT.encode() in each.read_bytes())


def stored(folder) -> list[tuple[str | None, str | None]]:
    connection = sqlite3.connect(folder / "ledger.sqlite")
    try:
        return connection.execute("SELECT prompt_sha256, prompt FROM calls").fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("how", ["hash", "none"])
async def test_no_file_quotes_the_prompt_of_a_call_that_is_over(tmp_path, how):
    """Neither rows, results, errors that echo it, nor what was deleted: nothing of it is on disk after the call."""
    echo = Instead(Answer(ERRORS[MODEL]("bad", f"cannot draw {PROMPT}"), 400))
    async with FaultServer(acme_answer, [None, echo]) as server:
        async with client(server, ledger=tmp_path, store_prompts=how) as asking:
            await asking.generate(PROMPT, model=MODEL, key="k")
            with pytest.raises(imagegen.InvalidRequestError, match="private fox"):
                await asking.generate(PROMPT, model=MODEL)
        assert found_in(tmp_path) == []
    digest = hashlib.sha256(PROMPT.encode()).hexdigest() if how == "hash" else None
    assert stored(tmp_path) == [(digest, None)] * 2


async def test_prompts_in_full(tmp_path):
    """``store_prompts="full"`` keeps the prompt beside its hash."""
    async with FaultServer(acme_answer) as server, client(server, ledger=tmp_path, store_prompts="full") as asking:
        await asking.generate(PROMPT, model=MODEL)
    assert stored(tmp_path)[0][1] == PROMPT


@pytest.mark.parametrize(("how", "kept"), [("hash", True), ("none", False)])
async def test_what_is_open_can_be_asked_again(tmp_path, how, kept):
    """While its outcome is unknown a call's request lies in a private file; with ``none`` it does not."""
    async with FaultServer(acme_answer, [CloseAnswerless()]) as server:
        async with client(server, ledger=tmp_path, store_prompts=how) as asking:
            with pytest.raises(imagegen.OutcomeUnknownError):
                await asking.generate(PROMPT, model=MODEL)
            (unit,) = await asking.jobs()
            assert found_in(tmp_path) == ([f"{unit.job}.json"] if kept else [])
            if kept:
                await asking.resume(unit.job, retry_unknown=True)
                await asking.reconcile(unit.job, billed=True)
                assert found_in(tmp_path) == []
            else:
                with pytest.raises(imagegen.ConfigurationError, match="was not kept"):
                    await asking.resume(unit.job, retry_unknown=True)
            assert server.submits == 1 + kept


async def test_an_error_of_a_resumed_job_does_not_quote_the_prompt(tmp_path):
    """Another process collects a job that ends badly, and the provider repeats the prompt: no row does."""
    refusal = {"error": {"code": "unsafe", "message": f"cannot draw {PROMPT}"}}
    async with Jobs(Answer(refusal, 422)) as jobs:
        async with client(jobs.server, ledger=tmp_path) as asking:
            job = await asking.submit(PROMPT, model="acme-jobs:sketch")
        async with client(jobs.server, ledger=tmp_path) as asking:
            with pytest.raises(imagegen.ModerationError, match="private fox"):
                await asking.resume(job.id, timeout_s=10)
    assert found_in(tmp_path) == []
