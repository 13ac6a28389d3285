"""The scene of a photograph: all surfaces about a head, as one mesh in the frame of the camera."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import HeadPose, project
from datamodules.synthetic.atlas import BEARD, CLOTHES, FRAME, HAIR, HAT, LOCKS, SCALP, SKIN, STRANGER, THING, Place
from datamodules.synthetic.beards import beard_shell
from datamodules.synthetic.faces import SyntheticFace
from datamodules.synthetic.glasses import glasses_on
from datamodules.synthetic.hats import UNDER_HAT, hat_surfaces
from datamodules.synthetic.head import GRID, Array
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.held_things import draw_held_thing
from datamodules.synthetic.lighting import ambient_occlusion
from datamodules.synthetic.locks import loose_hair
from datamodules.synthetic.surfaces import Surface, surface_normals, surface_triangles, unit_texels
from datamodules.synthetic.surroundings import body, hair, scalp
from datamodules.synthetic.variety import occurrence

_EXPOSURE = 0.9  # ambient occlusion of hair and shoulders: fraction of the sky that is visible
_NECK_BASE = np.array([[0.0, -150.0, -14.0]])  # pivot between body and head
_MANY = 1_000  # vertices of a surface that casts shadows, beyond which every other one suffices
_FOLLOWS = 0.35  # rotation of the body / rotation of the head


@dataclass(frozen=True, eq=False)
class Scene:
    """All surfaces as one mesh.

    Attributes:
        vertices_px: (V, 3) in image pixels.
        normals: (V, 3) in the frame of the camera.
        texels: (V, 2) row, col in the atlas.
        triangles: (F, 3).
        exposure: (V,) ambient occlusion: fraction of the sky that is visible.
        casters: (F, 3) coarser triangles of the same surfaces, on all sides, which cast shadows.
        places: The parts of the atlas that its surfaces show.
        lenses_px: Lenses of glasses, in image pixels; they are no part of the mesh.
    """

    vertices_px: Array
    normals: Array
    texels: NDArray[np.float32]
    triangles: NDArray[np.int32]
    exposure: NDArray[np.float32]
    casters: NDArray[np.int32]
    places: frozenset[Place]
    lenses_px: Surface | None


class _View(NamedTuple):
    """How the camera sees a rigid body: (3, 4) projection into the image, and (3, 3) rotation."""

    projection: NDArray[np.float64]
    rotation: Array


def build_scene(face: SyntheticFace, rng: np.random.Generator) -> Scene:
    """Places head, hair and body before the camera.

    Args:
        face: The face.
        rng: Draws what a photograph's label does not depend on: the hair's edge and the pose of the body.
    """
    sheet = synthetic_model(face.variety).face.vertices(face.identity, face.expression).reshape(GRID, GRID, 3)
    pose = face.head_pose
    head = _View(pose.projection(face.image_size), pose.rotation())
    whole = Surface(sheet, unit_texels(GRID, GRID))
    parts: list[tuple[Surface, _View, Place]] = [(whole, head, SKIN)]
    if face.look.hair_style not in ("long", "scarf"):  # these hide the scalp
        parts += [(surface, head, SCALP) for surface in scalp(sheet)]
    look = face.look
    if look.hat:  # which presses the hair down
        look = replace(look, hair_volume=look.hair_volume * UNDER_HAT)
    parts += [(surface, head, HAIR) for surface in hair(sheet, look, rng)]
    parts.append((body(), _body_view(face, rng), CLOTHES))
    additions, lenses = _additions(face, sheet, rng)
    parts += [(surface, head, place) for surface, place in additions]
    vertices, normals, texels, triangles, exposure, casters = [], [], [], [], [], []
    first = 0
    for surface, (projection, rotation), place in parts:
        *grids, rows, columns, _ = surface.points.shape
        points = surface.points.reshape(-1, 3)
        vertices.append(project(points, np.asarray(projection, np.float64)))
        normals.append(surface_normals(surface.points).reshape(-1, 3) @ rotation.T)
        texels.append(surface.texels.reshape(-1, 2) * [place.height - 1, place.width - 1] + [place.top, place.left])
        corners = surface_triangles(rows, columns, *grids)
        if surface is whole:  # its inside is never visible
            corners = corners[_face_camera(vertices[-1].reshape(rows, columns, 3))]
        triangles.append(corners + first)
        step = 3 if surface is whole else 2 if rows * columns > _MANY else 1  # coarser shadows suffice
        casters.append(surface_triangles(rows, columns, *grids, step=step) + first)
        exposure.append(ambient_occlusion() if surface is whole else np.full(len(points), _EXPOSURE, np.float32))
        first += len(points)
    return Scene(
        np.concatenate(vertices),
        np.concatenate(normals),
        np.concatenate(texels).astype(np.float32),
        np.concatenate(triangles),
        np.concatenate(exposure),
        np.concatenate(casters),
        frozenset(place for *_, place in parts),
        lenses and Surface(project(lenses.points, np.asarray(head.projection, np.float64)), lenses.texels),
    )


def _additions(
    face: SyntheticFace, sheet: Array, rng: np.random.Generator
) -> tuple[list[tuple[Surface, Place]], Surface | None]:
    """The surfaces that options add, with their textures, and the lenses of glasses."""
    look = face.look
    added: list[tuple[Surface, Place]] = []
    lenses = None
    if look.locks and (locks := loose_hair(sheet, look, look.locks)):
        added.append((locks, LOCKS))
    if look.full_beard:
        added.append((beard_shell(sheet, look.full_beard), BEARD))
    if look.hat:
        volume = 0.0 if look.hair_style == "bald" else look.hair_volume
        added += [(surface, HAT) for surface in hat_surfaces(sheet, look.hat, volume)]
    if look.spectacles:
        frame, lenses = glasses_on(sheet, look.spectacles)
        added += [(surface, FRAME) for surface in frame]
    if own := occurrence(rng, face.variety, "occlusion"):
        thing = draw_held_thing(sheet, own)
        added += [(surface, SCALP if thing.is_own else STRANGER) for surface in thing.skin]
        added += [(surface, THING) for surface in thing.other]
    return added, lenses


def _face_camera(points_px: Array) -> NDArray[np.bool_]:
    """(F,) whether the triangles of a grid, in the order of `grid_triangles`, face the camera."""
    x, y = points_px[..., 0], points_px[..., 1]
    across_x, across_y = x[:, 1:] - x[:, :-1], y[:, 1:] - y[:, :-1]
    down_x, down_y = x[1:] - x[:-1], y[1:] - y[:-1]
    upper = across_x[:-1] * down_y[:, :-1] - across_y[:-1] * down_x[:, :-1]
    lower = across_x[1:] * down_y[:, 1:] - across_y[1:] * down_x[:, 1:]
    return np.concatenate([upper.ravel(), lower.ravel()]) > 0


def _body_view(face: SyntheticFace, rng: np.random.Generator) -> _View:
    """Projection and rotation of the body, which follows a part of the head's rotation and is joined to the neck."""
    pose = face.head_pose
    angles = _FOLLOWS * np.array([pose.pitch_rad, pose.yaw_rad, pose.roll_rad]) + rng.normal(0, 0.12, 3) * [0.3, 1, 0.3]
    at_neck = project(_NECK_BASE, pose.projection(face.image_size))[0]
    pitch, yaw, roll = angles.tolist()
    rotated = HeadPose(pitch, yaw, roll, np.zeros(3), pose.scale)
    projection = rotated.projection(0)
    projection[:, 3] = at_neck
    return _View(projection, rotated.rotation())
