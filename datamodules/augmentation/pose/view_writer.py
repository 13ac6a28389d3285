"""A data set's faces turned to chosen poses, as files: 300W-LP's layout, and a contact sheet."""

from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from datamodules.augmentation.pose.pose_augmentation import Profiler
from datamodules.augmentation.pose.view_sampling import View, seen_so, turned
from datamodules.errors import InputError
from datamodules.files.atomic_files import whole_file
from datamodules.files.dataset_card import CARD, DatasetCard, read_card, write_card
from datamodules.files.face_folders import FolderLayout
from datamodules.files.face_mat import FaceParameters, write_face_mat
from datamodules.files.images import read_image, warp_image, write_jpeg
from datamodules.geometry.camera import HeadPose
from datamodules.geometry.crop import crop_boxes, crop_matrix, crop_points, image_matrix
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.opened_dataset import FaceSource
from datamodules.types import FaceRecord

IMAGE_SIZE = 450  # pixels a side, as 300W-LP's
_FRAME = 1.5  # sides of the plain crop a side of the image: the rest is there for jitter and rotation
_SHEET_FACES = 10
_SHEET_PX = 128


@dataclass(frozen=True)
class Poses:
    """Where faces are turned to.

    Args:
        yaw_deg: Yaws.
        pitch_deg: Pitches, each with each yaw; by default every face keeps its own.
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
        """A face's poses, turned about a point of model space."""
        pitches = [np.deg2rad(pitch) for pitch in self.pitch_deg] or [pose.pitch_rad]
        return [
            turned(pose, (pitch, float(np.deg2rad(yaw)), pose.roll_rad), centre)
            for pitch in pitches
            for yaw in self.yaw_deg
        ]


class FaceViews(Dataset[int]):
    """Writes the views of one face after another; an item is how many were missing.

    Args:
        source: The data set.
        profiler: Turns them.
        poses: Where to.
        out: Folder to write to.
    """

    def __init__(self, source: FaceSource, profiler: Profiler, poses: Poses, out: Path) -> None:
        self._index = source.index
        self._crops = source.crops
        self._profiler = profiler
        self._poses = poses
        self._out = out
        self._landmarks = LandmarkModel(profiler.model)

    @property
    def layout(self) -> FolderLayout:
        """Of the data set."""
        return self._index.layout

    def __len__(self) -> int:
        return len(self._crops.rows)

    def __getitem__(self, position: int) -> int:
        """Writes `<key>_<view>.jpg` and `.mat`, view 0 being the photograph, as far as they are not there."""
        record = self._index.record(int(self._crops.rows[position]))
        shown: list[HeadPose | None] = [None]
        if self._profiler.can_turn(record):
            shown += self._poses.of(record.pose, self._profiler.centre)
        stems = [self._out / f"{record.key}_{view}" for view in range(len(shown))]
        missing = [view for view, stem in enumerate(stems) if not stem.with_name(f"{stem.name}.mat").is_file()]
        if not missing:
            return 0
        pixels = read_image(record.image_path)
        try:
            stems[0].parent.mkdir(parents=True, exist_ok=True)
            for view in missing:
                self._write(record, pixels, position, shown[view], stems[view])
        except OSError as error:
            raise cannot_write(self._out, error) from error
        return len(missing)

    def card(self, source: DatasetCard) -> DatasetCard:
        """What the views call themselves."""
        identity = f"{self._index.fingerprint} {self._profiler.model.fingerprint()} {self._poses}"
        fingerprint = blake2b(identity.encode(), digest_size=8).hexdigest()
        return DatasetCard(f"{source.name}, turned", f"{source.kind or 'photographs'}, turned", fingerprint)

    def picture(
        self, record: FaceRecord, pixels: NDArray[np.uint8], pose: HeadPose | None, box: NDArray[np.float64], size: int
    ) -> NDArray[np.uint8]:
        """(size, size, 3) of a face in a pose, or as it is, in a box about it."""
        matrix = image_matrix(crop_matrix(box), size)
        if pose is None:
            return warp_image(pixels, matrix, size)
        return self._profiler.draw(View(record, seen_so(record, pose), np.zeros(3), None), pixels, matrix, size)

    def sheet(self) -> NDArray[np.uint8]:
        """The first faces as they are, and turned to all poses, a row each."""
        rows = []
        for position in range(min(len(self), _SHEET_FACES)):
            record = self._index.record(int(self._crops.rows[position]))
            pixels = read_image(record.image_path)
            poses = self._poses.of(record.pose, self._profiler.centre) if self._profiler.can_turn(record) else []
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
        side = _FRAME * self._crops.boxes[self._crops.rows[position], 2]
        box = np.append(self._box(record, pose)[:2], side)  # the head keeps its size from view to view
        matrix = image_matrix(crop_matrix(box), IMAGE_SIZE)
        shown = record if pose is None else seen_so(record, pose)
        landmarks = crop_points(self._landmarks_px(shown), matrix).astype(np.float32)
        moved = shown.pose.moved(matrix, record.image_size[1], IMAGE_SIZE)
        face = FaceParameters(shown.coefficients, moved.pose_para(), landmarks)
        with whole_file(stem.with_name(f"{stem.name}.jpg")) as path:
            write_jpeg(path, self.picture(record, pixels, pose, box, IMAGE_SIZE))
        with whole_file(stem.with_name(f"{stem.name}.mat")) as path:
            write_face_mat(path, face, (IMAGE_SIZE, IMAGE_SIZE))

    def _box(self, record: FaceRecord, pose: HeadPose | None) -> NDArray[np.float64]:
        shown = replace(record if pose is None else seen_so(record, pose), landmarks_68_px=None)
        return np.asarray(crop_boxes(self._landmarks_px(shown)[None])[0])

    def _landmarks_px(self, record: FaceRecord) -> NDArray[np.floating]:
        if record.landmarks_68_px is not None:
            return record.landmarks_68_px
        to_image = record.pose.projection(record.image_size[1])
        return np.asarray(self._landmarks.project(record.coefficients[None], to_image[None])[0])


def cannot_write(out: Path, error: OSError) -> InputError:
    """What to say of it."""
    return InputError(f"{out}: cannot be written ({error.strerror}). Set --out to a folder that can, with room.")


def write_views(views: FaceViews, source: DatasetCard, out: Path, processes: int) -> int:
    """Writes all views of all faces, in several processes; how many were missing.

    What is there is kept, so that an interrupted command goes on.
    """
    card = views.card(source)
    if (out / CARD).is_file():
        if read_card(out) != card:
            raise InputError(f"{out}: holds views of other faces or poses. Set --out to a folder that is new or empty.")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: holds something else. Set --out to a folder that is new or empty.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_card(out, card)
    except OSError as error:
        raise cannot_write(out, error) from error
    loader: DataLoader[int] = DataLoader(views, batch_size=None, num_workers=processes)
    return sum(int(written) for written in tqdm(loader, desc="Turning faces", unit="face", leave=False))
