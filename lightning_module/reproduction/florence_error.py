"""The Florence protocol for a network of a reproduction, where the scans are among the downloads."""

from pathlib import Path

from datamodules.files.unpacking import unpack_files
from lightning_module.evaluation.protocols import RECONSTRUCTION
from lightning_module.reproduction.florence_scans import FlorenceScans, collect_predictions
from run import main

_NONE = "The scans were not among the downloads, so the error of reconstructed surfaces was not measured."


def florence_sentence(scans: FlorenceScans | None, network: Path, out: Path, tracking: Path) -> str:
    """One sentence with the error of a network on pictures of the scans, or about their absence.

    Args:
        scans: The scans.
        network: A checkpoint.
        out: Folder of the reproduction.
        tracking: Folder of its runs.

    Raises:
        InputError: If a picture or a scan cannot be used.
    """
    if scans is None:
        return _NONE
    folder = out / "florence"
    truths, predicted = folder / "scans", folder / "predicted"
    if not truths.is_dir():
        unpack_files(scans.files, truths)
    main(["predict", str(truths), f"--ckpt_path={network}", f"--out={folder / 'faces'}"])
    collect_predictions(folder / "faces", scans.names, predicted)
    record = main(
        [
            "evaluate-meshes",
            str(predicted),
            str(truths),
            "--name=16:5:4:3:0",
            "--dataset=Florence",
            f"--tracking.folder={tracking}",
        ]
    )
    report = record.reports[RECONSTRUCTION.name]  # type: ignore[attr-defined]  # what the command returns
    return (
        f"Mean error of {len(scans.names)} pictures of the scans, {RECONSTRUCTION.title}: {report.mean_of_faces:.2f} % of the "
        "distance between the outer corners of the eyes."
    )
