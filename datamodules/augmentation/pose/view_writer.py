"""Writes the faces of a data set at chosen poses: as files in the layout of 300W-LP, and as a contact sheet."""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from datamodules.augmentation.pose.pose_augmenter import PoseAugmenter
from datamodules.augmentation.pose.view_sampling import View, at_pose, rotated_pose
from datamodules.errors import InputError, cannot_write
from datamodules.face_landmarks import landmarks_image_px
from datamodules.files.atomic_files import whole_file
from datamodules.files.dataset_card import CARD, DatasetCard, read_card, write_card
from datamodules.files.face_mat import write_face_mat
from datamodules.files.images import read_image, warp_image, write_jpeg
from datamodules.files.listed_names import is_empty
from datamodules.geometry.camera import HeadPose
from datamodules.geometry.crop import crop_boxes, crop_matrix, crop_points, image_matrix
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.types import FaceParameters, FaceRecord

IMAGE_SIZE = 450  # pixels per side, as in 300W-LP
_FRAME = 1.5  # side of the image / side of the plain crop; leaves room for jitter and rotation
_SHEET_FACES = 10
_SHEET_PX = 128


@dataclass(frozen=True)
class Poses:
    """The poses that faces are rendered at.

    Args:
        yaw_deg: Yaw angles.
        pitch_deg: Pitch angles, each combined with each yaw; by default every face keeps its own pitch.
    """

    yaw_deg: tuple[float, ...] = (-90, -75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75, 90)
    pitch_deg: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.yaw_deg:
            raise InputError("--poses.yaw_deg is empty: give at least one angle.")
        for name in ("yaw_deg", "pitch_deg"):
            if wrong := [angle for angle in getattr(self, name) if not -90 <= angle <= 90]:
                raise InputError(f"--poses.{name} holds {wrong[0]:g}: give angles from -90 to 90 degrees.")

    def of(self, pose: HeadPose, centre: NDArray[np.float64]) -> list[HeadPose]:
        """The poses of a face, rotated about a point of model space."""
        pitches = [np.deg2rad(pitch) for pitch in self.pitch_deg] or [pose.pitch_rad]
        return [
            rotated_pose(pose, (pitch, float(np.deg2rad(yaw)), pose.roll_rad), centre)
            for pitch in pitches
            for yaw in self.yaw_deg
        ]


class ViewWriter(Dataset[int]):
    """A data set whose items write the views of one face each, and count the files written.

    Args:
        rows: (M,) rows of the faces in the augmenter's index.
        boxes: (N, 3) plain crops of all its rows.
        augmenter: Renders the faces.
        poses: The poses.
        out: Folder to write to.
    """

    def __init__(
        self, rows: NDArray[np.intp], boxes: NDArray[np.float64], augmenter: PoseAugmenter, poses: Poses, out: Path
    ) -> None:
        self._rows = rows
        self._boxes = boxes
        self._augmenter = augmenter
        self._poses = poses
        self._out = out
        self._landmarks = LandmarkModel(augmenter.model)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, position: int) -> int:
        """Writes the missing `<key>_<view>.jpg` and `.mat` files of a face; view 0 is the photograph."""
        record = self._augmenter.index.record(int(self._rows[position]))
        poses: list[HeadPose | None] = [None]
        if self._augmenter.can_render(record):
            poses += self._poses.of(record.pose, self._augmenter.centre)
        stems = [self._out / f"{record.key}_{view}" for view in range(len(poses))]
        missing = [view for view, stem in enumerate(stems) if not stem.with_name(f"{stem.name}.mat").is_file()]
        if not missing:
            return 0
        pixels = read_image(record.image_path)
        try:
            stems[0].parent.mkdir(parents=True, exist_ok=True)
            for view in missing:
                self._write(record, pixels, position, poses[view], stems[view])
        except OSError as error:
            raise cannot_write(self._out, error, "--out") from error
        return len(missing)

    def card(self, source: DatasetCard) -> DatasetCard:
        """The card of the views, derived from that of the photographs."""
        identity = f"{self._augmenter.index.fingerprint} {self._augmenter.model.fingerprint} {self._poses}"
        fingerprint = blake2b(identity.encode(), digest_size=8).hexdigest()
        return DatasetCard(f"{source.name}, other poses", f"{source.kind or 'photographs'}, rendered", fingerprint)

    def picture(
        self, record: FaceRecord, pixels: NDArray[np.uint8], pose: HeadPose | None, box: NDArray[np.float64], size: int
    ) -> NDArray[np.uint8]:
        """(size, size, 3) crop of a face: rendered at a pose, or of its photograph where `pose` is None."""
        matrix = image_matrix(crop_matrix(box), size)
        if pose is None:
            return warp_image(pixels, matrix, size)
        return self._augmenter.render(View(record, at_pose(record, pose), np.zeros(3), None), pixels, matrix, size)

    def sheet(self) -> NDArray[np.uint8]:
        """A contact sheet: one row per face, with the photograph and all its views."""
        rows = []
        for position in range(min(len(self), _SHEET_FACES)):
            record = self._augmenter.index.record(int(self._rows[position]))
            pixels = read_image(record.image_path)
            poses = self._poses.of(record.pose, self._augmenter.centre) if self._augmenter.can_render(record) else []
            pictures = [
                self.picture(record, pixels, pose, self._box(record, pose), _SHEET_PX) for pose in (None, *poses)
            ]
            pictures += [np.zeros_like(pictures[0])] * (1 + len(self._all_poses) - len(pictures))
            rows.append(np.concatenate(pictures, axis=1))
        return np.concatenate(rows)

    @property
    def _all_poses(self) -> list[HeadPose]:
        return self._poses.of(HeadPose.frontal(), np.zeros(3))

    def _write(
        self, record: FaceRecord, pixels: NDArray[np.uint8], position: int, pose: HeadPose | None, stem: Path
    ) -> None:
        side = _FRAME * self._boxes[self._rows[position], 2]
        box = np.append(self._box(record, pose)[:2], side)  # the head keeps its size from view to view
        matrix = image_matrix(crop_matrix(box), IMAGE_SIZE)
        shown = record if pose is None else at_pose(record, pose)
        landmarks = crop_points(landmarks_image_px(shown, self._landmarks), matrix).astype(np.float32)
        moved = shown.pose.moved(matrix, record.image_size[1], IMAGE_SIZE)
        face = FaceParameters(shown.identity, shown.expression, moved.pose_para(), landmarks)
        with whole_file(stem.with_name(f"{stem.name}.jpg")) as path:
            write_jpeg(path, self.picture(record, pixels, pose, box, IMAGE_SIZE))
        with whole_file(stem.with_name(f"{stem.name}.mat")) as path:
            write_face_mat(path, face, (IMAGE_SIZE, IMAGE_SIZE))

    def _box(self, record: FaceRecord, pose: HeadPose | None) -> NDArray[np.float64]:
        shown = at_pose(record, record.pose if pose is None else pose)
        return np.asarray(crop_boxes(landmarks_image_px(shown, self._landmarks)[None])[0])


def write_views(views: ViewWriter, source: DatasetCard, out: Path, processes: int) -> int:
    """Writes all views of all faces, in several processes; returns the number of views written.

    Existing files are kept, so that an interrupted command continues.
    """
    card = views.card(source)
    if (out / CARD).is_file():
        if read_card(out) != card:
            raise InputError(f"{out}: holds views of other faces or poses. Set --out to a folder that is new or empty.")
    elif out.exists() and not (out.is_dir() and is_empty(out)):
        raise InputError(f"{out}: holds something else than views. Set --out to a folder that is new or empty.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_card(out, card)
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    loader: DataLoader[int] = DataLoader(views, batch_size=None, num_workers=processes)
    return sum(int(written) for written in tqdm(loader, desc="Rendering faces", unit="face", leave=False, disable=None))
