"""Time that trainings take, from the times that the database keeps."""

from collections.abc import Iterable, Sequence

from optuna.trial import FrozenTrial


def busy_hours(trials: Iterable[FrozenTrial]) -> float:
    """Hours during which at least one of the finished trials ran; pauses of the sweep do not count."""
    spans = sorted(
        (trial.datetime_start, trial.datetime_complete)
        for trial in trials
        if trial.datetime_start is not None and trial.datetime_complete is not None
    )
    seconds, until = 0.0, None
    for start, end in spans:
        since = start if until is None else max(start, until)
        if end > since:
            seconds += (end - since).total_seconds()
            until = end
    return seconds / 3600


def expected_hours(trials: Sequence[FrozenTrial], trained: int, count: int) -> float:
    """Hours that more trainings take at the pace of finished ones, with as many at a time as before.

    Args:
        trials: Finished trials.
        trained: Number of trainings of these trials.
        count: Number of trainings to come.
    """
    return count * busy_hours(trials) / trained if trained else 0.0
