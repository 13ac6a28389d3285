"""UV position maps as files, for programs that want them so: PRNet's format."""

from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader
from tqdm import tqdm

from datamodules.augmentation.pose.view_writer import Poses, cannot_write, write_views
from datamodules.dataset import FaceDataset
from datamodules.errors import InputError
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.atomic_files import whole_file
from datamodules.files.images import write_jpeg, write_png

_BATCH = 16
_SHEET = "profiles.png"  # no .jpg: it may lie beside samples


def prepare(
    data: FaceDataModule,
    out: Path,
    profile: bool = False,
    poses: Poses = Poses(),  # noqa: B008  # frozen
    sheet: bool = False,
) -> int:
    """Writes the position map and the crop of every face of a data set; with --profile, its faces turned.

    For each sample <stem>.npy, (256, 256, 3) float32 x, y, z in crop pixels, and the crop <stem>.jpg, in the folders
    of the data set. Files that are there are kept, so that an interrupted command goes on.

    Args:
        data: Which faces; synthetic ones where --data.root is not given. Nothing is augmented.
        out: Folder to write to.
        profile: Write photographs and .mat files of all faces turned to other poses instead, as 300W-LP has them:
            <stem>_0 is the photograph, <stem>_1 and so on are the poses.
        poses: Which.
        sheet: Write a contact sheet of ten faces in these poses instead.

    Returns:
        How many files of each kind were written.
    """
    data.check("fit")
    data.prepare_data()
    if poses != Poses() and not (profile or sheet):
        raise InputError("--poses is set, but neither --profile nor --sheet: add one of them.")
    if profile or sheet:
        return _prepare_views(data, out, poses, sheet)
    faces = data.plain_faces()
    rows = [position for position in range(len(faces)) if not _is_done(faces, position, out)]
    loader = DataLoader(faces, _BATCH, sampler=[(0, position) for position in rows], num_workers=data.num_workers)
    try:
        for batch in tqdm(loader, desc=f"Writing {out}", unit="batch", leave=False):
            maps = data.complete(batch).position_map
            assert maps is not None  # made from coefficients
            for key, image, position_map in zip(batch.key, batch.image.numpy(), maps.numpy(), strict=True):
                _write(out / key, image, position_map.transpose(1, 2, 0))
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}). Set --out to a folder with room.") from error
    print(f"{len(rows)} maps and crops written to {out}, {len(faces) - len(rows)} were there already.")
    return len(rows)


def _prepare_views(data: FaceDataModule, out: Path, poses: Poses, sheet: bool) -> int:
    views = data.views(poses, out)
    if sheet:
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_png(out / _SHEET, views.sheet())
        except OSError as error:
            raise cannot_write(out, error) from error
        print(f"Contact sheet: {out / _SHEET}")
        return 0
    if views.layout == "300w-lp":
        raise InputError(
            f"{data.root}: has 300W-LP's layout, whose faces have been turned; turned again they could not be told "
            "apart by their names. Give 300W-3D, or another folder of photographs."
        )
    written = write_views(views, data.card("fit"), out, data.num_workers)
    print(
        f"{written} views of {len(views)} faces written to {out}.\n"
        f"Train on them: python run.py fit --data.root {out} --data.morphable_model {data.model_path}"
    )
    return written


def _is_done(faces: FaceDataset, position: int, out: Path) -> bool:
    return (out / f"{faces.index.key(int(faces.rows[position]))}.npy").is_file()  # written last


def _write(stem: Path, image: np.typing.NDArray[np.uint8], position_map: np.typing.NDArray[np.float32]) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    write_jpeg(stem.with_name(f"{stem.name}.jpg"), image)
    with whole_file(stem.with_name(f"{stem.name}.npy")) as path:
        np.save(path, position_map)
