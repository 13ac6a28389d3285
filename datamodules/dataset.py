"""Fitted photographs as samples: decode, warp once, and move their numbers into the crop."""

from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from datamodules.augmentation.occluders import occlude
from datamodules.augmentation.photometric import Augmentation, draw_jitter, erase, recolour
from datamodules.augmentation.pose.pose_augmentation import Profiler
from datamodules.crop_table import CropTable
from datamodules.files.face_index import FaceIndex
from datamodules.files.images import read_image, warp_image
from datamodules.geometry.crop import crop_boxes, crop_matrix, crop_points, crop_projection, image_matrix
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.landmarks import MIRROR_68
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.types import FaceRecord, FaceSample


class SampleMaker:
    """Makes the samples of a data set.

    Args:
        model: What coefficients refer to.
        image_size: Pixels a side of the network's input.
        augmentation: How faces are varied; None leaves them alone.
        seed: Decides, with epoch and sample, how.
        profiler: Shows some of them from elsewhere.
    """

    def __init__(
        self,
        model: MorphableModel,
        image_size: int,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        profiler: Profiler | None = None,
    ) -> None:
        self._model = model
        self._landmarks = LandmarkModel(model)
        self._image_size = image_size
        self._augmentation = augmentation
        self._seed = seed
        self._profiler = profiler

    def make(
        self, record: FaceRecord, pixels: NDArray[np.uint8], box: NDArray[np.float64], number: int, epoch: int
    ) -> FaceSample:
        """One sample.

        Args:
            record: What is known of the face.
            pixels: (H, W, 3) RGB, its photograph.
            box: (3,) its crop; see `crop_boxes`.
            number: Its position in the data set.
            epoch: Decides, with seed and key, how it is varied.
        """
        rng = _sample_rng(self._seed, epoch, record.key)
        view = None if self._profiler is None else self._profiler.view(record, rng)
        if view is not None:
            record = view.record
        to_image = record.pose.projection(record.image_size[1])
        landmarks_in_image = self._landmarks_68_px(record, to_image)
        if view is not None:
            box = crop_boxes(landmarks_in_image[None])[0]
        jitter = None if self._augmentation is None else draw_jitter(self._augmentation, rng)
        is_mirrored = jitter is not None and jitter.is_mirrored
        matrix = crop_matrix(box, jitter)
        to_input = image_matrix(matrix, self._image_size)
        if view is None or self._profiler is None:
            image = warp_image(pixels, to_input, self._image_size)
        else:
            image = self._profiler.draw(view, pixels, to_input, self._image_size)
        landmarks = crop_points(landmarks_in_image, matrix)
        landmarks = landmarks[MIRROR_68] if is_mirrored else landmarks
        if self._augmentation is not None:
            if self._augmentation.occluder_probability and rng.random() < self._augmentation.occluder_probability:
                image = occlude(image, landmarks, rng)
            image = erase(recolour(image, self._augmentation, rng), self._augmentation, rng)
        yaw_deg = np.rad2deg(record.pose.yaw_rad)
        return FaceSample(
            torch.from_numpy(image),
            torch.from_numpy(self._model.leading_coefficients(record.coefficients)),
            torch.from_numpy(crop_projection(to_image, matrix).astype(np.float32)),
            torch.tensor(is_mirrored),
            torch.from_numpy(landmarks.astype(np.float32)),
            torch.tensor(-yaw_deg if is_mirrored else yaw_deg, dtype=torch.float32),
            torch.tensor(number),
            record.key,
        )

    def _landmarks_68_px(self, record: FaceRecord, to_image: NDArray[np.float64]) -> NDArray[np.floating]:
        if record.landmarks_68_px is not None:
            return record.landmarks_68_px
        return np.asarray(self._landmarks.project(record.coefficients[None], to_image[None])[0])


class FaceDataset(Dataset[FaceSample]):
    """Faces of an index, as samples.

    Args:
        index: The data set.
        rows: (M,) those of its rows that belong here.
        crops: Where its faces lie.
        maker: Makes the samples.
        repeats: How often each comes in an epoch, varied each time.
    """

    def __init__(
        self, index: FaceIndex, rows: NDArray[np.intp], crops: CropTable, maker: SampleMaker, repeats: int = 1
    ) -> None:
        self.index = index
        self.rows = rows
        self._repeats = repeats
        self._boxes = crops.boxes
        self._maker = maker

    def __len__(self) -> int:
        return len(self.rows) * self._repeats

    def __getitem__(self, place: tuple[int, int]) -> FaceSample:
        """The sample at (epoch, position): the epoch comes with the position, since workers outlive epochs."""
        epoch, position = place
        repeat, face = divmod(position, len(self.rows))
        row = int(self.rows[face])
        record = self.index.record(row)
        pixels = read_image(record.image_path)
        return self._maker.make(record, pixels, self._boxes[row], position, epoch * self._repeats + repeat)

    def box(self, position: int) -> NDArray[np.float64]:
        """(3,) x and y of the centre, side of the plain crop."""
        return np.asarray(self._boxes[self.rows[position]])

    def crop_matrix(self, position: int) -> NDArray[np.float64]:
        """(2, 3) similarity from image pixels to those of the plain crop."""
        return crop_matrix(self.box(position))


def _sample_rng(seed: int, epoch: int, key: str) -> np.random.Generator:
    """A generator of the sample's own: neither workers nor a resumed run change what it draws."""
    digest = blake2b(key.encode(), digest_size=8).digest()
    return np.random.default_rng([seed, epoch, int.from_bytes(digest, "big")])
