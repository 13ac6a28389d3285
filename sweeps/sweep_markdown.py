"""A sweep's report as Markdown: verdicts, tables, and the command that repeats it."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from datamodules.addresses import masked, sqlite_address
from lightning_module.evaluation.nme import BIN_TITLES
from lightning_module.evaluation.paired_seeds import reduced_by_seed
from lightning_module.project import PROJECT
from lightning_module.tracking.moved_runs import DATABASE
from lightning_module.tracking.tracking_place import TrackingOptions
from sweeps.branching import training_length
from sweeps.confirmation import Confirmation
from sweeps.confirmation_course import Course
from sweeps.divergence import DIVERGED
from sweeps.effects_table import effects_table
from sweeps.search_space import SearchSpace
from sweeps.settings import SweepSettings
from sweeps.sweep_report import SweepReport
from sweeps.trial import LESS_TRUNK, RATIO
from sweeps.verdict import Verdict

_BEST_OF_SEARCH = 5


def as_markdown(report: SweepReport) -> str:
    """The whole report."""
    settings = report.settings
    complete = [trial for trial in report.trials if trial.state == TrialState.COMPLETE]
    scores = " and ".join(map(str, settings.scores))
    confirmed = "Confirm with --confirm_seeds 8 or more."
    if report.confirmation is not None:
        confirmed = _confirmation_table(report, report.confirmation)
    diverged = [trial for trial in report.trials if DIVERGED in trial.user_attrs]
    early = len(report.trials) - len(complete) - len(diverged)
    parts = [
        f"# Sweep {settings.study}",
        report.headline,
        "\n".join(f"- {verdict.in_words(report.reference)}" for verdict in report.verdicts),
        confirmed,
        "## Search",
        _strategy(report),
        f"{len(report.trials)} trials ({early} ended early, {len(diverged)} diverged), {scores} "
        f"by {settings.sampler} from seed {settings.seed}; validation faces, "
        f"{_several(settings.search_seeds, 'training')} per ratio. As the best of many, these figures are optimistic:",
        _search_table(complete, settings),
        "\n".join(
            f"- {trial.user_attrs[RATIO]}: training diverged (seed {trial.user_attrs[DIVERGED]})" for trial in diverged
        ),
        _effects(report),
        "## Command",
        f"```\n{_command(settings)}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _effects(report: SweepReport) -> str:
    """What each weight does, with a heading of its own."""
    if report.effects is None:
        return ""
    table = effects_table(report.effects, report.reference.replace("-", ":"), report.settings.training_in_words)
    return f"## What a weight does\n\n{table}" if table else ""


def short_path(path: Path) -> str:
    """A path, relative to the project's folder if it lies in it."""
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)


def _strategy(report: SweepReport) -> str:
    """How the trials of the search trained, and what that cost."""
    settings = report.settings
    text = ""
    if settings.is_branched:
        seeds = ", ".join(map(str, settings.seeds_of_search))
        text = (
            f"Branched trials: each continues {_several(settings.search_seeds, 'training')} with "
            f"{settings.trunk_weights.ratio} (seed {seeds}) from the end of epoch {settings.branch_epoch} of "
            f"{training_length(settings.config)} with its own ratio, and is scored by its last validation. It shows only "
            "what weights do late in training; the confirmation trains in full. "
        )
    if report.epochs is not None:
        text += (
            f"Trunks and trials trained {report.epochs} epochs." if text else f"Trials trained {report.epochs} epochs."
        )
    return text.strip()


def _confirmation_table(report: SweepReport, confirmation: Confirmation) -> str:
    score, course = report.settings.score, confirmation.course
    if not course.looked_at:
        return ""
    by_ratio = {verdict.ratio: verdict for verdict in (*report.verdicts, *report.known_verdicts)}
    places = np.unique(confirmation.bins)
    rows = []
    for ratio, errors in confirmation.errors.items():
        means = [f"{errors[:, confirmation.bins == place].mean():.2f}" for place in places]
        by_seed = reduced_by_seed(errors, confirmation.bins, score.reduction)
        spread = f"{by_seed.mean():.2f} ± {by_seed.std(ddof=1):.2f}" if len(by_seed) > 1 else f"{by_seed.mean():.2f}"
        rows.append([ratio, str(len(errors)), *means, spread, *_verdict_cells(by_ratio.get(ratio))])
    titles = list(BIN_TITLES.values())
    bins = [titles[place] for place in places]
    columns = ["ratio", "seeds", *bins, score.reduction_title, f"less {report.reference}", "95 %", "p", "outcome"]
    table = pd.DataFrame(rows, columns=columns).to_markdown(index=False, disable_numparse=True)
    return (
        f"NME %, {score.protocol_title}, on {len(confirmation.bins)} test faces of **{confirmation.dataset}**; fresh "
        f"seeds{_length(report.settings)}, ± one deviation over seeds.\n\n{table}\n\n{_method(report, course)}"
    )


def _length(settings: SweepSettings) -> str:
    return "" if settings.confirm_epochs is None else f", trainings of {settings.confirm_epochs} epochs"


def _method(report: SweepReport, course: Course) -> str:
    """How the verdicts were reached, and what they rest on."""
    looks = ", ".join(map(str, course.design.looks))
    first = f"; of the two scores, {report.settings.score} is tested" if len(report.settings.scores) == 2 else ""
    return (
        f"Group-sequential t-test over pairs of trainings from the same seed, looked at after {looks} seeds{first}. A "
        "ratio gets no more seeds once it is better or worse, or once its difference is below one standard error of all "
        f"{course.design.most_seeds} seeds. p is that of the clearest look, adjusted for all looks and, after Holm, for "
        f"{len(report.verdicts)} proposed ratios and separately for {len(report.known_verdicts)} known ones: where no ratio "
        "differs, one is falsely called better in at most 5 % of confirmations. 95 %: repeated confidence interval over "
        "seeds, on these faces; it covers the truth at all looks together. Differences that were decided early are on "
        "average overestimated. The test assumes that the differences are normally distributed. The result does not "
        "extend to other data, networks or lengths of training."
    )


def _verdict_cells(verdict: Verdict | None) -> list[str]:
    if verdict is None:  # the reference
        return ["-"] * 4
    interval = f"{verdict.interval.low:+.2f} to {verdict.interval.high:+.2f}"
    return [f"{verdict.difference:+.2f}", interval, f"{verdict.p:.3f}", verdict.outcome]


def _search_table(complete: Sequence[FrozenTrial], settings: SweepSettings) -> str:
    best = sorted(complete, key=lambda trial: trial.values[0])[:_BEST_OF_SEARCH]
    rows = [[trial.user_attrs[RATIO], *(f"{value:.2f}" for value in trial.values)] for trial in best]
    columns = ["ratio", *(f"validation NME %, {score.title}" for score in settings.scores)]
    if settings.is_branched:
        columns.append(f"{settings.score.title} less trunk")
        rows = [[*row, _less_trunk(trial)] for row, trial in zip(rows, best, strict=True)]
    return str(pd.DataFrame(rows, columns=columns).to_markdown(index=False, disable_numparse=True))


def _less_trunk(trial: FrozenTrial) -> str:
    """Difference of the first score from that of the trunks; with several trunks, plus or minus one deviation over them."""
    by_trunk = [differences[0] for differences in trial.user_attrs[LESS_TRUNK]]
    spread = f" ± {np.std(by_trunk, ddof=1):.3f}" if len(by_trunk) > 1 else ""
    return f"{np.mean(by_trunk):+.3f}{spread}"


def _command(settings: SweepSettings) -> str:
    changed: dict[str, tuple[float, ...]] = {f"ranges.{name}": ends for name, ends in settings.space.ranges.items()}
    radii = settings.space.landmark_radius_texels
    if radii != SearchSpace().landmark_radius_texels:
        changed["landmark_radius_texels"] = radii
    space = "".join(f' --space.{name} "{list(values)}"' for name, values in changed.items())
    hours = "" if settings.hours is None else f"--hours {settings.hours:g} "
    epochs = "" if settings.confirm_epochs is None else f"--confirm_epochs {settings.confirm_epochs} "
    return (
        f"python run.py sweep --study {settings.study} --n_trials {settings.n_trials} "
        f"--score {' '.join(map(str, settings.scores))} --seed {settings.seed} --sampler {settings.sampler} "
        f"--pruner {settings.pruner} --search_seeds {settings.search_seeds}{_branching(settings)} "
        f"--confirm_ratios {settings.confirm_ratios} --confirm_seeds {settings.confirm_seeds} {epochs}{hours}"
        f"--config {_quoted(settings.config)}{space}{_places(settings)}"
    )


def _places(settings: SweepSettings) -> str:
    """The options of where a sweep is kept, as far as they differ from the defaults."""
    usual = TrackingOptions().place(PROJECT)
    given = {
        "folder": "" if settings.folder == usual.folder else _quoted(settings.folder),
        "experiment": "" if settings.experiment == usual.experiment else shlex.quote(settings.experiment),
        "storage": ""
        if settings.storage == sqlite_address(settings.folder / "optuna.db")
        else masked(settings.storage),
        "tracking_uri": ""
        if settings.tracking_uri == sqlite_address(settings.folder / DATABASE)
        else masked(settings.tracking_uri),
    }
    return "".join(f" --{name} {value}" for name, value in given.items() if value)


def _quoted(path: Path) -> str:
    return shlex.quote(short_path(path))


def _branching(settings: SweepSettings) -> str:
    if not settings.is_branched:
        return ""
    ratio = f" --trunk_ratio {settings.trunk_ratio}" if settings.trunk_ratio is not None else ""
    return f" --strategy {settings.strategy} --branch_at {settings.branch_at:g}{ratio}"


def _several(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count} {what}s"
