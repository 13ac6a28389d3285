"""Renders photographs of synthetic faces."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.shading import shade
from datamodules.synthetic.backdrop import draw_background
from datamodules.synthetic.exposure import develop
from datamodules.synthetic.faces import SyntheticFace
from datamodules.synthetic.head import GRID, Array
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.lighting import ambient_occlusion, draw_light, illuminate, surface_normals
from datamodules.synthetic.looks import Look
from datamodules.synthetic.noise import smooth_noise, streak_noise
from datamodules.synthetic.skin import TEXTURE, paint_skin, to_linear
from datamodules.synthetic.surroundings import Surface, body, hair, scalp, surface_triangles, unit_texels

SUPERSAMPLING = 2
_PATCH = 128  # texels per side of the texture of hair; those of clothes and scalp have half as many rows
_EXPOSURE = 0.9  # ambient occlusion of hair and shoulders: fraction of the sky that is visible
_NECK_BASE = np.array([[0.0, -150.0, -14.0]])  # pivot between body and head
_FOLLOWS = 0.35  # rotation of the body / rotation of the head


def render(face: SyntheticFace, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Renders a (S, S, 3) RGB photograph.

    Args:
        face: The face.
        rng: Draws light, background and camera.
    """
    size = face.image_size
    scene = _build(face, rng)
    received = illuminate(scene.normals, scene.exposure, draw_light(rng))
    first = (SUPERSAMPLING - 1) / 2  # the centre of a pixel is the centre of its subpixels
    fine = scene.vertices_px * [SUPERSAMPLING, SUPERSAMPLING, 1] + [first, first, 0]
    ids, barycentric = rasterize(fine, scene.triangles, size * SUPERSAMPLING, size * SUPERSAMPLING)
    atlas = _atlas(face.look, face.gaze, rng)
    colours, coverage = shade(ids, barycentric, scene.triangles, scene.texels, received, atlas, SUPERSAMPLING)
    behind = draw_background(size, rng) * (1 - coverage[..., None])
    return develop(behind + colours, coverage, rng)


class _Place(NamedTuple):
    """A rectangle of the atlas."""

    top: int
    left: int
    height: int
    width: int

    @property
    def part(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


_SKIN = _Place(0, 0, TEXTURE, TEXTURE)
_HAIR = _Place(0, TEXTURE, _PATCH, _PATCH)
_CLOTHES = _Place(_PATCH, TEXTURE, _PATCH // 2, _PATCH)
_SCALP = _Place(_PATCH + _PATCH // 2, TEXTURE, _PATCH // 2, _PATCH)


@dataclass(frozen=True, eq=False)
class _Scene:
    """All surfaces as one mesh.

    Attributes:
        vertices_px: (V, 3) in image pixels.
        normals: (V, 3) in the frame of the camera.
        texels: (V, 2) row, col in the atlas.
        triangles: (F, 3).
        exposure: (V,) ambient occlusion: fraction of the sky that is visible.
    """

    vertices_px: Array
    normals: Array
    texels: NDArray[np.float32]
    triangles: NDArray[np.int32]
    exposure: NDArray[np.float32]


def _build(face: SyntheticFace, rng: np.random.Generator) -> _Scene:
    sheet = synthetic_model(face.variety).face.vertices(face.identity, face.expression).reshape(GRID, GRID, 3)
    pose = face.head_pose
    head = (pose.projection(face.image_size), pose.rotation())
    whole = Surface(sheet, unit_texels(GRID, GRID))
    parts: list[tuple[Surface, tuple[Array, Array], _Place]] = [(whole, head, _SKIN)]
    if face.look.hair_style not in ("long", "scarf"):  # these hide the scalp
        parts += [(surface, head, _SCALP) for surface in scalp(sheet)]
    parts += [(surface, head, _HAIR) for surface in hair(sheet, face.look, rng)]
    parts.append((body(), _body_view(face, rng), _CLOTHES))
    vertices, normals, texels, triangles, exposure = [], [], [], [], []
    first = 0
    for surface, (projection, rotation), place in parts:
        rows, columns = surface.points.shape[:2]
        points = surface.points.reshape(-1, 3)
        vertices.append(project(points, np.asarray(projection, np.float64)))
        normals.append(surface_normals(surface.points).reshape(-1, 3) @ rotation.T)
        texels.append(surface.texels.reshape(-1, 2) * [place.height - 1, place.width - 1] + [place.top, place.left])
        corners = surface_triangles(rows, columns)
        if surface is whole:  # its inside is never visible
            corners = corners[_face_camera(vertices[-1].reshape(rows, columns, 3))]
        triangles.append(corners + first)
        exposure.append(ambient_occlusion() if surface is whole else np.full(len(points), _EXPOSURE, np.float32))
        first += len(points)
    return _Scene(
        np.concatenate(vertices),
        np.concatenate(normals),
        np.concatenate(texels).astype(np.float32),
        np.concatenate(triangles),
        np.concatenate(exposure),
    )


def _face_camera(points_px: Array) -> NDArray[np.bool_]:
    """(F,) whether the triangles of a grid, in the order of `grid_triangles`, face the camera."""
    x, y = points_px[..., 0], points_px[..., 1]
    across_x, across_y = x[:, 1:] - x[:, :-1], y[:, 1:] - y[:, :-1]
    down_x, down_y = x[1:] - x[:-1], y[1:] - y[:-1]
    upper = across_x[:-1] * down_y[:, :-1] - across_y[:-1] * down_x[:, :-1]
    lower = across_x[1:] * down_y[:, 1:] - across_y[1:] * down_x[:, 1:]
    return np.concatenate([upper.ravel(), lower.ravel()]) > 0


def _body_view(face: SyntheticFace, rng: np.random.Generator) -> tuple[Array, Array]:
    """Projection and rotation of the body, which follows a part of the head's rotation and is joined to the neck."""
    pose = face.head_pose
    angles = _FOLLOWS * np.array([pose.pitch_rad, pose.yaw_rad, pose.roll_rad]) + rng.normal(0, 0.12, 3) * [0.3, 1, 0.3]
    at_neck = project(_NECK_BASE, pose.projection(face.image_size))[0]
    pitch, yaw, roll = angles.tolist()
    rotated = HeadPose(pitch, yaw, roll, np.zeros(3), pose.scale)
    projection = rotated.projection(0)
    projection[:, 3] = at_neck
    return projection, rotated.rotation()


def _atlas(look: Look, gaze: tuple[float, float], rng: np.random.Generator) -> NDArray[np.float32]:
    """(256, 384, 3) linear textures: the skin, and to its right hair, clothes and scalp."""
    atlas = np.empty((TEXTURE, TEXTURE + _PATCH, 3), np.float32)
    atlas[:, :TEXTURE] = paint_skin(look, gaze, rng)
    is_cloth = look.hair_style in ("hat", "scarf")
    patch = (_PATCH, _PATCH)
    streaks = 0.06 * smooth_noise(patch, 2, rng) if is_cloth else 0.22 * streak_noise(patch, rng)
    shades = 1 + streaks + 0.1 * smooth_noise(patch, 16, rng)
    atlas[_HAIR.part] = to_linear((look.cloth if is_cloth else look.hair) * shades[..., None])
    half = _PATCH // 2
    pattern = 1 + rng.exponential(0.08) * smooth_noise((half, _PATCH), int(2 ** rng.integers(0, 4)), rng)
    cloth = look.clothes * pattern[..., None]
    neckline = int(rng.integers(8, 22))
    cloth[:neckline] = look.skin
    atlas[_CLOTHES.part] = to_linear(cloth)
    scalp_shades = 1 + 0.03 * smooth_noise((half, _PATCH), 8, rng)
    atlas[_SCALP.part] = to_linear(look.skin * scalp_shades[..., None])
    return atlas
