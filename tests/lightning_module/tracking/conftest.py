"""Databases of tests of tracking, which need not outlive a power cut either."""

from tests.sweeps.conftest import _quick_databases

__all__ = ["_quick_databases"]
