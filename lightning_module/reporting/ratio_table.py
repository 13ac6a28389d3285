"""Ratios of region weights over training seeds: Table 2 of the paper, and its paired differences."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lightning_module.evaluation.nme import BIN_TITLES, YAW_BINS, NMEReport
from lightning_module.reporting.nme_table import percent

RatioReports = Mapping[str, Sequence[NMEReport]]  # of each ratio, those of its seeds in one order


def ratio_frame(reports: RatioReports) -> pd.DataFrame:
    """A row for each ratio, then one for each ratio but the first: its difference from the first, paired by seed.

    A cell is the mean over seeds, and its deviation where there are several; in percent.

    Args:
        reports: NME of each ratio, seed by seed.
    """
    (first, *others) = reports
    counts = reports[first][0].counts
    columns = ["ratio", *(f"{BIN_TITLES[name]} (n = {counts[name]})" for name in YAW_BINS), "mean of bins"]
    rows = [[ratio, *map(_spread, np.transpose(_by_seed(runs)))] for ratio, runs in reports.items()]
    rows += [
        [
            f"{_short(ratio)} - {_short(first)}, paired",
            *(_spread(column, signed=True) for column in differences(reports, ratio).T),
        ]
        for ratio in others
    ]
    return pd.DataFrame(rows, columns=columns)


def differences(reports: RatioReports, ratio: str) -> NDArray[np.float64]:
    """(seeds, 4) percent by which a ratio's errors exceed those of the first ratio from the same seed.

    The columns are the yaw bins and their mean.
    """
    first = next(iter(reports))
    return np.asarray(_by_seed(reports[ratio]) - _by_seed(reports[first]))


def draw_differences(axes: Axes, reports: RatioReports) -> None:
    """Draws the paired differences of the ratios from the first: a dot for each seed, a bar for their mean."""
    first, *others = reports
    places = np.arange(len(YAW_BINS) + 1)
    for number, ratio in enumerate(others):
        own = differences(reports, ratio)
        shifted = places + 0.12 * (number - (len(others) - 1) / 2)  # side by side
        colour = f"C{number}"
        for seed in own:
            axes.plot(shifted, seed, "o", color=colour, alpha=0.6)
        axes.plot(shifted, own.mean(axis=0), "_", color=colour if len(others) > 1 else "black", markersize=30)
        axes.plot([], [], "o", color=colour, label=ratio)
    axes.axhline(0, color="grey", linewidth=1)
    axes.set_xticks(places, [*BIN_TITLES.values(), "mean of bins"])
    axes.set(
        ylabel=f"NME % less that of {first}",
        title=f"paired: one dot per seed, the bar is the mean\nabove 0, {first} is better",
    )
    axes.legend(fontsize=8)


def _by_seed(runs: Sequence[NMEReport]) -> NDArray[np.float64]:
    """(seeds, 4) percent."""
    return np.array([[*report.by_bin.values(), report.mean_of_bins] for report in runs])


def _spread(values: NDArray[np.float64], signed: bool = False) -> str:
    if np.isnan(values).any():
        return percent(float("nan"))
    mean = f"{values.mean():+.2f}" if signed else percent(float(values.mean()))
    return f"{mean} ± {values.std(ddof=1):.2f}" if len(values) > 1 else mean


def _short(ratio: str) -> str:
    """The first word of a ratio's name, such as "r1"."""
    return ratio.partition(" ")[0]
