"""Verdicts: whether a ratio is better or worse than the reference."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lightning_module.evaluation.paired_seeds import reduced_by_seed
from lightning_module.evaluation.sequential import detectable, repeated_interval
from lightning_module.evaluation.statistics import Interval
from sweeps.confirmation import Confirmation
from sweeps.confirmation_course import Course

Outcome = Literal["better", "worse", "not distinguishable", "diverged"]


@dataclass(frozen=True)
class Verdict:
    """The verdict on one ratio against the reference, from the same seeds and faces.

    Attributes:
        ratio: The ratio, such as "16-5-4-3-0".
        outcome: Outcome of the test over seeds.
        difference: Difference of the score from the reference, in percent of the size of the face; NaN without a look.
        interval: 95 % interval of the difference over seeds, which holds at whichever look a ratio is closed.
        p: P-value of the test over seeds, adjusted for the looks and, by Holm's correction, for the number of ratios.
        detectable: Smallest difference that the whole confirmation detects with a power of 80 %; NaN if unknown.
        seeds: Seeds that the verdict rests on.
        ending: Why no more seeds were trained.
    """

    ratio: str
    outcome: Outcome
    difference: float
    interval: Interval
    p: float
    detectable: float
    seeds: int
    ending: str

    def in_words(self, reference: str) -> str:
        """The verdict as a sentence."""
        if self.outcome == "diverged":
            return f"{self.ratio}: {self.ending}, so it is left out."
        if not self.seeds:
            return f"{self.ratio} could not be compared with {reference}: {self.ending}."
        claim = {"better": "is better than", "worse": "is worse than"}.get(self.outcome, "is not distinguishable from")
        smallest = f"such a confirmation detects a difference of {self.detectable:.2f} in four of five cases"
        if not np.isfinite(self.detectable):
            smallest = "so few seeds detect no difference"
        return (
            f"{self.ratio} {claim} {reference}: {self.difference:+.2f} % NME (95 % {self.interval.low:+.2f} to "
            f"{self.interval.high:+.2f}, p = {self.p:.3f} after all looks and Holm); {self.ending}. With this spread, "
            f"{smallest}."
        )


def verdicts_of(confirmation: Confirmation, family: int, reduction: str = "mean") -> list[Verdict]:
    """Verdicts on the ratios of a family against the reference, corrected for their number.

    Args:
        confirmation: The confirmation.
        family: Index in its course's families.
        reduction: How the means of the yaw bins become the compared figure, such as "mean" or "worst".
    """
    course, bins = confirmation.course, confirmation.bins
    ratios, standing = course.families[family], course.standings[family]
    figures = {ratio: reduced_by_seed(errors, bins, reduction) for ratio, errors in confirmation.errors.items()}
    verdicts = []
    for place, ratio in enumerate(ratios):
        seeds, p = int(standing.seeds[place]), float(standing.p[place])
        differences = figures[ratio] - figures[course.reference][:seeds] if seeds else np.zeros(0)
        outcome: Outcome = "not distinguishable"
        if ratio in course.diverged:
            outcome = "diverged"
        elif standing.is_significant[place]:
            outcome = "better" if standing.strongest[place] < 0 else "worse"
        spread = float(differences.std(ddof=1)) if seeds > 1 else float("nan")
        verdicts.append(
            Verdict(
                ratio,
                outcome,
                float(differences.mean()) if seeds else float("nan"),
                repeated_interval(course.design, differences),
                p,
                detectable(course.design, len(ratios)) * spread,
                seeds,
                _ending(course, ratio, seeds, bool(standing.is_open[place]), outcome),
            )
        )
    return verdicts


def _ending(course: Course, ratio: str, seeds: int, is_open: bool, outcome: Outcome) -> str:
    most, looks = course.design.most_seeds, course.design.looks
    diverged = next((name for name in (ratio, course.reference) if name in course.diverged), None)
    if diverged is not None and (is_open or diverged == ratio):
        whose = "training" if diverged == ratio else f"training of {diverged}"
        return f"{whose} diverged (seed {course.diverged[diverged]})"
    at = f"after {seeds} of at most {most} seeds"
    if is_open and course.is_out_of_time:
        return f"ended by --hours {at}"
    if outcome != "not distinguishable":
        return f"decided {at}, look {looks.index(seeds) + 1} of {len(looks)}"
    if seeds == most:
        return f"all {most} seeds were trained"
    return f"given up {at}, since the difference was below one standard error of {most} seeds"
