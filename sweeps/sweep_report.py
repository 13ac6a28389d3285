"""The outcome of a sweep: its verdicts, and the weights to use."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from sweeps.confirmation import Confirmation
from sweeps.search_space import weights_from_store
from sweeps.settings import SweepSettings
from sweeps.trial import RATIO, WEIGHTS
from sweeps.trunks import EPOCHS
from sweeps.verdict import Verdict, verdicts_of
from sweeps.weight_effects import Effects, weight_effects


@dataclass(frozen=True, eq=False)
class SweepReport:
    """The report of a finished sweep.

    Attributes:
        settings: The settings of the sweep.
        study: The study of the search.
        trials: Its finished trials.
        confirmation: The confirmation, or None.
        verdicts: Verdicts on the ratios that the search proposed.
        known_verdicts: Verdicts on the known ratios, with a correction of their own.
        trunks: The finished trials of the trunks; none if trials trained in full.
    """

    settings: SweepSettings
    study: optuna.Study
    trials: Sequence[FrozenTrial]
    confirmation: Confirmation | None
    verdicts: list[Verdict]
    known_verdicts: list[Verdict]
    trunks: Sequence[FrozenTrial] = ()

    @property
    def epochs(self) -> int | None:
        """Number of epochs that trunks and search trained; None for a search of a version that did not count them."""
        trials = (*self.trunks, *self.trials)
        return sum(t.user_attrs[EPOCHS] for t in trials) if all(EPOCHS in t.user_attrs for t in trials) else None

    @property
    def reference(self) -> str:
        """The ratio that the others are compared with."""
        return self.settings.reference.ratio

    @cached_property
    def effects(self) -> Effects | None:
        """What each weight does to each error; None if the trials do not tell."""
        return weight_effects(self.trials, self.settings)

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        if self.confirmation is None:
            if self.settings.is_branched:
                return "Nothing is confirmed: branches show only what weights do late in training."
            return "Nothing is confirmed: differences between seeds are larger than those between ratios of single trainings."
        course, dataset = self.confirmation.course, self.confirmation.dataset
        better = [verdict.ratio for verdict in self.verdicts if verdict.outcome == "better"]
        diverged = "".join(f" {ratio}: training diverged (seed {seed})." for ratio, seed in course.diverged.items())
        if better:
            return f"Better than {self.reference} on {dataset}: {', '.join(better)}.{diverged}"
        if not self.verdicts:
            return f"The search found no ratio to confirm in addition to the known ones.{diverged}"
        if not course.looked_at:
            return f"Nothing could be compared with {self.reference}.{diverged}"
        return (
            f"No ratio that the search found could be shown to be better than {self.reference} on {dataset}.{diverged}"
        )

    @property
    def best(self) -> tuple[str, dict[str, Any]]:
        """A reason, and the options of `model:` to use: the best confirmed weights, or else those of the reference."""
        better = sorted((v for v in self.verdicts if v.outcome == "better"), key=lambda verdict: verdict.difference)
        if not better:
            return f"{self.headline} These are the weights of the reference.", self.settings.reference.options
        weights = next(t.user_attrs[WEIGHTS] for t in self.trials if t.user_attrs[RATIO] == better[0].ratio)
        return better[0].in_words(self.reference), weights_from_store(self.settings.regions, weights).options


def make_report(
    settings: SweepSettings,
    study: optuna.Study,
    trials: Sequence[FrozenTrial],
    confirmation: Confirmation | None,
    trunks: Sequence[FrozenTrial] = (),
) -> SweepReport:
    """Makes the report of a sweep, with verdicts on the first score.

    Args:
        settings: The sweep.
        study: The study of the search.
        trials: Its finished trials.
        confirmation: The confirmation; without one there are no verdicts.
        trunks: The finished trials of the trunks, if the search branched.
    """
    verdicts: list[Verdict] = []
    known_verdicts: list[Verdict] = []
    if confirmation is not None:
        verdicts, known_verdicts = (verdicts_of(confirmation, family, settings.score.reduction) for family in (0, 1))
    return SweepReport(settings, study, trials, confirmation, verdicts, known_verdicts, trunks)
