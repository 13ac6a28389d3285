"""The errors of the network that comes with the project on each photograph of a folder.

    python -m benchmarks.pretrained_photographs AFLW2000_SAMPLES BFM.mat

Photographs are tested in the order of their names. Their crops are those of their annotation, as in `test`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import run
from benchmarks.measurements import save
from lightning_module.checkpoint import checkpoint_digest
from lightning_module.evaluation.nme import BIN_TITLES, NMEReport
from lightning_module.pretrained_network import FILE, PRETRAINED

DECIMALS = 2


def measure(samples: Path, face_model: Path) -> None:
    """Tests the network as it comes, and with the maps of five crops averaged, as `predict` does."""
    names = sorted(path.stem for path in samples.glob("*.jpg"))
    figures: dict[str, Any] = {"network": f"{PRETRAINED} {checkpoint_digest(FILE)}"}
    with TemporaryDirectory() as folder:
        for averages, title in ((False, "as it comes"), (True, "five crops averaged")):
            report = on_photographs(PRETRAINED, averages, Path(folder), samples, face_model)
            each = {name: round(float(error), DECIMALS) for name, error in zip(names, report.per_face, strict=True)}
            figures[title] = {**by_group(report), "each": each}
    save("pretrained_photographs", "python -m benchmarks.pretrained_photographs AFLW2000_SAMPLES BFM.mat", figures)


def on_photographs(network: Path | str, averages: bool, tracking: Path, samples: Path, face_model: Path) -> NMEReport:
    """The 68 landmarks of photographs by a network."""
    arguments = [f"--ckpt_path={network}", f"--tracking.folder={tracking}", f"--model.crop_average={averages}"]
    data = [f"--data.test.root={samples}", f"--data.face_model.path={face_model}"]
    tested = run.main(["test", *arguments, *data, "--trainer.enable_progress_bar=false"])
    report: NMEReport = tested.reports["test"]["nme"]
    return report


def by_group(report: NMEReport) -> dict[str, float]:
    """NME %: means of all faces, of those of odd and of even rank, and of yaw bins."""
    errors = report.per_face
    groups = {"all": errors, "of odd rank": errors[0::2], "of even rank": errors[1::2]}
    means = {name: float(group.mean()) for name, group in groups.items()}
    means |= {title: float(report.figures[name]) for name, title in BIN_TITLES.items()}
    return {name: round(value, DECIMALS) for name, value in means.items()}


if __name__ == "__main__":
    measure(*map(Path, sys.argv[1:]))
