"""What every provider is held to: inherit `ProviderSuite`, name a model and a fake, and pytest does the rest."""

from __future__ import annotations

from imagegen.testing.suite.answers import Answers
from imagegen.testing.suite.asking import CANARY, Asked, Refusal
from imagegen.testing.suite.contract import Contract
from imagegen.testing.suite.honesty import Honesty
from imagegen.testing.suite.intake import Intake
from imagegen.testing.suite.jobs import Jobs
from imagegen.testing.suite.submits import Submits

__all__ = ["CANARY", "Asked", "ProviderSuite", "Refusal"]


class ProviderSuite(Contract, Honesty, Answers, Submits, Intake, Jobs):
    """The conformance suite of a provider.

        class TestAcme(ProviderSuite):
            model = "acme:sketch"
            refusals = (Refusal(Answer({"error": {"code": "unsafe"}}, 400)),)

            def fake(self):
                return FakeAcme()

    Without a fake the parts that need none still run. `Asking` says what else can be stated.
    """
