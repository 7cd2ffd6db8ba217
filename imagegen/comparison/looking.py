"""What the probes say of a cell's pictures: those that its case names, and those that need no expectation."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imagegen import probes
from imagegen.comparison.cells import CellFinding
from imagegen.comparison.judge import NAME as JUDGE
from imagegen.errors import ConfigurationError, ImageGenError
from imagegen.threads import Pool

if TYPE_CHECKING:
    from imagegen.comparison.suites import Case, Suite
    from imagegen.types.result import ImageResult

_ALWAYS = ("technical",)
"""What every picture is looked at for."""
_MASKED = ("locality",)
"""What an edit with a mask is looked at for."""
_THREADS = os.cpu_count() or 2
_log = logging.getLogger("imagegen.comparison")


@dataclass(slots=True)
class Looker:
    """The probes of one comparison, made once."""

    chosen: tuple[str, ...] | None = None
    """The probes to use; None: all that a case wants."""
    found: dict[str, probes.Probe] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Probes that the suite wants and that cannot run here, with the reason."""
    _pool: Pool = field(default_factory=lambda: Pool(_THREADS, "imagegen-probes"))

    @classmethod
    def of(cls, suite: Suite, chosen: tuple[str, ...] | None, judge: str | None = None) -> Looker:
        """The probes that ``suite`` wants; ``chosen`` names those to use, None all.

        Raises:
            ConfigurationError: No such probe, or a case expects something that its probe does not understand.
        """
        looker = cls(chosen)
        wanting = sum(JUDGE in case.expect for case in suite)
        if wanting and judge is None and (chosen is None or JUDGE in chosen):
            looker.missing[JUDGE] = f"{wanting} cases ask one, and none is named (--judge CONNECTION:MODEL)"
        for case in suite:
            for name, expectation in _wanted(case, chosen).items():
                looker._take(name)
                if name in looker.found:
                    try:
                        looker.found[name].expects(expectation)
                    except ConfigurationError as error:
                        raise ConfigurationError(f"case {case.id}: {error.message}") from None
        return looker

    def _take(self, name: str) -> None:
        if name in self.found or name in self.missing:
            return
        kind = probes.probe(name)
        why = kind.missing()
        if why is not None:
            self.missing[name] = why
        else:
            self.found[name] = kind()

    async def look(self, case: Case, result: ImageResult) -> tuple[CellFinding, ...]:
        """What each probe says of each picture, in threads of their own: looking takes seconds."""
        work = self._pool.submit(lambda: self._looked(case, result))
        return await asyncio.shield(asyncio.wrap_future(work))

    def close(self) -> None:
        """Let its threads end."""
        self._pool.close()

    def _looked(self, case: Case, result: ImageResult) -> tuple[CellFinding, ...]:
        contents = [each.content.read() for each in result.images]
        request = case.request
        inputs = tuple(each.read() for each in request.images if each.path is not None or each.size_bytes)
        mask = request.mask.read() if request.mask is not None else None
        wanted = {name: each for name, each in _wanted(case, self.chosen).items() if name in self.found}
        findings = []
        for number, (image, content) in enumerate(zip(result.images, contents, strict=True)):
            siblings = tuple(other for index, other in enumerate(contents) if index != number)
            for name, expectation in wanted.items():
                subject = probes.Subject(
                    picture=content,
                    media_type=image.media_type,
                    request=request.asked(),
                    expectation=expectation,
                    inputs=inputs,
                    mask=mask,
                    siblings=siblings,
                )
                finding = _looked(self.found[name], subject, number)
                marked = {**finding.values, "read_from": "prompt"} if name in case.read else finding.values
                findings.append(replace(finding, values=marked))
        return tuple(findings)


def _wanted(case: Case, chosen: tuple[str, ...] | None) -> Mapping[str, Any]:
    unasked = (*_ALWAYS, *(_MASKED if case.request.mask is not None else ()))
    found: dict[str, Any] = {**dict.fromkeys(unasked), **case.expect}
    found.pop(JUDGE, None)  # which is no probe: it is paid, and asked elsewhere
    return {name: each or {} for name, each in found.items() if chosen is None or name in chosen}


def _looked(probe: probes.Probe, subject: probes.Subject, number: int) -> CellFinding:
    """One finding; a probe that fails is undecided, and takes nothing with it."""
    try:
        found = probe.look(subject)
    except ImageGenError as error:
        return CellFinding(number, probe.name, "undecided", why=error.message)
    except Exception as error:  # noqa: BLE001 - the fence around foreign code
        _log.exception("probe %s failed", probe.name)
        return CellFinding(number, probe.name, "undecided", why=f"the probe failed: {type(error).__name__}")
    return CellFinding(number, found.probe, found.verdict, found.score, dict(found.values), found.why, found.cost_usd)
