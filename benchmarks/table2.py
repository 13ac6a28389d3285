"""Table 2 and Fig. 8 of the paper on your data: conf/paper.yaml against conf/unweighted.yaml, with the same seeds.

    make table2 ARGS="--data.root DIR --data.test.root DIR --data.face_model.path FILE [--seeds 0,1,2] [any option of fit]"

For each seed, both see the same faces, order and augmentation. Differences between faces and between seeds are larger
than those between weights, so the paired differences, one dot per seed, show more than the averages.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from lightning_module.evaluation.nme import YAW_BINS, NMEReport
from lightning_module.project import PROJECT
from lightning_module.reporting.figures import draw_ced, finish_ced
from run import main

RATIOS = {"r1 16:5:4:3:0": ["paper.yaml"], "r2 1:1:1:1:0": ["paper.yaml", "unweighted.yaml"]}


def compare_ratios(seeds: Sequence[int], out: Path, options: list[str]) -> dict[str, list[NMEReport]]:
    """Trains both ratios on every seed; prints the table and draws the picture."""
    reports: dict[str, list[NMEReport]] = {ratio: [] for ratio in RATIOS}
    dataset = ""
    for seed in seeds:
        for ratio, files in RATIOS.items():
            configs = [part for file in files for part in ("--config", str(PROJECT / "conf" / file))]
            # the file of the ratio comes last, so that a --config among the options cannot change the weights
            weights = configs[-2:] if ratio != "r1 16:5:4:3:0" else []
            result = main(["fit", *configs, *options, *weights, "--seed_everything", str(seed)])
            stages = result.reports
            dataset = "test faces" if "test" in stages else "validation faces"
            reports[ratio].append((stages.get("test") or stages["val"])["nme"])
    _print_table(reports, dataset)
    out.parent.mkdir(parents=True, exist_ok=True)
    _picture(reports, dataset).savefig(out, dpi=120)
    print(f"Picture: {out}")
    return reports


def _print_table(reports: dict[str, list[NMEReport]], dataset: str) -> None:
    first, second = reports.values()
    table = Table(title=f"NME %, 68 landmarks in x and y, {dataset}; mean ± deviation over {len(first)} seeds")
    counts = first[0].counts
    for title in ("ratio", *(f"{name}\nn = {counts[name]}" for name in YAW_BINS), "mean of bins"):
        table.add_column(title, justify="right")
    for ratio, runs in reports.items():
        table.add_row(ratio, *map(_spread, zip(*map(_figures, runs), strict=True)))
    paired = [np.subtract(_figures(b), _figures(a)) for a, b in zip(first, second, strict=True)]
    table.add_row("r2 - r1, paired", *map(_spread, zip(*paired, strict=True)))
    Console().print(table)


def _figures(report: NMEReport) -> list[float]:
    return [*report.by_bin.values(), report.mean_of_bins]


def _spread(values: Sequence[float]) -> str:
    if np.isnan(values).any():
        return "-"
    return f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else f"{values[0]:.2f}"


def _picture(reports: dict[str, list[NMEReport]], dataset: str) -> Figure:
    figure = Figure((12, 5), layout="constrained")
    ced, paired = figure.subplots(1, 2)
    for ratio, runs in reports.items():
        draw_ced(ced, np.concatenate([run.per_face.numpy() for run in runs]), ratio)
    finish_ced(ced, f"CED, {dataset}, {len(next(iter(reports.values())))} seeds together")
    first, second = reports.values()
    differences = np.array([np.subtract(_figures(b), _figures(a)) for a, b in zip(first, second, strict=True)])
    places = np.arange(differences.shape[1])
    for seed in differences:
        paired.plot(places, seed, "o", color="tab:blue", alpha=0.6)
    paired.plot(places, differences.mean(axis=0), "_", color="black", markersize=30)
    paired.axhline(0, color="grey", linewidth=1)
    paired.set_xticks(places, [*YAW_BINS, "mean of bins"])
    paired.set(
        ylabel="NME % of r2 minus NME % of r1",
        title="paired: one dot per seed, the bar is the mean\nabove 0, r1 is better",
    )
    return figure


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=PROJECT / "mlruns" / "table2.png")
    options, fit_options = parser.parse_known_args(sys.argv[1:])
    compare_ratios(options.seeds, options.out, fit_options)
