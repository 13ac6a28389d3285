"""`run.py prepare`: writes UV position maps as files, in PRNet's layout."""

from collections.abc import Sequence
from pathlib import Path

from torch.utils.data import DataLoader
from tqdm import tqdm

from datamodules.errors import InputError, cannot_write
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.atomic_files import whole_file
from datamodules.files.images import write_jpeg, write_png
from datamodules.files.position_map_files import (
    LAYOUT_FILE,
    MAP_ENDING,
    read_uv_layout,
    write_position_map,
    write_uv_layout,
)
from datamodules.readers.stored_map_reader import StoredMapReader
from datamodules.types import FaceSample

_BATCH = 16
_READER = f"{StoredMapReader.__module__}.{StoredMapReader.__qualname__}"


def prepare(data: FaceDataModule, out: Path, lossless: bool = False) -> int:
    """Writes the position map and the crop of every face of a data set.

    For each sample these are <stem>.npy, (256, 256, 3) float32 x, y, z in crop pixels, and the crop <stem>.jpg, in the
    subfolders of the data set. uv_layout.npz holds the regions and landmarks of the texels. Existing files are kept, so
    that an interrupted command continues. To train on the maps, set --data.reader
    datamodules.readers.stored_map_reader.StoredMapReader.

    Args:
        data: The faces; synthetic ones if --data.root is not set. Nothing is augmented.
        out: Folder to write to.
        lossless: Write crops as PNG instead of JPEG.

    Returns:
        Number of maps written.

    Raises:
        InputError: If a folder or file cannot be used, or the folder holds maps of other crops.
    """
    data.check("write")
    data.prepare_data()
    _require_same_crop(out / LAYOUT_FILE, data.uv_layout.crop_margin)
    faces = data.plain_faces()
    missing = {key for key in faces.keys if not _map_path(out, key).is_file()}
    loader: DataLoader[FaceSample] = DataLoader(
        faces, batch_sampler=_batches(faces.keys, missing), num_workers=data.num_workers
    )
    ending, write_crop = (".png", write_png) if lossless else (".jpg", write_jpeg)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_uv_layout(out / LAYOUT_FILE, data.uv_layout)
        for batch in tqdm(loader, desc=f"Writing {out}", unit="batch", leave=False, disable=None):
            maps = data.complete(batch).position_map.permute(0, 2, 3, 1).numpy()
            for key, crop, points in zip(batch.key, batch.image.numpy(), maps, strict=True):
                if key not in missing:
                    continue
                path = _map_path(out, key)
                path.parent.mkdir(parents=True, exist_ok=True)
                with whole_file(path.with_name(f"{path.name.removesuffix(MAP_ENDING)}{ending}")) as crop_path:
                    write_crop(crop_path, crop)
                write_position_map(path, points)  # last, since its presence marks the sample as complete
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    print(
        f"{len(missing)} maps and crops written to {out}, {len(faces) - len(missing)} existed before.\n"
        f"Train on them: python run.py fit --data.root {out} --data.reader {_READER}"
    )
    return len(missing)


def _batches(keys: Sequence[str], missing: set[str]) -> list[list[tuple[int, int]]]:
    """Batches of (epoch, position), in which a face has the same companions whenever a command was interrupted.

    The last bits of a position map depend on the others of its batch, so that a batch of which one map is missing is
    computed as a whole.
    """
    batches = [range(start, min(start + _BATCH, len(keys))) for start in range(0, len(keys), _BATCH)]
    return [[(0, position) for position in batch] for batch in batches if any(keys[p] in missing for p in batch)]


def _require_same_crop(labels: Path, margin: float) -> None:
    """Raises InputError if the maps of a folder, which an interrupted command has left, are of other crops."""
    before = read_uv_layout(labels).crop_margin if labels.is_file() else margin
    if before != margin:
        raise InputError(
            f"{labels.parent}: holds maps of crops with margin {before:g}. Set --data.crop_margin {before:g}, or --out to another "
            "folder."
        )


def _map_path(out: Path, key: str) -> Path:
    return out / f"{key}{MAP_ENDING}"
