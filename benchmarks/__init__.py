"""Benchmarks of speed and memory against named baselines, and long experiments; not part of the tests."""
