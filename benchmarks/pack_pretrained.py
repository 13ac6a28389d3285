"""Makes a network the one that comes with the project: writes its file and its model card.

    python -m benchmarks.pack_pretrained [FOLDER_OR_CHECKPOINT [TARGET_FOLDER]]

FOLDER is that of `python -m benchmarks.pretrained_recipe`, whose seed 0 is taken; the card shows the figures that it
saved in benchmarks/results/pretrained.json. Without a folder, the network stays, and its card gets these figures. Only
who maintains the project needs this command, so it is none of run.py.
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.measurements import RESULTS
from benchmarks.pretrained_recipe import NAME, SEED, place
from datamodules.files.atomic_files import write_whole
from lightning_module.inference.pretrained.package_card import with_figures
from lightning_module.inference.pretrained.package_writer import CARD, write_package
from lightning_module.pretrained_network import FILE
from lightning_module.tracking.run_folder import newest_fit


def pack(network: Path, folder: Path = FILE.parent) -> None:
    """Writes both files, and prints what they are."""
    package = write_package(_checkpoint(network), _measured(), folder)
    print(
        f"{package.path}: {package.size / 1e6:.2f} MB, sha256 {package.digest}\n"
        f"Half precision moves a point by {package.apart_px:.2g} px on average.\nModel card: {folder / CARD}"
    )


def renew_card(folder: Path = FILE.parent) -> None:
    """Puts the figures of today into the card of the network that comes with the project."""
    card, measured = folder / CARD, _measured()
    if not measured:
        sys.exit(f"error: {RESULTS} holds no {NAME}.json. Run python -m benchmarks.pretrained_recipe first.")
    write_whole(card, with_figures(card.read_text(encoding="utf-8"), measured))
    print(f"Model card: {card}")


def _measured() -> dict[str, Any]:
    figures = RESULTS / f"{NAME}.json"
    return dict(json.loads(figures.read_text(encoding="utf-8"))) if figures.is_file() else {}


def _checkpoint(network: Path) -> Path:
    if network.is_file():
        return network
    fitted = newest_fit(place(network, SEED) / "runs")
    if fitted is None:
        sys.exit(f"error: {network}: holds no fit of seed {SEED}. Run python -m benchmarks.pretrained_recipe first.")
    return fitted.best_checkpoint


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pack(*map(Path, sys.argv[1:3]))
    else:
        renew_card()
