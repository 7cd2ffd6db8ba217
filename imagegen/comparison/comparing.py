"""The comparison from end to end: plan, make what is missing, look, count, report."""

from __future__ import annotations

import platform
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import imagegen
from imagegen import blocking
from imagegen.comparison.judge import Judge, check_questions
from imagegen.comparison.judgements import Judgements
from imagegen.comparison.looking import Looker
from imagegen.comparison.numbers import Numbers, numbers_of
from imagegen.comparison.planning import ComparisonPlan, Wanted, plan_cells
from imagegen.comparison.purse import Purse
from imagegen.comparison.report import make_thumbnail, write_report
from imagegen.comparison.running import Bench, Progress, run_cells
from imagegen.comparison.store import CellStore
from imagegen.comparison.suites import Suite, read_suite, suite_of
from imagegen.errors import BudgetExceededError, ConfigurationError
from imagegen.threads import in_thread
from imagegen.types.cost import read_money
from imagegen.types.run import RequestFields

if TYPE_CHECKING:
    from imagegen.client import AsyncClient
    from imagegen.comparison.cells import Cell
    from imagegen.types.request import ImageRequest
    from imagegen.types.run import Policy

_LEDGER = "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it. Everything lies in `folder`; nothing is held in memory."""

    folder: Path
    numbers: Numbers
    progress: Progress
    """Of this run: cells made now, and why some were not."""
    files: tuple[Path, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def report(self) -> Path:
        """The HTML file."""
        return self.folder / "report.html"

    def cells(self) -> Iterator[Cell]:
        """Every cell, read one by one."""
        return CellStore(self.folder).cells()


def compare(
    prompt: str | ImageRequest | Suite | Path,
    *,
    models: Sequence[str],
    repeats: int = 1,
    folder: str | Path | None = None,
    max_usd: Decimal | str | float | None = None,
    max_usd_per_image: Decimal | str | float | None = None,
    probes: Sequence[str] | None = None,
    judge: str | None = None,
    expect: Mapping[str, Any] | None = None,
    parallel: int = 4,
    policy: Policy = "best_effort",
    timeout_s: float | None = None,
    client: imagegen.Client | None = None,
    **fields: Unpack[RequestFields],
) -> Comparison:
    """The same request, or a suite, over several models: ``compare("a red fox", models=[...], repeats=3)``.

    Cells that are stored in ``folder`` already are not made again, and a repeated call pays only for what is new. Give
    `max_usd` where money is involved: nothing is sent that could take it above.

    Args:
        prompt: A prompt, a request, a `Suite`, or the path of a suite's file.
        models: ``connection:model``, each once.
        repeats: Fresh pictures of each request; with a seed each is the same picture again.
        folder: Where everything is kept; None: a new one below the working folder, named for the day.
        probes: Which to use; None: all that apply and are installed; (): none.
        judge: ``connection:model`` that is asked about every picture; it is paid, within `max_usd` too.
        expect: What the prompt's pictures should show, by probe; None: what the prompt surely says; {}: nothing.
        client: Whose connections and ledger are used; None: those of the module's own client.

    Raises:
        ConfigurationError: No such model or suite; another run is using the folder.
        BudgetExceededError: It could cost more than `max_usd`; nothing was sent.
    """
    from imagegen import front

    suite = _suite(prompt, fields, expect)
    wanted = Wanted(
        models=tuple(models),
        repeats=repeats,
        max_usd=read_money("max_usd", max_usd),
        max_usd_per_image=read_money("max_usd_per_image", max_usd_per_image),
        judge=judge,
        probes=None if probes is None else tuple(probes),
        parallel=parallel,
        policy=policy,
        timeout_s=timeout_s,
    )
    chosen = Path(folder) if folder is not None else new_folder(Path.cwd())
    return blocking.run(run_comparison((client or front.client()).asynchronous, suite, chosen, wanted))


def new_folder(below: Path) -> Path:
    """A folder that does not exist yet, named for this minute."""
    name = f"comparison-{datetime.now().astimezone():%Y-%m-%d-%H%M}"
    numbered = (below / (name if not number else f"{name}-{number}") for number in range(1000))
    return next(each for each in numbered if not each.exists())


def _suite(
    prompt: str | ImageRequest | Suite | Path, fields: Mapping[str, Any], expect: Mapping[str, Any] | None
) -> Suite:
    if isinstance(prompt, (Suite, Path)) and (fields or expect):
        raise ConfigurationError("a suite says for itself what is asked: no further fields")
    if isinstance(prompt, Path):
        return read_suite(prompt)
    return prompt if isinstance(prompt, Suite) else suite_of(prompt, fields, expect)


async def run_comparison(
    client: AsyncClient,
    suite: Suite,
    folder: Path,
    wanted: Wanted,
    *,
    tell: Callable[[Progress], None] = lambda progress: None,
    agree: Callable[[ComparisonPlan, Looker], None] = lambda plan, looker: None,
) -> Comparison:
    """Plan, make what is missing, count and report; ``agree`` sees the plan and raises to stop before money is spent.

    Raises:
        ImageGenError: As `compare`.
    """
    store = CellStore(folder)
    check_questions(suite)
    looker = Looker.of(suite, wanted.probes, wanted.judge)
    store.open()
    try:
        async with _with_ledger(client, folder, wanted) as asking:
            plan = plan_cells(asking, suite, wanted, store)
            _check_money(plan, wanted)
            if wanted.judge is not None:
                asking.check_judge(wanted.judge)
            agree(plan, looker)
            facts = facts_of(suite, wanted, looker)
            title = wanted.title or store.about().get("title") or suite.name
            store.describe(title, {case.id: case.request.fingerprint for case in suite}, facts)
            bench = Bench(
                client=asking,
                store=store,
                thumbnail=make_thumbnail,
                looker=looker if looker.found else None,
                judge=_judge(asking, store, wanted),
                parallel=wanted.parallel,
                order_seed=wanted.order_seed,
                settings=_run_settings(wanted),
                tell=tell,
            )
            progress = await run_cells(bench, plan.cells)
        numbers, files = await in_thread(rebuild, store, wanted.order_seed)
        return Comparison(folder, numbers, progress, tuple(files), facts)
    finally:
        looker.close()
        store.close()


def rebuild(store: CellStore, seed: int = 0) -> tuple[Numbers, list[Path]]:
    """Numbers and reports from the stored cells; nothing is asked.

    Raises:
        ConfigurationError: There is no comparison in the folder.
    """
    about = store.about()
    if not about:
        raise ConfigurationError(f"{store.folder} holds no comparison: `imagegen compare -o` makes one")
    numbers = numbers_of(store.cells(), seed)
    return numbers, write_report(store.folder, store.cells(), numbers, about["title"], about["facts"])


@asynccontextmanager
async def _with_ledger(client: AsyncClient, folder: Path, wanted: Wanted) -> AsyncIterator[AsyncClient]:
    """A client with the settings of ``client``, on its ledger, else on one in the comparison's folder."""
    changes: dict[str, Any] = {} if client.keeps_ledger else {"ledger": folder / _LEDGER}
    if wanted.max_usd is not None:
        changes |= {"budget_usd": wanted.max_usd}
    if not changes:
        yield client
        return
    async with client.copy(**changes) as own:
        yield own


def _check_money(plan: ComparisonPlan, wanted: Wanted) -> None:
    if wanted.max_usd is None:
        return
    if plan.at_most_usd is None:
        if wanted.max_usd_per_image is None:
            unknown = [each.model for each in plan.models if each.at_most_usd is None]
            raise BudgetExceededError(
                f"nobody knows what {', '.join(unknown)} can cost: say max_usd_per_image; nothing was sent"
            )
    elif plan.known_usd > wanted.max_usd:
        raise BudgetExceededError(
            f"it costs at least ${plan.known_usd:f}, more than max_usd ${wanted.max_usd:f}; nothing was sent"
        )


def _judge(client: AsyncClient, store: CellStore, wanted: Wanted) -> Judge | None:
    if wanted.judge is None:
        return None
    return Judge(client, wanted.judge, Judgements(store.folder), Purse(wanted.max_usd), wanted.parallel)


def _run_settings(wanted: Wanted) -> dict[str, Any]:
    found = {
        "policy": wanted.policy,
        "timeout_s": wanted.timeout_s,
        "max_usd_per_image": wanted.max_usd_per_image,
    }
    return {name: value for name, value in found.items() if value is not None}


def facts_of(suite: Suite, wanted: Wanted, looker: Looker) -> dict[str, str]:
    """What a reader has to know to run it again."""
    probes = [f"{name} (not used: {why})" for name, why in looker.missing.items()]
    return {
        "suite": suite.name,
        "cases": str(len(suite.cases)),
        "models": ", ".join(wanted.models),
        "repeats": str(wanted.repeats),
        "policy": wanted.policy,
        "calls at once for each connection": str(wanted.parallel),
        "seed of order and resampling": str(wanted.order_seed),
        "probes": ", ".join([*looker.found, *probes]) or "none",
        **({"judge": wanted.judge} if wanted.judge else {}),
        "imagegen": imagegen.__version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "run at": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
    }
