"""What ``compare`` and ``bench`` do alike: show the plan, ask, run, show progress, name the files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from imagegen.cli import showing, using
from imagegen.errors import ConfigurationError
from imagegen.types.cost import read_money

if TYPE_CHECKING:
    from imagegen.comparison.comparing import Comparison
    from imagegen.comparison.looking import Looker
    from imagegen.comparison.planning import ComparisonPlan, ModelCost, Wanted
    from imagegen.comparison.running import Progress
    from imagegen.comparison.suites import Suite

P = ParamSpec("P")
R = TypeVar("R")
_ASKS_ABOVE = Decimal("0.50")
"""USD: what is spent without asking."""
_OWN = ("repeats", "output", "yes", "probes", "judge", "parallel", "retry_failed", "order_seed", "label", "title")
_TAKEN = (*_OWN, "policy", "max_usd", "max_usd_per_image", "timeout_s")
_OPTIONS = [
    click.option(
        "--repeats", type=click.IntRange(1), default=1, show_default=True, help="Cells of each case and model."
    ),
    click.option(
        "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="The folder; run again to add to it."
    ),
    click.option("-y", "--yes", is_flag=True, help=f"Do not ask before spending more than ${_ASKS_ABOVE}."),
    click.option("--max-usd-per-image", help="What to set aside for a picture whose price is not known."),
    click.option("--probes", help="Which to use, with commas; `none` for none. Default: all that apply."),
    click.option("--judge", metavar="CONNECTION:MODEL", help="A model that is asked about every picture, and paid."),
    click.option(
        "--parallel", type=click.IntRange(1), default=4, show_default=True, help="Calls at once for each connection."
    ),
    click.option("--retry-failed", is_flag=True, help="Make failed and refused cells that cost nothing once more."),
    click.option("--order-seed", type=int, default=0, show_default=True, help="Of the order of cells."),
    click.option("--timeout-s", type=float, help="One clock over each call. Default: 600."),
    click.option("--label", help="What the ledger books it under."),
    click.option("--title", help="Of the report."),
]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line says of a run."""

    given: dict[str, Any]

    def wanted(self, models: list[str]) -> Wanted:
        """The same for the library."""
        from imagegen.comparison.planning import Wanted

        names = self.given.get("probes")
        probes = None if names is None else () if names == "none" else tuple(names.split(","))
        found = {
            "repeats": self.given["repeats"],
            "max_usd": read_money("max_usd", self.given.get("max_usd")),
            "max_usd_per_image": read_money("max_usd_per_image", self.given.get("max_usd_per_image")),
            "probes": probes,
            "judge": self.given.get("judge"),
            "parallel": self.given["parallel"],
            "policy": self.given.get("policy"),
            "timeout_s": self.given.get("timeout_s"),
            "order_seed": self.given["order_seed"],
            "retry_failed": self.given["retry_failed"],
            "title": self.given.get("title"),
        }
        return Wanted(models=tuple(models), **{name: value for name, value in found.items() if value is not None})


def comparison_options(command: Callable[P, R]) -> Callable[P, R]:
    """Adds how a comparison is run to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def taken_out(given: dict[str, Any]) -> RunOptions:
    """What is about the run, taken out of ``given``."""
    return RunOptions({name: given.pop(name) for name in _TAKEN if name in given})


def compare(suite: Suite, models: list[str], options: RunOptions) -> None:
    """Plan, ask, run, and show what came of it."""
    from rich.console import Console

    from imagegen import blocking
    from imagegen.comparison.comparing import new_folder, run_comparison
    from imagegen.comparison.report import terminal

    wanted = options.wanted(models)
    folder = options.given.get("output") or new_folder(Path.cwd())
    client = using.client(options.given.get("label")).asynchronous
    agree = _asking(options.given["yes"] or wanted.max_usd is not None, wanted.judge)
    with _progress() as tell:
        found = blocking.run(run_comparison(client, suite, folder, wanted, tell=tell, agree=agree))
    terminal.show(Console(stderr=True), found.numbers)
    _tell_rest(found)
    for path in found.files:
        click.echo(path)
    if found.progress.left_out:
        raise SystemExit(1)


def _asking(agreed: bool, judge: str | None) -> Callable[[ComparisonPlan, Looker], None]:
    def agree(plan: ComparisonPlan, looker: Looker) -> None:
        for each in plan.models:
            showing.tell(_row(each))
        for name, why in looker.missing.items():
            showing.tell(f"probe {name}: {why}")
        at_most = plan.at_most_usd
        answers = _answers(plan) if judge else 0
        if answers:
            showing.tell(f"{judge}: up to {answers} answers about pictures, paid beside them")
        if agreed or (not answers and at_most is not None and at_most <= _ASKS_ABOVE):
            return
        at_most = None if answers else at_most
        if not sys.stdin.isatty():
            raise ConfigurationError(
                f"it can cost {_range(plan.known_usd, at_most)}: say --yes or --max-usd; nothing was sent"
            )
        click.confirm(f"It can cost {_range(plan.known_usd, at_most)}. Go on?", abort=True, err=True)

    return agree


def _answers(plan: ComparisonPlan) -> int:
    """How many questions a judge can be asked."""
    from imagegen.comparison.judge import questions_of

    return sum(len(questions_of(each.case)) * each.case.request.n for each in plan.cells)


def _row(cost: ModelCost) -> str:
    parts = [f"{cost.model}: {cost.cells} cells", _range(cost.known_usd, cost.at_most_usd)]
    if cost.finished:
        parts.append(f"{cost.finished} stored already")
    parts += [f"{field} changed in {count}" for field, count in sorted(cost.adapted.items())]
    if cost.impossible:
        parts.append(f"cannot do {cost.impossible}")
    return ", ".join([*parts, *cost.notes])


def _range(known: Decimal, at_most: Decimal | None) -> str:
    if at_most is None:
        return f"${known:f} or more (not all prices are known)"
    return f"${at_most:f}" if known == at_most else f"${known:f} to ${at_most:f}"


def _tell_rest(found: Comparison) -> None:
    for why, count in found.progress.problems.items():
        showing.tell(f"{count} x not made: {why}")
    if found.progress.left_out:
        showing.tell(
            f"{found.progress.left_out} cells were not made: run it again to go on; what is stored is not paid again"
        )
    showing.tell(f"open {found.report}")


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """Cells, money and time left, on standard error; on a terminal one line that moves."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[money]}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("cells", total=None, money="")

        def tell(progress: Progress) -> None:
            left = "" if progress.left_s is None else f", {_clock(progress.left_s)} left"
            unknown = f" + {progress.unknown_costs} unknown" if progress.unknown_costs else ""
            money = f"${progress.known_usd:f}{unknown}{left}"
            bar.update(task, total=progress.total, completed=progress.done + progress.left_out, money=money)

        yield tell


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
