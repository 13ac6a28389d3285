"""Trains the network that comes with the project, and two for half as long from other seeds, and tests all three.

    python -m benchmarks.pretrained_recipe FOLDER [AFLW2000_SAMPLES BFM.mat] [--seeds 0] [--config conf/pretrained_gpu.yaml]

The runs stay in FOLDER, where a command that was interrupted goes on; figures of seeds that are not named stay as they
were. Photographs, if there are any, are tested in the order of their names: those of odd rank have served to choose the
recipe, those of even rank have not. `python -m benchmarks.pack_pretrained FOLDER` then makes the network of seed 0 the
one that comes with the project, and `python -m benchmarks.pack_pretrained` shows new figures on its card.
"""

import hashlib
import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measurements import RESULTS, save
from benchmarks.pretrained_photographs import DECIMALS, by_group, on_photographs
from lightning_module.evaluation.evaluation_record import FOLDER, read_record
from lightning_module.evaluation.nme import BIN_TITLES
from lightning_module.project import PROJECT
from lightning_module.tracking.run_folder import RunFolder, newest_fit

NAME = "pretrained"  # of the results
CONFIG = Path("conf/pretrained.yaml")
SEED, OTHER_SEEDS = 0, (1, 2)  # the network is that of the first, whatever the others show


def measure(
    folder: Path, seeds: Sequence[int], config: Path = CONFIG, photographs: tuple[Path, Path] | None = None
) -> None:
    """Trains and tests, and saves the figures.

    Args:
        folder: Folder of the runs.
        seeds: Those of `SEED` and `OTHER_SEEDS` to train.
        config: The recipe, below the checkout.
        photographs: Folder of samples, and their face model.
    """
    recipe = (PROJECT / config).read_bytes()
    epochs: int = yaml.safe_load(recipe)["trainer"]["max_epochs"]
    lengths = {SEED: epochs, **dict.fromkeys(OTHER_SEEDS, epochs // 2)}
    digest = hashlib.sha256(recipe).hexdigest()[:16]
    networks = _measured(digest)
    for seed in seeds:
        fitted = trained(place(folder, seed), config, seed, lengths[seed])
        figures: dict[str, Any] = {"tested on": datetime.now(UTC).date().isoformat(), "epochs": lengths[seed]}
        if seed == SEED:  # the others may be trained at once
            figures["hours of training"] = _hours(fitted)
        figures |= _synthetic(fitted)
        if photographs is not None:
            figures |= _on_photographs(fitted, place(folder, seed), *photographs)
        networks[f"seed {seed}"] = figures
    saved = {
        "recipe": f"python run.py fit --config {config.as_posix()}",
        "digest of the recipe": digest,
        "networks": {name: networks[name] for name in sorted(networks)},
    }
    options = (
        f"--seeds {' '.join(name.removeprefix('seed ') for name in sorted(networks))} --config {config.as_posix()}"
    )
    given = "" if photographs is None else " AFLW2000_SAMPLES BFM.mat"
    save(NAME, f"python -m benchmarks.pretrained_recipe FOLDER{given} {options}", saved)


def _measured(digest: str) -> dict[str, dict[str, Any]]:
    """The saved figures of trainings by a recipe."""
    path = RESULTS / f"{NAME}.json"
    saved = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.is_file() else {}
    return dict(saved["networks"]) if saved.get("digest of the recipe") == digest else {}


def place(folder: Path, seed: int) -> Path:
    """Folder of the runs of a seed."""
    return folder / f"seed_{seed}"


def trained(tracking: Path, config: Path, seed: int, epochs: int) -> RunFolder:
    """A fit with its test, which goes on where it was interrupted."""
    begun = newest_fit(tracking / "runs")
    if begun is None or not begun.last_checkpoint.is_file():
        options = [f"--config={config}", f"--seed_everything={seed}", f"--trainer.max_epochs={epochs}"]
    elif not _records(begun):
        options = [f"--ckpt_path={begun.last_checkpoint}"]
    else:
        return begun
    command = [sys.executable, "run.py", "fit", *options, f"--tracking.folder={tracking}"]
    subprocess.run([*command, "--trainer.enable_progress_bar=false"], cwd=PROJECT, check=True)
    finished = newest_fit(tracking / "runs")
    assert finished is not None
    return finished


def _records(fitted: RunFolder) -> list[Path]:
    return sorted((fitted.path / FOLDER).glob("*.json"))


def _hours(fitted: RunFolder) -> float | None:
    """Hours from the start of the run to its last epoch; None for a fit that was interrupted."""
    entries = [json.loads(line) for line in fitted.journal.read_text(encoding="utf-8").splitlines()]
    if any(entry["kind"] == "resume" for entry in entries):
        return None
    trained_at = [
        entry["time_ms"]
        for entry in entries
        if entry["kind"] == "metrics" and "train/loss" in entry["content"]["values"]
    ]
    return round((max(trained_at) - entries[0]["time_ms"]) / 3_600_000, DECIMALS)


def _synthetic(fitted: RunFolder) -> dict[str, float]:
    """NME % of the 68 landmarks on the test faces of the fit itself."""
    report = read_record(_records(fitted)[0]).reports["nme"]
    by_bin = {f"synthetic faces, {title}": report.figures[name] for name, title in BIN_TITLES.items()}
    figures = {**by_bin, "synthetic faces, mean of bins": report.mean_of_bins}
    return {name: round(float(value), DECIMALS) for name, value in figures.items()}


def _on_photographs(fitted: RunFolder, tracking: Path, samples: Path, face_model: Path) -> dict[str, float]:
    """NME % of the 68 landmarks: means of faces, of groups and yaw bins, and with the maps of five crops averaged."""
    figures: dict[str, float] = {}
    for averages in (False, True):
        report = on_photographs(fitted.best_checkpoint, averages, tracking / "tests", samples, face_model)
        suffix = ", five crops averaged" if averages else ""
        figures |= {f"photographs, {name}{suffix}": value for name, value in by_group(report).items()}
    return figures


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("photographs", type=Path, nargs="*", help="folder of samples, and BFM.mat")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--seeds", type=int, nargs="*", choices=(SEED, *OTHER_SEEDS), default=(SEED, *OTHER_SEEDS))
    given = parser.parse_args()
    if len(given.photographs) not in (0, 2):
        parser.error("give a folder of samples and a face model, or neither")
    pair = (given.photographs[0], given.photographs[1]) if given.photographs else None
    measure(given.folder, given.seeds, given.config, pair)
