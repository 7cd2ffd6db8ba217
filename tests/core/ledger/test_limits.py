"""Limits, paces, breakers and repeats: over simulated time, shared by processes, through restarts and clock jumps."""

from __future__ import annotations

import subprocess
import sys

import pytest
from core.ledger.making import Clock, a_call, an_intent, begin, ended, paid
from hypothesis import given, settings
from hypothesis import strategies as st

from imagegen.errors import Billed
from imagegen.ledger import Begun, Store, UnitState, Wait
from imagegen.types.limits import Limits

HOUR = 3600.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    store = Store(None, "w", clock=clock)
    yield store
    store.close()


def granted(store, clock, limits, seconds, counts=(1,)):
    """Submits as fast as they are let through: the time of each, and its pictures."""
    end, found, turn = clock.now + seconds, [], 0
    while clock.now < end:
        pictures = counts[turn % len(counts)]
        answer = store.begin(an_intent(limits=limits, pictures=pictures))
        if isinstance(answer, Wait):
            assert 0 < answer.seconds < HOUR
            clock.now += answer.seconds
        else:
            found.append((clock.now, pictures))
            turn += 1
    return found


def busiest(found, window=59.999):
    """The most pictures in any minute."""
    return max(sum(pictures for when, pictures in found if start <= when < start + window) for start, _ in found)


@pytest.mark.parametrize("per_minute", [1, 5, 10, 60, 300])
def test_no_minute_is_above_the_limit(store, clock, per_minute):
    """In no 60 s are there more requests than the limit, and in the long run not far fewer."""
    found = granted(store, clock, Limits(requests_per_minute=per_minute), 600)
    assert busiest(found) <= per_minute
    assert len(found) >= 0.9 * per_minute * 10


@settings(max_examples=60, deadline=None)
@given(per_minute=st.integers(4, 80), counts=st.lists(st.integers(1, 10), min_size=1, max_size=5))
def test_pictures_count_by_n(per_minute, counts):
    """Calls of several pictures take that many turns, in any mixture; none is more than the limit itself."""
    counts = [min(count, per_minute) for count in counts]
    clock = Clock()
    store = Store(None, "w", clock=clock)
    assert busiest(granted(store, clock, Limits(images_per_minute=per_minute), 300, counts)) <= per_minute
    store.close()


def test_a_call_above_the_limit_goes_alone(store, clock):
    """Four pictures at one a minute go all the same, every four minutes."""
    found = granted(store, clock, Limits(images_per_minute=1), 1000, [4])
    assert [round(when - found[0][0]) for when, _ in found] == [0, 240, 480, 720, 960]


def test_idle_time_saves_up_no_more_than_a_burst(store, clock):
    """After a day without a call the limit is the same."""
    limits = Limits(requests_per_minute=10)
    granted(store, clock, limits, 60)
    clock.now += 24 * HOUR
    assert busiest(granted(store, clock, limits, 120)) <= 10


def test_families_and_accounts_have_their_own(store):
    """Another family of models, or another key, waits for nobody."""
    limits = Limits(requests_per_minute=1)
    begin(store, limits=limits)
    assert isinstance(store.begin(an_intent(limits=limits)), Wait)
    begin(store, limits=limits, family="other")
    begin(store, limits=limits, account="acme#2")


def test_processes_share_a_limit_that_outlives_them(tmp_path):
    """Three processes in turn on one file get what one would have got."""
    script = """
import sys
from core.ledger.making import an_intent
from imagegen.ledger import Begun, Store
from imagegen.types.limits import Limits
from pathlib import Path
store = Store(Path(sys.argv[1]), sys.argv[2])
limits = Limits(requests_per_minute=2)
print(sum(isinstance(store.begin(an_intent(limits=limits)), Begun) for _ in range(5)))
"""
    found = [
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "ledger.sqlite"), name],
            capture_output=True, text=True, check=True, timeout=60, cwd="tests",
        ).stdout.strip()
        for name in ("1-a", "2-b", "3-c")
    ]  # fmt: skip
    assert found == ["1", "0", "0"]


def test_jobs_at_once(store, clock):
    """An accepted job counts until it is settled; one that nobody asked about for ten minutes does not."""
    limits = Limits(concurrent=2)
    first, second = begin(store, limits=limits), begin(store, limits=limits)
    store.accepted(second, UnitState.SUBMITTED, "{}", None)
    assert isinstance(store.begin(an_intent(limits=limits)), Wait)
    store.settle(first, paid())
    begin(store, limits=limits)
    assert isinstance(store.begin(an_intent(limits=limits)), Wait)
    clock.now += 601
    begin(store, limits=limits)


@pytest.mark.parametrize(("stated", "waited"), [(12.5, 12.5), (0, 0), (-30, 0), (float("nan"), 0), (1e12, 86_400)])
def test_a_stated_pace_holds_for_everyone(store, clock, stated, waited):
    """What the provider asks for is kept, a day at most; the past and nonsense are no pace."""
    store.state_pace("acme#1", "sketch", stated)
    answer = store.begin(an_intent())
    assert (answer.seconds if isinstance(answer, Wait) else 0) == pytest.approx(waited)
    clock.now += waited
    assert isinstance(store.begin(an_intent()), Begun)


# Breaker.


def trouble(store, kind, count=1):
    """Submits that end so."""
    state, billed = (UnitState.STORED, Billed.YES) if kind == "ok" else (UnitState.UNKNOWN, Billed.UNKNOWN)
    units = [begin(store, limits=Limits(breaker=False)) for _ in range(count)]
    for unit in units:
        store.settle(unit, ended(state, billed, trouble=kind))


@pytest.mark.parametrize("kind", ["credit", "key"])
def test_no_credit_or_a_bad_key_opens_at_once(store, kind):
    """The account's next submit is not made, whatever the model."""
    trouble(store, kind)
    answer = store.begin(an_intent(family="other"))
    assert isinstance(answer, Wait)
    assert (answer.error, answer.seconds) == (kind, 30)
    assert isinstance(store.begin(an_intent(account="acme#2")), Begun)


def test_five_unknown_in_a_minute_open(store, clock):
    """Four do not, nor five over a longer time."""
    for _ in range(6):
        trouble(store, "unknown")
        clock.now += 16
        assert isinstance(store.begin(an_intent()), Begun)
    trouble(store, "unknown", 2)
    assert store.begin(an_intent()).error == "breaker"


def test_a_busy_account_is_not_down_for_a_few_faults(store):
    """Five unknown among more that came well are no reason, in whatever order they come."""
    trouble(store, "ok", 6)
    trouble(store, "unknown", 5)
    assert isinstance(store.begin(an_intent()), Begun)


def test_half_open_lets_one_try(store, clock):
    """After 30 s one submit goes; the others wait for what becomes of it, 30 s at most."""
    trouble(store, "unknown", 5)
    clock.now += 30
    tried = begin(store)
    assert store.begin(an_intent()).error == "breaker"
    store.settle(tried, ended(UnitState.UNKNOWN, Billed.UNKNOWN, trouble="unknown"))
    assert store.begin(an_intent()).seconds == 30
    clock.now += 30
    store.settle(begin(store), paid(trouble="ok"))
    assert isinstance(store.begin(an_intent()), Begun)
    assert isinstance(store.begin(an_intent()), Begun)


def test_a_try_that_tells_nothing_costs_30_s(store, clock):
    """A refusal neither closes nor opens; the next try comes after 30 s."""
    trouble(store, "key")
    clock.now += 30
    store.settle(begin(store), ended(UnitState.REFUSED, Billed.NO))
    assert isinstance(store.begin(an_intent()), Wait)
    clock.now += 30
    assert isinstance(store.begin(an_intent()), Begun)


def test_a_switched_off_breaker_stops_nothing(store):
    """``Limits(breaker=False)``."""
    trouble(store, "credit")
    assert isinstance(store.begin(an_intent(limits=Limits(breaker=False))), Begun)


# Repeats.


def test_repeats_are_a_tenth_of_the_calls_and_three(store):
    """A call of four tasks is one call; its second attempt none."""
    for _ in range(25):
        call = a_call()
        for task in range(4):
            begin(store, call, task=task)
        begin(store, call, attempt=2)
    assert [store.take_repeat("acme#1") for _ in range(7)] == [True] * 5 + [False] * 2
    assert store.take_repeat("acme#2")


def test_processes_share_repeats(tmp_path):
    """Four stores on one file have three between them; two hours later three more."""
    clock = Clock()
    stores = [Store(tmp_path / "ledger.sqlite", f"{number}-w", clock=clock) for number in range(4)]
    assert sum(each.take_repeat("acme#1") for each in stores) == 3
    clock.now += 2 * HOUR
    assert stores[0].take_repeat("acme#1")
    for each in stores:
        each.close()


# The clock jumps.


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_jump_costs_no_long_wait_and_lifts_no_limit(store, clock, jump):
    """An hour forward or back gives a burst at most; after it the limit is what it was."""
    limits = Limits(requests_per_minute=10)
    before = granted(store, clock, limits, 300)
    clock.now += jump
    answer = store.begin(an_intent(limits=limits))
    assert not isinstance(answer, Wait) or answer.seconds <= 60
    after = granted(store, clock, limits, 300)
    assert busiest(before) <= 10
    assert busiest(after) <= 10


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_jump_keeps_no_breaker_open(store, clock, jump):
    """An open breaker is open for 30 s more at most."""
    trouble(store, "key")
    clock.now += jump
    if isinstance(answer := store.begin(an_intent()), Wait):
        assert answer.seconds <= 30
        clock.now += answer.seconds
        begin(store)
    assert isinstance(store.begin(an_intent()), Wait)  # the one try is under way


def test_a_clock_set_back_holds_no_place_for_an_hour(store, clock):
    """Jobs from after the hour that was set back no longer count; those begun since do."""
    limits = Limits(concurrent=1)
    begin(store, limits=limits)
    clock.now -= HOUR
    begin(store, limits=limits)
    assert isinstance(store.begin(an_intent(limits=limits)), Wait)
