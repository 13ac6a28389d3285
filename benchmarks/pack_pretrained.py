"""Makes a network the one that comes with the project: writes its file and its model card.

    python -m benchmarks.pack_pretrained FOLDER_OR_CHECKPOINT [TARGET_FOLDER]

FOLDER is that of `python -m benchmarks.pretrained_recipe`, whose seed 0 is taken; the card shows the figures that it
saved in benchmarks/results/pretrained.json. Only who maintains the project needs this command, so it is none of run.py.
"""

import json
import sys
from pathlib import Path

from benchmarks.measurements import RESULTS
from benchmarks.pretrained_recipe import NAME, SEED, place
from lightning_module.inference.pretrained.package_writer import CARD, write_package
from lightning_module.pretrained_network import FILE
from lightning_module.tracking.run_folder import newest_fit


def pack(network: Path, folder: Path = FILE.parent) -> None:
    """Writes both files, and prints what they are."""
    figures = RESULTS / f"{NAME}.json"
    measured = json.loads(figures.read_text(encoding="utf-8")) if figures.is_file() else {}
    package = write_package(_checkpoint(network), measured, folder)
    print(
        f"{package.path}: {package.size / 1e6:.2f} MB, sha256 {package.digest}\n"
        f"Half precision moves a point by {package.apart_px:.2g} px on average.\nModel card: {folder / CARD}"
    )


def _checkpoint(network: Path) -> Path:
    if network.is_file():
        return network
    fitted = newest_fit(place(network, SEED) / "runs")
    if fitted is None:
        sys.exit(f"error: {network}: holds no fit of seed {SEED}. Run python -m benchmarks.pretrained_recipe first.")
    return fitted.best_checkpoint


if __name__ == "__main__":
    pack(*map(Path, sys.argv[1:3]))
