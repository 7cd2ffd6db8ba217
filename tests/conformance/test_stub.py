"""The stub before the suite: what is not about HTTP holds for it too."""

from __future__ import annotations

from imagegen.testing import ProviderSuite


class TestStub(ProviderSuite):
    """In this process, always right."""

    model = "stub:painter"


class TestStubJobs(ProviderSuite):
    """A job with a queue."""

    model = "stub:slow"
