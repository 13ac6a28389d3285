"""Pictures of a sweep: the trials, the importance of each weight, and the confirmation."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import optuna
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from lightning_module.evaluation.nme import BIN_TITLES
from lightning_module.evaluation.paired_seeds import reduced_by_seed
from lightning_module.evaluation.score import Score
from sweeps.effects_figure import effects_figure
from sweeps.looks_figure import COLOURS, looks_figure
from sweeps.search_space import RADIUS
from sweeps.sweep_report import SweepReport
from sweeps.trial import BY_BIN, RATIO, WEIGHTS
from sweeps.verdict import Verdict

_LEAST_FOR_IMPORTANCE = 8  # complete trials; fewer give no meaningful importance


def sweep_figures(report: SweepReport) -> dict[str, Figure]:
    """All pictures by name, for the sweep's first score."""
    settings = report.settings
    trials = [trial for trial in report.trials if BY_BIN in trial.user_attrs]  # without diverged trainings
    titles = {region.name: region.title for region in settings.regions}
    figures = {
        "history": history_figure(trials, settings.score, settings.known_ratios),
        "parallel": parallel_figure(trials, settings.score, titles),
        "weights": weights_figure(trials, settings.score, titles),
    }
    if report.effects is not None:
        name = report.reference.replace("-", ":")
        figures["effects"] = effects_figure(report.effects, name, settings.training_in_words)
    importance = importance_figure(report.study, settings.score)
    if importance is not None:
        figures["importance"] = importance
    if report.confirmation is not None and report.confirmation.course.looked_at:
        bins, reduction = report.confirmation.bins, settings.score.reduction
        by_seed = {
            ratio: reduced_by_seed(errors, bins, reduction) for ratio, errors in report.confirmation.errors.items()
        }
        differences = {ratio: own - by_seed[report.reference][: len(own)] for ratio, own in by_seed.items()}
        verdicts = [verdict for verdict in (*report.verdicts, *report.known_verdicts) if verdict.seeds]
        figures["confirmation"] = confirmation_figure(verdicts, differences, report.reference, settings.score)
        figures["looks"] = looks_figure(verdicts, differences, report.confirmation.course, report.reference)
    return figures


def history_figure(trials: Sequence[FrozenTrial], score: Score, known_ratios: Collection[str]) -> Figure:
    """The score of each trial on the validation faces, and the best so far."""
    figure = Figure((8, 4.5), layout="constrained")
    axes = figure.subplots()
    complete = [trial for trial in trials if _is_complete(trial)]
    for label, kept, marker in (
        ("known ratio", [t for t in complete if t.user_attrs[RATIO] in known_ratios], "s"),
        ("proposed ratio", [t for t in complete if t.user_attrs[RATIO] not in known_ratios], "o"),
        ("ended early", [t for t in trials if not _is_complete(t)], "x"),
    ):
        if kept:
            axes.plot([t.number for t in kept], [_value(t, score) for t in kept], marker, label=label)
    if complete:
        best = np.minimum.accumulate([_value(trial, score) for trial in complete])
        axes.step([trial.number for trial in complete], best, where="post", color="grey", label="best so far")
    axes.set(xlabel="trial", ylabel=f"validation NME %, {score.title}", title="each trial is one ratio")
    axes.ticklabel_format(useOffset=False)
    axes.legend(fontsize=8)
    return figure


def importance_figure(study: optuna.Study, score: Score) -> Figure | None:
    """Influence of each weight on the score, by fANOVA; None if too few trials are complete."""
    complete = [trial for trial in study.get_trials(deepcopy=False) if _is_complete(trial)]
    if len(complete) < _LEAST_FOR_IMPORTANCE:
        return None
    importances = get_param_importances(
        study,
        evaluator=FanovaImportanceEvaluator(seed=0),
        target=None if len(study.directions) == 1 else lambda trial: trial.values[0],
    )
    figure = Figure((7, 0.6 + 0.5 * max(len(importances), 2)), layout="constrained")
    axes = figure.subplots()
    axes.barh(list(importances)[::-1], list(importances.values())[::-1])
    axes.set(
        xlabel=f"share of the variance of validation NME, {score.title}",
        title=f"importance by fANOVA, {len(complete)} complete trials",
    )
    return figure


def parallel_figure(trials: Sequence[FrozenTrial], score: Score, titles: Mapping[str, str]) -> Figure:
    """One line per trial through its weights on a log scale, coloured by its score; titles are those of the regions."""
    figure = Figure((9, 4.5), layout="constrained")
    axes = figure.subplots()
    complete = sorted((t for t in trials if _is_complete(t)), key=lambda trial: _value(trial, score), reverse=True)
    names = _weight_names(complete)
    weights = np.array([[t.user_attrs[WEIGHTS][name] for name in names] for t in complete]).reshape(-1, len(names))
    floor = 0.5 * weights[weights > 0].min(initial=1.0)
    values = [_value(trial, score) for trial in complete]
    scale = Normalize(min(values, default=0), max(values, default=1))
    colours = colormaps["viridis_r"]
    for line, value in zip(np.maximum(weights, floor), values, strict=True):
        axes.plot(range(len(names)), line, color=colours(scale(value)), linewidth=1 + (value == min(values)) * 2)
    axes.set_yscale("log")
    axes.set_xticks(range(len(names)), [titles.get(name, name) for name in names])
    axes.set(
        ylabel="weight, where the face is 3",
        title=f"complete trials; the best is thick; weights of 0 are drawn at {floor:.2g}",
    )
    figure.colorbar(ScalarMappable(scale, "viridis_r"), ax=axes, label=f"validation NME %, {score.title}")
    return figure


def weights_figure(trials: Sequence[FrozenTrial], score: Score, titles: Mapping[str, str]) -> Figure:
    """Mean error of each yaw bin, under the score's protocol, against each weight; titles are those of the regions."""
    complete = [t for t in trials if _is_complete(t)]
    names = _weight_names(complete)
    figure = Figure((3 * max(len(names), 2), 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        weighted = [t for t in complete if t.user_attrs[WEIGHTS][name] > 0]
        for bin_name, title in BIN_TITLES.items():
            errors = [t.user_attrs[BY_BIN].get(bin_name, np.nan) for t in weighted]
            axes.plot([t.user_attrs[WEIGHTS][name] for t in weighted], errors, "o", markersize=4, label=title)
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        title = "where it is not 0" if len(weighted) < len(complete) else ""
        axes.set(xlabel=f"weight of {titles.get(name, name)}", title=title)
        if axes.get_subplotspec().is_first_col():
            axes.set_ylabel(f"validation NME %, {score.protocol_title}")
            axes.legend(fontsize=8, title="|yaw|")
    return figure


def confirmation_figure(
    verdicts: Sequence[Verdict], differences: Mapping[str, NDArray[np.float64]], reference: str, score: Score
) -> Figure:
    """Differences from the reference: a dot for each seed, and a bar for their mean with its interval.

    Args:
        verdicts: From top to bottom.
        differences: (S,) percent of each ratio.
        reference: The ratio that is subtracted.
        score: The score that is compared.
    """
    figure = Figure((8, 1.4 + 0.6 * len(verdicts)), layout="constrained")
    axes = figure.subplots()
    for place, verdict in enumerate(verdicts):
        colour, by_seed = COLOURS[verdict.outcome], differences[verdict.ratio]
        axes.plot(by_seed, np.full(len(by_seed), place), "o", color=colour, alpha=0.4)
        axes.plot([verdict.interval.low, verdict.interval.high], [place, place], "-", color=colour, linewidth=2)
        axes.plot(verdict.difference, place, "|", color=colour, markersize=18, markeredgewidth=3)
    _label(axes, [f"{verdict.ratio}\n{verdict.outcome}, {verdict.seeds} seeds" for verdict in verdicts])
    axes.set(
        xlabel=f"test NME % less that of {reference}, {score.title}:\none dot per seed, the line is the 95 % interval",
        title="left of 0 is better",
    )
    return figure


def _label(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axvline(0, color="black", linewidth=1)


def _is_complete(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE


def _value(trial: FrozenTrial, score: Score) -> float:
    return score.value(trial.user_attrs[BY_BIN])


def _weight_names(trials: Sequence[FrozenTrial]) -> list[str]:
    """The regions whose weights differ between trials; all regions if none do."""
    weights = [trial.user_attrs[WEIGHTS] for trial in trials]
    names = [name for name in (weights[0] if weights else {}) if name != RADIUS]  # stored with them, but not a weight
    return [name for name in names if len({trial[name] for trial in weights}) > 1] or names or ["face"]
