"""The course of a confirmation: what was seen at each look, and what must be trained for the next one.

It depends on finished trainings only, so that all workers and machines agree, whenever they start.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from datamodules.errors import InputError
from lightning_module.evaluation.paired_seeds import Array
from lightning_module.evaluation.sequential import SequentialDesign, Standing, after_look
from sweeps.confirmation_time import busy_hours, expected_hours
from sweeps.divergence import DIVERGED
from sweeps.settings import SweepSettings
from sweeps.training import MeasuredErrors
from sweeps.trial import RATIO

TEST, SEED = "test", "seed"  # attributes of a trial in the database

Key = tuple[str, int]  # ratio and seed of a training


@dataclass(frozen=True, eq=False)
class Course:
    """A confirmation as far as it has come.

    Attributes:
        design: The numbers of seeds after which results are looked at.
        seeds: All seeds that may be trained, in order.
        reference: The ratio that the others are compared with.
        families: Ratios that share a correction for their number: those of the search, and the known ones.
        standings: The standing of each family after the last look.
        tests: Test errors of each finished training.
        wanted: The trainings that are needed so far, in order, finished ones included.
        diverged: Seed of the diverged training of each ratio that was dropped for it.
        looked_at: Seeds of the last look; 0 before the first.
        is_over: Whether no further training is needed.
        is_out_of_time: Whether it ended because the next look did not fit into `--hours`.
    """

    design: SequentialDesign
    seeds: Sequence[int]
    reference: str
    families: Sequence[Sequence[str]]
    standings: Sequence[Standing]
    tests: dict[Key, MeasuredErrors]
    wanted: list[Key]
    diverged: dict[str, int]
    looked_at: int
    is_over: bool
    is_out_of_time: bool

    def errors(self, ratio: str, seeds: int) -> Array:
        """(S, N) percent of the first S seeds of a ratio on N faces."""
        return np.stack([self.tests[ratio, seed].errors for seed in self.seeds[:seeds]])


def follow(
    finished: Sequence[FrozenTrial],
    families: Sequence[Sequence[str]],
    settings: SweepSettings,
    design: SequentialDesign,
) -> Course:
    """Follows a confirmation through its looks.

    Args:
        finished: The finished trainings of all ratios and seeds.
        families: See `Course`.
        settings: The sweep.
        design: The design that the confirmation was begun with.

    Raises:
        InputError: If the trainings were not all tested on the same faces.
    """
    trials: dict[Key, FrozenTrial] = {(trial.user_attrs[RATIO], trial.user_attrs[SEED]): trial for trial in finished}
    tests = _tests(trials, settings.reference.ratio)
    diverging = {key for key, trial in trials.items() if DIVERGED in trial.user_attrs}
    figures = {key: settings.score.value(test.by_bin) for key, test in tests.items()}
    reference = settings.reference.ratio
    seeds = settings.seeds_of_confirmation
    standings = [Standing.first(len(ratios)) for ratios in families]
    wanted: dict[Key, None] = {}
    diverged: dict[str, int] = {}
    looked_at, is_over, is_out_of_time = 0, True, False
    for look in design.looks:
        of_look = seeds[:look]
        needed = _open_ratios(families, standings)
        needed = [reference, *needed] if needed else []
        diverged |= {ratio: seed for seed in reversed(of_look) for ratio in needed if (ratio, seed) in diverging}
        needed = [ratio for ratio in needed if ratio not in diverged]
        if reference not in needed or len(needed) == 1:
            break
        keys = dict.fromkeys((ratio, seed) for seed in of_look for ratio in needed)
        if looked_at and settings.hours is not None:
            before = [trials[key] for key in wanted]
            more = expected_hours(before, len(before), len(keys.keys() - wanted.keys()))
            is_out_of_time = busy_hours(before) + more > settings.hours
            if is_out_of_time:
                break
        wanted |= keys
        if not keys.keys() <= tests.keys():
            is_over = False
            break
        standings = [
            after_look(design, standing, _differences(figures, reference, ratios, of_look))
            for ratios, standing in zip(families, standings, strict=True)
        ]
        looked_at = look
    return Course(
        design,
        seeds,
        reference,
        families,
        standings,
        tests,
        list(wanted),
        diverged,
        looked_at,
        is_over,
        is_out_of_time,
    )


def _open_ratios(families: Sequence[Sequence[str]], standings: Sequence[Standing]) -> list[str]:
    """The known ratios come first, in the order of the reports."""
    return [
        ratio
        for ratios, standing in reversed(list(zip(families, standings, strict=True)))
        for ratio, is_open in zip(ratios, standing.is_open, strict=True)
        if is_open
    ]


def _differences(figures: dict[Key, float], reference: str, ratios: Sequence[str], seeds: Sequence[int]) -> Array:
    """(M, S) percent of M ratios less the reference; NaN where a training is missing."""
    return np.array(
        [[figures.get((ratio, seed), np.nan) - figures[reference, seed] for seed in seeds] for ratio in ratios]
    ).reshape(len(ratios), len(seeds))


def _tests(trials: dict[Key, FrozenTrial], reference: str) -> dict[Key, MeasuredErrors]:
    tests = {
        key: MeasuredErrors.from_attribute(trial.user_attrs[TEST])
        for key, trial in trials.items()
        if trial.state == TrialState.COMPLETE
    }
    first = next((test for (ratio, _), test in tests.items() if ratio == reference), None)
    for (ratio, _), test in tests.items():
        if first is not None and test.fingerprint != first.fingerprint:
            raise InputError(
                f"{ratio} was tested on other faces than {reference}: test data must not change during a sweep. Give "
                "another --study."
            )
    return tests
