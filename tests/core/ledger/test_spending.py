"""What was spent: known and unknown apart, by any grouping, with estimates beside what was billed."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from decimal import Decimal

import pytest
from core.ledger.making import Clock, a_call, begin, ended, paid

from imagegen.errors import Billed
from imagegen.ledger import Store, UnitState
from imagegen.ledger.reading import Reader
from imagegen.ledger.spending import spending

DAY = 86_400.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    store = Store(tmp_path / "ledger.sqlite", "w", clock=clock)
    yield store
    store.close()


def groups(store, *by, **dates):
    """Every group by its names."""
    return {tuple(each.group.values()): each for each in spending(store, by, **dates).groups}


def test_known_and_unknown_stay_apart(store):
    """What nobody knows is counted beside what is known, with its bound; it is never 0."""
    store.settle(begin(store), paid("0.04"))
    store.settle(begin(store), ended(UnitState.UNKNOWN, Billed.UNKNOWN))
    begin(store, estimated_most=None, estimated_least=None)
    total = spending(store).total
    assert (total.known_usd, total.amount_usd, total.at_most_usd) == (Decimal("0.04"), None, None)
    assert (total.unknown, total.unknown_at_most_usd, total.unbounded) == (2, Decimal("0.03"), 1)
    assert total.pictures == 1


def test_what_was_not_billed_costs_nothing(store):
    """Rejected, refused and unsent submits are counted by their kind and cost 0, which is known."""
    for state in (UnitState.REJECTED, UnitState.REFUSED, UnitState.NOT_SENT):
        store.settle(begin(store), ended(state, Billed.NO))
    total = spending(store).total
    assert (total.failures, total.refusals, total.amount_usd, total.unknown) == (2, 1, Decimal(0), 0)


def test_paid_without_a_price_is_unknown(store):
    """A picture that was billed at a price nobody knows has the reserve as its bound."""
    store.settle(begin(store), paid(None))
    store.settle(begin(store), ended(UnitState.UNREADABLE, Billed.YES))
    total = spending(store).total
    assert (total.amount_usd, total.at_most_usd, total.unknown) == (None, Decimal("0.06"), 2)
    assert (total.pictures, total.failures) == (1, 1)


def test_a_price_without_a_bill_is_a_bound(store):
    """Where nobody knows whether it was billed, the price it would have had is the most it can be."""
    store.settle(begin(store), ended(UnitState.FAILED, Billed.UNKNOWN, reported=20_000_000))
    total = spending(store).total
    assert (total.known_usd, total.amount_usd, total.at_most_usd) == (Decimal(0), None, Decimal("0.02"))


def test_computed_stands_in_for_reported(store):
    """The provider's own figure wins over what we computed."""
    store.settle(begin(store), paid("0.02", computed=30_000_000))
    store.settle(begin(store), paid(None, computed=30_000_000))
    assert spending(store).total.amount_usd == Decimal("0.05")


def test_groups_and_dates(store, clock):
    """Any grouping together, within days; what has no label is None."""
    store.settle(begin(store, a_call(label="shop")), paid())
    clock.now += DAY
    store.settle(begin(store, model="batch"), paid("0.01"))
    first = date.fromtimestamp(clock.now - DAY)
    found = groups(store, "day", "label", "model")
    assert set(found) == {
        (first.isoformat(), "shop", "acme:sketch"),
        ((first + timedelta(1)).isoformat(), None, "acme:batch"),
    }
    assert set(groups(store, "model", until=first)) == {("acme:sketch",)}
    assert set(groups(store, "connection", since=first + timedelta(1))) == {("acme",)}
    assert groups(store, "model", since=first + timedelta(2)) == {}


def test_a_wrong_price_row_shows(store):
    """Estimates are summed beside what was billed, and those that miss are counted."""
    for price in ("0.03", "0.05", "0.05"):
        store.settle(begin(store), paid(price))
    store.settle(begin(store, pictures=4), paid("0.01", came=1))
    found = spending(store).total.estimates
    assert found is not None
    assert (found.units, found.outside) == (3, 2)
    assert (found.least_usd, found.most_usd, found.actual_usd) == (Decimal("0.09"), Decimal("0.09"), Decimal("0.13"))


def test_sums_are_exact(store):
    """Ten thousandths of a cent, a thousand times, are a cent."""
    for _ in range(100):
        store.settle(begin(store), paid("0.000000001"))
    assert spending(store).total.amount_usd == Decimal("0.0000001")


def test_a_newer_ledger_is_read(store, tmp_path):
    """A version that may not be spent on, with columns nobody knows here, is read all the same."""
    store.settle(begin(store), paid())
    store.close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("ALTER TABLE units ADD COLUMN mood TEXT DEFAULT 'good'")
    connection.close()
    reader = Reader.open(tmp_path / "ledger.sqlite")
    assert spending(reader).total.amount_usd == Decimal("0.03")
    reader.close()


def test_a_damaged_ledger_is_read_from_both_ends(store, tmp_path):
    """Rows before and after a page that was overwritten are there, and it is said that some are not."""
    for _ in range(300):
        store.settle(begin(store), paid())
    store.close()
    overwrite_a_page(tmp_path / "ledger.sqlite", "units")
    reader = Reader.open(tmp_path / "ledger.sqlite")
    spent = spending(reader)
    assert spent.damaged
    assert 200 < spent.total.pictures < 300
    reader.close()


def overwrite_a_page(path, table):
    """Garbage over a page in the middle of a table."""
    connection = sqlite3.connect(path)
    pages = connection.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,)).fetchall()
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with path.open("r+b") as file:
        file.seek((pages[len(pages) // 2][0] - 1) * size)
        file.write(b"\xa5" * size)
