"""Probes: what a picture shows, measured on this machine.

A probe says pass, fail or undecided, and how often it errs. Plugins bring more of them through the hook
`imagegen_probes` and an entry point in the group ``imagegen.probes``.
"""

from imagegen.probes.contract import ErrorRates, Expectation, Finding, Probe, Subject, Verdict
from imagegen.probes.found import broken, probe, probes

__all__ = ["ErrorRates", "Expectation", "Finding", "Probe", "Subject", "Verdict", "broken", "probe", "probes"]
