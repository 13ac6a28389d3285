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

from lightning_module.evaluation.nme import NMEReport
from lightning_module.project import PROJECT
from lightning_module.reporting.figures import draw_ced, finish_ced
from lightning_module.reporting.ratio_table import draw_differences, ratio_frame
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
    frame = ratio_frame(reports)
    seeds = len(next(iter(reports.values())))
    table = Table(title=f"NME %, 68 landmarks in x and y, {dataset}; mean ± deviation over {seeds} seeds")
    for title in frame.columns:
        table.add_column(str(title).replace(" (", "\n").rstrip(")"), justify="right")
    for cells in frame.itertuples(index=False):
        table.add_row(*map(str, cells))
    Console().print(table)


def _picture(reports: dict[str, list[NMEReport]], dataset: str) -> Figure:
    figure = Figure((12, 5), layout="constrained")
    ced, paired = figure.subplots(1, 2)
    for ratio, runs in reports.items():
        draw_ced(ced, np.concatenate([run.per_face.numpy() for run in runs]), ratio)
    finish_ced(ced, f"CED, {dataset}, {len(next(iter(reports.values())))} seeds together")
    draw_differences(paired, reports)
    return figure


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=PROJECT / "mlruns" / "table2.png")
    options, fit_options = parser.parse_known_args(sys.argv[1:])
    compare_ratios(options.seeds, options.out, fit_options)
