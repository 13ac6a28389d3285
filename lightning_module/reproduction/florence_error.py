"""The Florence protocol for a network of a reproduction, where the scans are among the downloads."""

from pathlib import Path

from datamodules.files.unpacking import unpack_files
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.protocols import RECONSTRUCTION
from lightning_module.reproduction.florence_scans import FlorenceScans, collect_predictions
from lightning_module.reproduction.reproduction_steps import Outcome
from run import main

_NONE = "The scans were not among the downloads, so the error of reconstructed surfaces was not measured."


def measure_florence(scans: FlorenceScans, network: Path, name: str, folder: Path, tracking: Path) -> Outcome:
    """Reconstructs the pictures of the scans, and compares the surfaces with the scans.

    Args:
        scans: The scans.
        network: A checkpoint.
        name: Its name in the tables.
        folder: Folder for the scans and the meshes.
        tracking: Folder of the runs.

    Returns:
        The name, the number of scans, and the mean error in percent.

    Raises:
        InputError: If a picture or a scan cannot be used.
    """
    truths, faces, predicted = folder / "scans", folder / "faces", folder / "predicted"
    if not truths.is_dir():
        unpack_files(scans.files, truths)
    main(["predict", str(truths), f"--ckpt_path={network}", f"--out={faces}"])
    collect_predictions(faces, scans.names, predicted)
    command = ["evaluate-meshes", str(predicted), str(truths), f"--name={name}", "--dataset=Florence"]
    record = main([*command, f"--tracking.folder={tracking}"])
    assert isinstance(record, EvaluationRecord)
    return {
        "name": name,
        "scans": len(scans.names),
        "percent": record.reports[RECONSTRUCTION.name].mean_of_faces,
    }


def florence_sentence(outcome: Outcome | None) -> str:
    """What the page says about the scans."""
    if outcome is None:
        return _NONE
    return (
        f"Mean error of {outcome['name']} on pictures of {outcome['scans']} scans: {outcome['percent']:.2f} % of the distance "
        f"between the outer corners of the eyes ({RECONSTRUCTION.title})."
    )
