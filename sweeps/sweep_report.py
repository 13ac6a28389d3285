"""What a sweep found: in words, as tables and pictures, and as a summary run in MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import yaml
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial, TrialState

from datamodules.geometry.regions import five_regions
from lightning_module.evaluation.nme import BIN_TITLES
from lightning_module.evaluation.paired_seeds import interval_coverage, reduced_by_seed
from lightning_module.tracking.tracker import Tracker, TrackingPlace
from sweeps import sweep_figures as pictures
from sweeps.baselines import BASELINES, REFERENCE
from sweeps.confirmation import Confirmation
from sweeps.search_space import SearchSpace, weights_from_store
from sweeps.settings import SweepSettings
from sweeps.storage import shown
from sweeps.trial import RATIO, WEIGHTS
from sweeps.verdict import Verdict, judge

_BINS = list(BIN_TITLES.values())
_BEST_OF_SEARCH = 5


@dataclass(frozen=True, eq=False)
class SweepReport:
    """A sweep that is over.

    Attributes:
        settings: What was asked.
        study: The search.
        trials: Its finished trials.
        confirmation: None where there was none.
        verdicts: On the ratios that the search found.
        known: On the other known ratios, corrected among themselves.
    """

    settings: SweepSettings
    study: optuna.Study
    trials: Sequence[FrozenTrial]
    confirmation: Confirmation | None
    verdicts: list[Verdict]
    known: list[Verdict]

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        if self.confirmation is None:
            return "Nothing is confirmed: single trainings of ratios differ by less than seeds do."
        better = [verdict.ratio for verdict in self.verdicts if verdict.outcome == "better"]
        if better:
            return f"Better than {REFERENCE.ratio} on {self.confirmation.data}: {', '.join(better)}."
        if not self.verdicts:
            return "The search found nothing to confirm beside the known ratios."
        return (
            f"No ratio that the search found could be shown to be better than {REFERENCE.ratio} "
            f"on {self.confirmation.data}."
        )

    @property
    def best(self) -> tuple[str, dict[str, Any]]:
        """Why, and the weights to go on with: the best of the confirmed ones, else the reference."""
        better = sorted((v for v in self.verdicts if v.outcome == "better"), key=lambda verdict: verdict.difference)
        if not better:
            return f"{self.headline} So this is {REFERENCE.ratio}.", REFERENCE.options
        weights = next(t.user_attrs[WEIGHTS] for t in self.trials if t.user_attrs[RATIO] == better[0].ratio)
        return better[0].in_words(REFERENCE.ratio), weights_from_store(five_regions(), weights).options

    def as_markdown(self) -> str:
        """All of it."""
        settings = self.settings
        complete = [trial for trial in self.trials if trial.state == TrialState.COMPLETE]
        parts = [
            f"# Sweep {settings.study}",
            self.headline,
            "\n".join(f"- {verdict.in_words(REFERENCE.ratio)}" for verdict in self.verdicts),
            self._confirmation_table(),
            "## Search",
            f"{len(self.trials)} trials ({len(self.trials) - len(complete)} ended early), objective "
            f"{settings.objective} by {settings.sampler} from seed {settings.seed}; validation faces, "
            f"{_several(settings.search_seeds, 'training')} a ratio. Best of so many, so these figures flatter:",
            _search_table(complete),
            "## Again",
            f"```\n{self._command()}\n```",
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _confirmation_table(self) -> str:
        found = self.confirmation
        if found is None:
            return "Confirm with --confirm_seeds 8 or more."
        about = {verdict.ratio: verdict for verdict in (*self.verdicts, *self.known)}
        rows = []
        for ratio, errors in found.errors.items():
            by_seed = reduced_by_seed(errors, found.bins, self.figure)
            means = [f"{errors[:, found.bins == name].mean():.2f}" for name in np.unique(found.bins)]
            verdict = about.get(ratio)
            judged = (
                ["-"] * 4
                if verdict is None
                else [
                    f"{verdict.difference:+.2f}",
                    f"{verdict.interval.low:+.2f} to {verdict.interval.high:+.2f}",
                    f"{verdict.p:.3f}",
                    verdict.outcome,
                ]
            )
            rows.append([ratio, *means, f"{by_seed.mean():.2f} ± {by_seed.std(ddof=1):.2f}", *judged])
        columns = [
            "ratio",
            *(_BINS[name] for name in np.unique(found.bins)),
            _TITLES[self.figure],
            f"less {REFERENCE.ratio}",
            "95 %",
            "p",
            "outcome",
        ]
        table = pd.DataFrame(rows, columns=columns).to_markdown(index=False, disable_numparse=True)
        seeds = len(next(iter(found.errors.values())))
        both = "; of the two objectives, the mean of bins is judged" if self.settings.objective == "both" else ""
        return (
            f"NME %, 68 landmarks in x and y, on {len(found.bins)} test faces of **{found.data}**; {seeds} fresh seeds each, "
            f"± one deviation over seeds.\n\n{table}\n\n"
            f"p: sign-flip test over {seeds} pairs of trainings from the same seed (the smallest possible is "
            f"{2 / 2**seeds:.2g}), Holm's correction over {len(self.verdicts)} found ratios, and apart from them over "
            f"{len(self.known)} known ones{both}. 95 %: bootstrap over seeds and faces, which with "
            f"{seeds} seeds holds the truth in {interval_coverage(seeds):.0%} of simulated repetitions (seeds alone; faces widen it). Nothing follows for "
            "other data, networks or lengths of training."
        )

    @property
    def figure(self) -> str:
        """What the confirmation compares."""
        return judged_figure(self.settings)

    def figures(self) -> dict[str, Figure]:
        """All pictures by name."""
        found = {
            "history": pictures.history_figure(self.trials),
            "parallel": pictures.parallel_figure(self.trials),
            "weights": pictures.weights_figure(self.trials),
        }
        importance = pictures.importance_figure(self.study)
        if importance is not None:
            found["importance"] = importance
        if self.confirmation is not None:
            errors, bins = self.confirmation.errors, self.confirmation.bins
            reference = reduced_by_seed(errors[REFERENCE.ratio], bins, self.figure)
            by_seed = {ratio: reduced_by_seed(found, bins, self.figure) - reference for ratio, found in errors.items()}
            found["confirmation"] = pictures.confirmation_figure(
                [*self.verdicts, *self.known], by_seed, REFERENCE.ratio, _TITLES[self.figure]
            )
        return found

    def write(self) -> list[Path]:
        """Writes verdict.md, best.yaml and the pictures into the sweep's folder."""
        folder = self.settings.results
        folder.mkdir(parents=True, exist_ok=True)
        why, weights = self.best
        (folder / "verdict.md").write_text(self.as_markdown())
        how = f"As confirmed: python run.py fit --config {_short(self.settings.config)} --config {folder / 'best.yaml'}"
        said = yaml.safe_dump({"model": weights}, sort_keys=False)
        (folder / "best.yaml").write_text(f"# {why}\n# {how}\n{said}")
        written = [folder / "verdict.md", folder / "best.yaml"]
        for name, figure in self.figures().items():
            figure.savefig(folder / f"{name}.png", dpi=110)
            written.append(folder / f"{name}.png")
        return written

    def log(self) -> None:
        """Makes the summary run, whose description is the verdict."""
        settings = self.settings
        tags = {
            "command": "sweep",
            "sweep": settings.study,
            "stage": "summary",
            "verdict": self.headline,
            "mlflow.note.content": self.as_markdown(),
        }
        place = TrackingPlace(settings.tracking_uri, settings.folder, settings.experiment)
        tracker = Tracker(place, f"sweep {settings.study}", tags)
        try:
            for path in self.write():
                copy = tracker.run.path / path.name
                copy.write_bytes(path.read_bytes())
                tracker.log_file(copy, "sweep")
            tracker.log_params(
                {
                    "n_trials": settings.n_trials,
                    "objective": settings.objective,
                    "sampler": settings.sampler,
                    "pruner": settings.pruner,
                    "seed": settings.seed,
                    "storage": shown(settings.storage),
                }
            )
            tracker.log_metrics({f"sweep/difference/{v.ratio}": v.difference for v in (*self.verdicts, *self.known)})
        except BaseException as error:
            tracker.end("FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        tracker.end("FINISHED")

    def _command(self) -> str:
        s = self.settings
        default = SearchSpace()
        changed = [
            field.name for field in fields(default) if getattr(s.space, field.name) != getattr(default, field.name)
        ]
        space = "".join(f' --space.{name} "{list(getattr(s.space, name))}"' for name in changed)
        return (
            f"python run.py sweep --study {s.study} --n_trials {s.n_trials} --objective {s.objective} --seed {s.seed} "
            f"--sampler {s.sampler} --pruner {s.pruner} --search_seeds {s.search_seeds} "
            f"--confirm_ratios {s.confirm_ratios} --confirm_seeds {s.confirm_seeds} --config {_short(s.config)}{space} "
            f"--storage {shown(s.storage)} --tracking_uri {s.tracking_uri}"
        )


_TITLES: dict[str, str] = {"mean": "mean of bins", "worst": "worst bin"}


def make_report(
    settings: SweepSettings, study: optuna.Study, trials: Sequence[FrozenTrial], confirmation: Confirmation | None
) -> SweepReport:
    """Judges what was found."""
    verdicts: list[Verdict] = []
    known: list[Verdict] = []
    if confirmation is not None:
        figure = judged_figure(settings)
        reference = confirmation.errors[REFERENCE.ratio]
        others = [weights.ratio for weights in BASELINES if weights != REFERENCE]
        for ratios, into in ((confirmation.candidates, verdicts), (others, known)):
            errors = {ratio: confirmation.errors[ratio] for ratio in ratios}
            into += judge(errors, reference, confirmation.bins, figure) if errors else []
    return SweepReport(settings, study, trials, confirmation, verdicts, known)


def judged_figure(settings: SweepSettings) -> str:
    """What a confirmation compares."""
    return "worst" if settings.objective == "worst" else "mean"


def _search_table(complete: Sequence[FrozenTrial]) -> str:
    best = sorted(complete, key=lambda trial: trial.values[0])[:_BEST_OF_SEARCH]
    rows = [[trial.user_attrs[RATIO], " / ".join(f"{value:.2f}" for value in trial.values)] for trial in best]
    return str(
        pd.DataFrame(rows, columns=["ratio", "validation NME %"]).to_markdown(index=False, disable_numparse=True)
    )


def _several(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count} {what}s"


def _short(path: Path) -> str:
    project = Path(__file__).resolve().parents[1]
    return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)
