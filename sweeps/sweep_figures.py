"""Pictures of a sweep: what was tried, what mattered, what held."""

from collections.abc import Sequence

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
from sweeps.baselines import KNOWN_RATIOS
from sweeps.settings import objective_value
from sweeps.trial import BY_BIN, RATIO, WEIGHTS
from sweeps.verdict import Verdict

_WEIGHTS = ("landmarks", "eyes_nose", "mouth", "neck")
_LEAST_FOR_IMPORTANCE = 8  # complete trials; fewer say nothing


def history_figure(trials: Sequence[FrozenTrial]) -> Figure:
    """Validation NME of each trial, and the best so far."""
    figure = Figure((8, 4.5), layout="constrained")
    axes = figure.subplots()
    for label, kept, marker in (
        ("known ratio", [t for t in trials if _is_complete(t) and t.user_attrs[RATIO] in KNOWN_RATIOS], "s"),
        ("proposed ratio", [t for t in trials if _is_complete(t) and t.user_attrs[RATIO] not in KNOWN_RATIOS], "o"),
        ("ended early", [t for t in trials if not _is_complete(t)], "x"),
    ):
        if kept:
            axes.plot([t.number for t in kept], [_mean(t) for t in kept], marker, label=label)
    complete = [t for t in trials if _is_complete(t)]
    if complete:
        axes.step(
            [t.number for t in complete],
            np.minimum.accumulate([_mean(t) for t in complete]),
            where="post",
            color="grey",
            label="best so far",
        )
    axes.set(xlabel="trial", ylabel="validation NME %, mean of bins", title="each trial is one ratio")
    axes.ticklabel_format(useOffset=False)
    axes.legend(fontsize=8)
    return figure


def importance_figure(study: optuna.Study) -> Figure | None:
    """Which weight moves the objective, by fANOVA; None where too few trials are complete."""
    complete = [trial for trial in study.get_trials(deepcopy=False) if _is_complete(trial)]
    if len(complete) < _LEAST_FOR_IMPORTANCE:
        return None
    found = get_param_importances(
        study,
        evaluator=FanovaImportanceEvaluator(seed=0),
        target=None if len(study.directions) == 1 else lambda trial: trial.values[0],
    )
    figure = Figure((7, 0.6 + 0.5 * max(len(found), 2)), layout="constrained")
    axes = figure.subplots()
    axes.barh(list(found)[::-1], list(found.values())[::-1])
    axes.set(
        xlabel="share of the variance of validation NME", title=f"importance by fANOVA, {len(complete)} complete trials"
    )
    return figure


def parallel_figure(trials: Sequence[FrozenTrial]) -> Figure:
    """One line a trial through its weights (logarithmic), coloured by its NME."""
    figure = Figure((9, 4.5), layout="constrained")
    axes = figure.subplots()
    complete = sorted((t for t in trials if _is_complete(t)), key=_mean, reverse=True)
    weights = np.array([[t.user_attrs[WEIGHTS][name] for name in _WEIGHTS] for t in complete]).reshape(
        -1, len(_WEIGHTS)
    )
    floor = 0.5 * weights[weights > 0].min(initial=1.0)
    values = [_mean(t) for t in complete]
    scale = Normalize(min(values, default=0), max(values, default=1))
    colours = colormaps["viridis_r"]
    for line, value in zip(np.maximum(weights, floor), values, strict=True):
        axes.plot(range(len(_WEIGHTS)), line, color=colours(scale(value)), linewidth=1 + (value == min(values)) * 2)
    axes.set_yscale("log")
    axes.set_xticks(range(len(_WEIGHTS)), [name.replace("_", " and ") for name in _WEIGHTS])
    axes.set(
        ylabel="weight, where the face is 3", title=f"complete trials; the best is thick; at the floor ({floor:.2g}): 0"
    )
    figure.colorbar(ScalarMappable(scale, "viridis_r"), ax=axes, label="validation NME %, mean of bins")
    return figure


def weights_figure(trials: Sequence[FrozenTrial]) -> Figure:
    """NME of each yaw bin against each weight."""
    figure = Figure((12, 3.6), layout="constrained")
    complete = [t for t in trials if _is_complete(t)]
    for axes, name in zip(figure.subplots(1, len(_WEIGHTS), sharey=True), _WEIGHTS, strict=True):
        there = [t for t in complete if t.user_attrs[WEIGHTS][name] > 0]
        for bin_name, title in BIN_TITLES.items():
            errors = [t.user_attrs[BY_BIN].get(bin_name, np.nan) for t in there]
            axes.plot([t.user_attrs[WEIGHTS][name] for t in there], errors, "o", markersize=4, label=title)
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set(xlabel=f"weight of {name.replace('_', ' and ')}", title="where it is not 0" if name == "neck" else "")
        if axes.get_subplotspec().is_first_col():
            axes.set_ylabel("validation NME %")
            axes.legend(fontsize=8, title="|yaw|")
    return figure


def confirmation_figure(
    verdicts: Sequence[Verdict], by_seed: dict[str, NDArray[np.float64]], reference: str, figure_name: str
) -> Figure:
    """Differences from the reference: a dot a seed, the bar their mean with its interval."""
    figure = Figure((8, 1.4 + 0.6 * len(verdicts)), layout="constrained")
    axes = figure.subplots()
    colours = {"better": "tab:green", "worse": "tab:red", "not distinguishable": "tab:grey"}
    for place, verdict in enumerate(verdicts):
        colour = colours[verdict.outcome]
        axes.plot(by_seed[verdict.ratio], np.full(len(by_seed[verdict.ratio]), place), "o", color=colour, alpha=0.4)
        axes.plot([verdict.interval.low, verdict.interval.high], [place, place], "-", color=colour, linewidth=2)
        axes.plot(verdict.difference, place, "|", color=colour, markersize=18, markeredgewidth=3)
    _label(axes, [f"{verdict.ratio}\n{verdict.outcome}" for verdict in verdicts])
    axes.set(
        xlabel=f"test NME % less that of {reference}, {figure_name}: a dot a seed, the line 95 %",
        title="left of 0 is better",
    )
    return figure


def _label(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axvline(0, color="black", linewidth=1)


def _is_complete(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE


def _mean(trial: FrozenTrial) -> float:
    return objective_value("mean", trial.user_attrs[BY_BIN])[0]
