"""The outcome of a sweep: its verdicts, what follows from them, and which weights to go on with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from sweeps.confirmation import Confirmation
from sweeps.search_space import weights_from_store
from sweeps.settings import SweepSettings
from sweeps.trial import RATIO, WEIGHTS
from sweeps.verdict import Verdict, verdicts_against


@dataclass(frozen=True, eq=False)
class SweepReport:
    """A sweep that is over.

    Attributes:
        settings: What was asked.
        study: The search.
        trials: Its finished trials.
        confirmation: None where there was none.
        verdicts: On the ratios that the search proposed.
        known: On the other known ratios, corrected among themselves.
    """

    settings: SweepSettings
    study: optuna.Study
    trials: Sequence[FrozenTrial]
    confirmation: Confirmation | None
    verdicts: list[Verdict]
    known: list[Verdict]

    @property
    def reference(self) -> str:
        """The ratio that the others are compared with."""
        return self.settings.reference.ratio

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        if self.confirmation is None:
            return "Nothing is confirmed: single trainings of ratios differ by less than seeds do."
        better = [verdict.ratio for verdict in self.verdicts if verdict.outcome == "better"]
        if better:
            return f"Better than {self.reference} on {self.confirmation.dataset}: {', '.join(better)}."
        if not self.verdicts:
            return "The search found nothing to confirm beside the known ratios."
        return (
            f"No ratio that the search found could be shown to be better than {self.reference} "
            f"on {self.confirmation.dataset}."
        )

    @property
    def best(self) -> tuple[str, dict[str, Any]]:
        """Why, and the options of `model:` to go on with: the best confirmed weights, else the reference's."""
        better = sorted((v for v in self.verdicts if v.outcome == "better"), key=lambda verdict: verdict.difference)
        if not better:
            return f"{self.headline} So this is {self.reference}.", self.settings.reference.options
        weights = next(t.user_attrs[WEIGHTS] for t in self.trials if t.user_attrs[RATIO] == better[0].ratio)
        return better[0].in_words(self.reference), weights_from_store(self.settings.regions, weights).options


def make_report(
    settings: SweepSettings, study: optuna.Study, trials: Sequence[FrozenTrial], confirmation: Confirmation | None
) -> SweepReport:
    """Judges the ratios of a confirmation by the sweep's first score.

    Args:
        settings: The sweep.
        study: The search.
        trials: Its finished trials.
        confirmation: None where there was none; then there are no verdicts.
    """
    verdicts: list[Verdict] = []
    known: list[Verdict] = []
    if confirmation is not None:
        others = [weights.ratio for weights in settings.baselines if weights != settings.reference]
        for ratios, into in ((confirmation.candidates, verdicts), (others, known)):
            errors = {ratio: confirmation.errors[ratio] for ratio in ratios}
            reference = confirmation.errors[settings.reference.ratio]
            if errors:
                into += verdicts_against(reference, errors, confirmation.bins, settings.score.reduction)
    return SweepReport(settings, study, trials, confirmation, verdicts, known)
