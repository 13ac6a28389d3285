"""`run.py render-views`: renders photographs at other poses, in the layout of 300W-LP."""

from pathlib import Path

from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.augmentation.pose.view_writer import Poses, ViewWriter, write_views
from datamodules.errors import InputError, cannot_write
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.images import write_png
from datamodules.fitted_faces import FittedFaces

_SHEET = "views.png"  # not .jpg, the ending of samples


def render_views(
    data: FaceDataModule,
    out: Path,
    poses: Poses = Poses(),  # noqa: B008  # frozen
    sheet: bool = False,
) -> int:
    """Renders the faces of a data set at other poses, and writes them as photographs with .mat files.

    <stem>_0 is the photograph, and <stem>_1 and so on are the poses, as in 300W-LP. Existing files are kept, so that an
    interrupted command continues.

    Args:
        data: The faces; synthetic ones if --data.root is not set. Nothing is augmented.
        out: Folder to write to.
        poses: The poses.
        sheet: Write a contact sheet of ten faces instead.

    Returns:
        Number of views written.
    """
    views, has_views = _views(data, poses, out)
    if sheet:
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_png(out / _SHEET, views.sheet())
        except OSError as error:
            raise cannot_write(out, error, "--out") from error
        print(f"Contact sheet: {out / _SHEET}")
        return 0
    if has_views:
        raise InputError(
            f"{data.folders.root}: holds rendered views, as 300W-LP does, and the names of views of views would be ambiguous. "
            "Give 300W-3D, or another folder of photographs."
        )
    written = write_views(views, data.card("fit"), out, data.num_workers)
    print(
        f"{written} views of {len(views)} faces written to {out}.\n"
        f"Train on them: python run.py fit --data.root {out} --data.face_model.path {_fitted(data).model.path}"
    )
    return written


def _views(data: FaceDataModule, poses: Poses, out: Path) -> tuple[ViewWriter, bool]:
    """The views of all usable faces below --data.root, and whether these are rendered views themselves."""
    data.check("write")
    data.prepare_data()
    targets, faces = _fitted(data), data.folders.training_data()
    index = targets.index(data.folders.training_root)
    augmenter = targets.pose_augmenter(index, faces.rows, PoseAugmentation(probability=1.0))
    if augmenter is None:
        raise InputError(f"{index.root}: none of its faces has a fit that is good enough to be rendered.")
    return ViewWriter(faces.rows, faces.boxes, augmenter, poses, out), index.samples.has_rendered_views


def _fitted(data: FaceDataModule) -> FittedFaces:
    targets = data.folders.targets
    if not isinstance(targets, FittedFaces):
        raise InputError(
            f"{data.folders.root}: holds stored position maps, which cannot be rendered at other poses. Give photographs "
            "with a face model's coefficients."
        )
    return targets
