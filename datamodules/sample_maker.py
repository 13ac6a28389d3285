"""Makes samples: warps and augments a crop, and transforms projection and landmarks accordingly."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.augmentation.colour_jitter import jitter_colours
from datamodules.augmentation.crop_jitter import draw_jitter
from datamodules.augmentation.image_quality import vary_quality
from datamodules.augmentation.occluders import occlude
from datamodules.augmentation.random_erasing import erase
from datamodules.geometry.crop import PLAIN_CROP, NetworkCrop, crop_matrix, crop_points, crop_projection, image_matrix
from datamodules.geometry.landmarks import MIRROR_68
from datamodules.types import FaceSample

# from a (2, 3) matrix (image pixels to pixels of the crop) and a size to the (size, size, 3) crop
DrawCrop = Callable[[NDArray[np.float64], int], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class PlacedFace:
    """A face in an image, for both kinds of training target.

    Attributes:
        key: Key of the sample.
        surface: Coefficients or stored points, see FaceSample.
        to_image: (3, 4) projection from the surface's space to image pixels.
        landmarks_image_px: (68, 3).
        yaw_deg: Yaw of the head.
        box: (3,) plain crop: x and y of the centre and side, in image pixels.
        draw: Draws crops of the image.
    """

    key: str
    surface: NDArray[np.floating]
    to_image: NDArray[np.float64]
    landmarks_image_px: NDArray[np.floating]
    yaw_deg: float
    box: NDArray[np.float64]
    draw: DrawCrop


Record = TypeVar("Record", contravariant=True)


class Placement(Protocol[Record]):
    """Places the face of a record in its image, or in an image of it at another pose."""

    @property
    def pose_augmentation(self) -> str:
        """How many faces are rendered at other poses, in words."""
        ...

    def __call__(
        self, record: Record, pixels: NDArray[np.uint8], box: NDArray[np.float64], rng: np.random.Generator
    ) -> PlacedFace:
        """The face of a record.

        Args:
            record: The record of the face in the data set.
            pixels: (H, W, 3) RGB photograph.
            box: (3,) plain crop of the face.
            rng: Draws the pose if poses are augmented.
        """
        ...


@dataclass(frozen=True, eq=False)
class SampleMaker:
    """Makes samples from placed faces.

    Attributes:
        image_size: Pixels per side of the network's input.
        augmentation: Ranges of the augmentations, or None.
        seed: Seed of the augmentations, together with epoch and key.
        crop: The crop of the network that the samples are for.
    """

    image_size: int
    augmentation: Augmentation | None = None
    seed: int = 0
    crop: NetworkCrop = PLAIN_CROP

    def generator(self, epoch: int, key: str) -> np.random.Generator:
        """The generator of one sample in one epoch, which does not depend on workers or on whether a run is resumed."""
        digest = blake2b(key.encode(), digest_size=8).digest()
        return np.random.default_rng([self.seed, epoch, int.from_bytes(digest, "big")])

    def make(self, face: PlacedFace, number: int, rng: np.random.Generator) -> FaceSample:
        """One sample.

        Args:
            face: The face in its image.
            number: Its position in the data set.
            rng: Draws the augmentations.
        """
        augmentation = self.augmentation
        jitter = None if augmentation is None else draw_jitter(augmentation, rng)
        is_mirrored = jitter is not None and jitter.is_mirrored
        matrix = crop_matrix(self.crop.of_plain(face.box), jitter)
        image = face.draw(image_matrix(matrix, self.image_size), self.image_size)
        landmarks = crop_points(face.landmarks_image_px, matrix)
        landmarks = landmarks[MIRROR_68] if is_mirrored else landmarks
        if augmentation is not None:
            if augmentation.occluder_probability and rng.random() < augmentation.occluder_probability:
                image = occlude(image, landmarks, rng)
            image = vary_quality(jitter_colours(image, augmentation, rng), augmentation, rng)
            image = erase(image, augmentation, rng)
        return FaceSample(
            torch.from_numpy(image),
            torch.from_numpy(face.surface),
            torch.from_numpy(crop_projection(face.to_image, matrix).astype(np.float32)),
            torch.tensor(is_mirrored),
            torch.from_numpy(landmarks.astype(np.float32)),
            torch.tensor(-face.yaw_deg if is_mirrored else face.yaw_deg, dtype=torch.float32),
            torch.tensor(number),
            face.key,
        )
