"""The picture of what each weight does: the change of each region's error along each searched weight."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lightning_module.evaluation.paired_seeds import Array
from sweeps.effect_factors import Factor
from sweeps.weight_effects import Effects

_MOST_COLUMNS = 5
_VALUES = 80  # at which a curve is drawn
_MARGIN = 0.2  # above and below, as a share of what is shown
_NOISE = "0.88"
_ZERO = 0.4  # place of the weight 0 on a logarithmic axis, as a share of the lowest weight


def effects_figure(effects: Effects, reference: str, what_differs: str) -> Figure:
    """One panel for each searched weight, with a curve for each measured error.

    A curve is the estimated difference from the reference if this weight alone has another value, with its 95 % band. The
    dots are trials, less the estimated effects of the other weights. The grey bar is the deviation of one training over
    seeds, as the root of the mean square over the measured errors.

    Args:
        effects: The effects.
        reference: Name of the ratio of reference, such as "16:5:4:3:0".
        what_differs: What the noise is the deviation of, such as "one branch".
    """
    count = len(effects.factors)
    columns = min(count, _MOST_COLUMNS)
    rows = -(-count // columns)
    figure = Figure((max(2.9 * columns, 7), 3.2 * rows + 1.2), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    noise = float(np.sqrt(np.mean(effects.noise**2)))
    for axes, factor in zip(grid.flat, effects.factors, strict=False):
        axes.axhline(0, color="0.4", linewidth=0.8)
        if np.isfinite(noise):
            axes.axhspan(-noise, noise, color=_NOISE, zorder=0)
        if factor.levels:
            _draw_levels(axes, effects, factor)
        else:
            _draw_weight(axes, effects, factor)
        axes.set_title(_title(factor), fontsize=10)
    grid[0, 0].set_ylim(*_limits(effects, noise))
    for axes in list(grid.flat)[count:]:
        axes.set_axis_off()
    title = f"How much the error changes if one weight differs from {reference}"
    if effects.fit is None:
        title = f"Errors of the trials, less those of {reference} (too few trials for curves)"
    figure.suptitle(title, fontsize=13)
    for axes in grid[:, 0]:
        axes.set_ylabel("change of validation NME, %")
        for place, word in ((0.98, "↑ worse"), (0.02, "↓ better")):
            side = "top" if place > 0.5 else "bottom"
            axes.text(0.03, place, word, transform=axes.transAxes, va=side, fontsize=9, color="0.3")
    figure.legend(
        handles=_legend(effects, reference, what_differs, noise),
        loc="outside lower center",
        ncols=4,
        fontsize=8,
    )
    return figure


def _draw_weight(axes: Axes, effects: Effects, factor: Factor) -> None:
    zero = _ZERO * factor.low
    has_zero = factor.has_switch or not factor.reference
    axes.set_xscale("log")
    places = np.where(factor.values > 0, factor.values, zero)
    _draw_points(axes, effects, factor, places)
    if effects.fit is not None:
        values = np.geomspace(*factor.tried, _VALUES)
        curves, ends = effects.curve(factor, values)
        for place, measure in enumerate(effects.measures):
            axes.fill_between(values, *ends[:, :, place], color=measure.colour, alpha=0.15, linewidth=0)
            axes.plot(values, curves[:, place], color=measure.colour, linewidth=2)
    axes.axvline(factor.reference or zero, color="0.3", linestyle="--", linewidth=1)
    axes.xaxis.set_major_locator(LogLocator(10, numticks=6))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if has_zero:
        ticks = [tick for tick in 10.0 ** np.arange(-6, 7) if factor.low <= tick <= factor.high]
        axes.set_xticks([zero, *ticks], ["0", *(f"{tick:g}" for tick in ticks)])
    axes.set_xlim((zero if has_zero else factor.low) * 0.8, factor.high * 1.25)


def _draw_levels(axes: Axes, effects: Effects, factor: Factor) -> None:
    levels = np.array(factor.levels)
    places = np.arange(len(levels))
    _draw_points(axes, effects, factor, np.searchsorted(levels, factor.values).astype(float), spread=0.5)
    shifts = _shifts(len(effects.measures), 0.5)
    if effects.fit is not None:
        values, ends = effects.curve(factor, levels)
        for place, measure in enumerate(effects.measures):
            middle = values[:, place]
            lengths = np.abs(ends[:, :, place] - middle)
            at = places + shifts[place]
            axes.errorbar(at, middle, lengths, fmt="_", color=measure.colour, markersize=9, linewidth=2.5)
    axes.axvline(float(np.searchsorted(levels, factor.reference)), color="0.3", linestyle="--", linewidth=1)
    axes.set_xticks(places, [f"{level:g}" for level in levels])
    axes.set_xlim(-0.6, len(levels) - 0.4)


def _draw_points(axes: Axes, effects: Effects, factor: Factor, at: Array, spread: float = 0.0) -> None:
    points, shifts = effects.points(factor), _shifts(len(effects.measures), spread)
    alpha = 0.8 if effects.fit is None else 0.45
    for place, measure in enumerate(effects.measures):
        axes.scatter(at + shifts[place], points[:, place], s=9, color=measure.colour, alpha=alpha, linewidths=0)


def _limits(effects: Effects, noise: float) -> tuple[float, float]:
    """Ends of the vertical axis, in percent: they hold curves, points and noise, but cut bands that are wide."""
    shown = [np.nan_to_num([noise, -noise]), *(effects.points(factor).ravel() for factor in effects.factors)]
    if effects.fit is not None:
        for factor in effects.factors:
            values = np.array(factor.levels) if factor.levels else np.geomspace(*factor.tried, _VALUES)
            shown.append(effects.curve(factor, values)[0].ravel())
    low, high = (float(end(np.concatenate(shown))) for end in (np.min, np.max))
    margin = _MARGIN * max(high - low, 1e-3)
    return low - margin, high + margin


def _shifts(count: int, spread: float) -> Array:
    """(count,) places beside each other about 0."""
    return np.linspace(-spread / 2, spread / 2, count) if count > 1 else np.zeros(1)


def _title(factor: Factor) -> str:
    if factor.levels:
        return f"{factor.title}, in texels"
    title = factor.title.removeprefix("81 ")
    return f"{title} weight {'0, or ' if factor.has_switch else ''}{factor.low:g} to {factor.high:g}"


def _legend(effects: Effects, reference: str, what_differs: str, noise: float) -> list[Line2D | Patch]:
    lines: list[Line2D | Patch] = [
        Line2D([], [], color=measure.colour, linewidth=3, label=f"error of {measure.title}")
        for measure in effects.measures
    ]
    band = "dot: one trial"
    if effects.fit is not None:
        band = "dot: one trial, effects of other weights removed"
        lines.append(Patch(color="tab:grey", alpha=0.3, label="shaded: 95 % interval"))
    lines.append(Line2D([], [], color="0.3", linestyle="--", linewidth=1, label=f"its value in {reference}"))
    lines.append(Line2D([], [], color="0.3", marker="o", markersize=3, linestyle="", label=band))
    if np.isfinite(noise):
        lines.append(Patch(color=_NOISE, label=f"noise: {what_differs} ± {noise:.2g} over {effects.seeds} seeds"))
    return lines
