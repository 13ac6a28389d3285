"""Renders photographs of a data set at other poses while samples are made."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.background_warp import warp_background
from datamodules.augmentation.pose.face_surface import HULL_STEP, FaceSurface
from datamodules.augmentation.pose.face_texture import lift_texture, transfer_detail
from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.augmentation.pose.view_rendering import draw_face
from datamodules.augmentation.pose.view_sampling import View, sample_view
from datamodules.files.cached_files import keep, kept
from datamodules.files.images import decode_image, encode_jpeg, read_image
from datamodules.geometry.camera import project
from datamodules.geometry.crop import crop_projection
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.readers.face_index import FaceIndex
from datamodules.types import FaceRecord

_VERSION = 2  # to be raised by any change of the textures, so that cached ones are made again


@dataclass(frozen=True, eq=False)
class PoseAugmenter:
    """Renders the faces of a data set at other poses.

    Attributes:
        model: The model that coefficients refer to.
        surface: The model's surface.
        index: The data set.
        rows: (M,) rows of the faces whose fit is good enough; their tones can be combined with other faces.
        options: Ranges of the poses.
        textures: Folder of cached textures, JPEG files of about 30 kB.
    """

    model: MorphableModel
    surface: FaceSurface
    index: FaceIndex
    rows: NDArray[np.intp]
    options: PoseAugmentation
    textures: Path

    @classmethod
    def of(
        cls,
        index: FaceIndex,
        rows: NDArray[np.intp],
        model: MorphableModel,
        options: PoseAugmentation = PoseAugmentation(probability=1.0),  # noqa: B008  # frozen
    ) -> "PoseAugmenter":
        """The augmenter of some rows of a data set."""
        place = index.folder / f"textures-{_VERSION}-{model.fingerprint}"
        return cls(model, FaceSurface.of(model), index, rows, options, place)

    @property
    def probability(self) -> float:
        """Probability that a face whose fit is good enough is rendered."""
        return self.options.probability or 0.0

    def draw_view(self, face: FaceRecord, rng: np.random.Generator) -> View | None:
        """A random view of a face, or None if it is shown at its own pose."""
        if rng.random() >= self.probability or not self.can_render(face):
            return None
        return sample_view(face, self.centre, self.options, len(self.rows), rng)

    def can_render(self, face: FaceRecord) -> bool:
        """Whether a face's fit is good enough."""
        return face.key in self._trusted_keys

    @cached_property
    def _trusted_keys(self) -> frozenset[str]:
        return frozenset(self.index.key(row) for row in self.rows)

    @cached_property
    def centre(self) -> NDArray[np.float64]:
        """(3,) centre of the mean head in model space."""
        return np.asarray(self.surface.mean.reshape(-1, 3).mean(axis=0), np.float64)

    def render(
        self, view: View, pixels: NDArray[np.uint8], matrix: NDArray[np.float64], size: int
    ) -> NDArray[np.uint8]:
        """Renders a (size, size, 3) crop of a view.

        Args:
            view: The face at its new pose.
            pixels: (H, W, 3) RGB photograph of the face.
            matrix: (2, 3) similarity from the photograph's pixels to those of the crop.
            size: Pixels per side.
        """
        texture = self._texture(view.photograph, pixels)
        if view.partner is not None:
            partner = self.index.record(int(self.rows[view.partner]))
            texture = transfer_detail(texture, self._texture(partner, read_image(partner.image_path)))
        new_px = self.vertices_px(view.face)
        hulls = self._hull_px(view.photograph), new_px[::HULL_STEP, :2]
        behind = warp_background(pixels, *hulls, matrix, size)
        light = 1 + self.surface.grid.normals(new_px) @ view.light
        in_crop = crop_projection(np.eye(3, 4), matrix)
        lit = np.repeat(light[:, None], 3, axis=1).astype(np.float32)
        seen = self.surface.grid.seen_triangles(new_px)
        image, _ = draw_face(texture, project(new_px, in_crop), lit, seen, self.surface.texels, behind)
        return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)

    def vertices_px(self, face: FaceRecord) -> NDArray[np.float64]:
        """(G G, 3) a face's surface in the pixels of its photograph."""
        points = self.surface.points(self.model.leading_coefficients(face.identity, face.expression))
        return project(points, face.pose.projection(face.image_size[1]))

    def _hull_px(self, face: FaceRecord) -> NDArray[np.float64]:
        points = self.surface.hull_points(self.model.leading_coefficients(face.identity, face.expression))
        return project(points, face.pose.projection(face.image_size[1]))[:, :2]

    def _texture(self, face: FaceRecord, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(S, S, 3) texture of a face, which is cached."""
        path = self.textures / f"{face.key}.jpg"
        if (stored := kept(path)) is not None:
            return decode_image(stored, path)
        colours = lift_texture(pixels, self.vertices_px(face), self.surface.grid).colours
        encoded = encode_jpeg(np.asarray(np.rint(colours), np.uint8))
        keep(path, encoded)
        return decode_image(encoded, path)  # the same with and without the cache
