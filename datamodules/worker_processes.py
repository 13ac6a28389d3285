"""How many processes prepare samples while training, and how many do work that is done once."""

import os

_WORKERS = 2  # by default, for images that are decoded in every epoch
_MOST_PROCESSES = 8  # by default, since each takes half a gigabyte


def sample_workers(asked: int | None, keeps_decoded: bool) -> int:
    """Number of processes that prepare samples.

    Args:
        asked: The user's choice, or None.
        keeps_decoded: Whether images are decoded only once. Little is then left to do for a sample, and on two
            cores a process of its own takes more time from the training than it saves.
    """
    if asked is not None:
        return asked
    return 0 if keeps_decoded else _WORKERS


def one_time_processes(asked: int | None) -> int:
    """Number of processes that draw or index faces, from the user's choice or None."""
    if asked is not None:
        return max(asked, 1)
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(cores, _MOST_PROCESSES)
