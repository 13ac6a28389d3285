"""Compares tails on ten faces (conf/overfit.yaml): published or linear, with and without the mean map as origin.

python -m benchmarks.tail_ablation DATA_ROOT BFM.mat
"""

import sys
from statistics import mean, stdev
from tempfile import TemporaryDirectory

from benchmarks.measurements import save
from run import main

EPOCHS = 400
SEEDS = (0, 1, 2)


def ablate(root: str, model: str) -> None:
    """Trains every combination on every seed."""
    figures = []
    for tail in ("published", "linear"):
        for is_residual in ("false", "true"):
            nme = []
            for seed in SEEDS:
                with TemporaryDirectory() as folder:
                    result = main(
                        [
                            "fit",
                            "--config",
                            "conf/overfit.yaml",
                            "--data.root",
                            root,
                            "--data.test.root",
                            root,
                            "--data.face_model.path",
                            model,
                            "--tracking.folder",
                            folder,
                            "--seed_everything",
                            str(seed),
                            "--model.network.tail",
                            tail,
                            "--model.is_residual",
                            is_residual,
                            "--trainer.max_epochs",
                            str(EPOCHS),
                            "--trainer.enable_progress_bar",
                            "false",
                        ]
                    )
                nme.append(result.reports["test"]["nme"].mean_of_bins)
            row = {
                "tail": tail,
                "about the mean map": is_residual == "true",
                "nme": [round(x, 2) for x in nme],
                "mean": round(mean(nme), 2),
                "deviation": round(stdev(nme), 2),
            }
            print(row, flush=True)
            figures.append(row)
    save("tail_ablation", "python -m benchmarks.tail_ablation AFLW2000_SAMPLES BFM.mat", figures)


if __name__ == "__main__":
    ablate(*sys.argv[1:3])
