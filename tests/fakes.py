"""A small face model and small data sets, written in the real layouts."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.files.bfm import write_morphable_model
from datamodules.files.face_mat import write_face_mat
from datamodules.files.images import write_jpeg
from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.types import FaceParameters

GRID = 33
COMPONENTS = (5, 3)
IMAGE = (120, 110)  # width, height: unequal, so that mixing them up shows


def landmark_uv() -> NDArray[np.float64]:
    """(68, 2) u, v of iBUG landmarks on a schematic face."""
    angle = np.linspace(0, np.pi, 17)
    jaw = np.column_stack([0.5 - 0.4 * np.cos(angle), 0.55 - 0.35 * np.sin(angle)])
    brow = np.column_stack([np.linspace(0.2, 0.42, 5), 0.74 + 0.03 * np.sin(np.linspace(0, np.pi, 5))])
    brows = np.concatenate([brow, [1, 0] + brow[::-1] * [-1, 1]])
    bridge = np.column_stack([np.full(4, 0.5), np.linspace(0.68, 0.53, 4)])
    nostrils = np.column_stack([np.linspace(0.42, 0.58, 5), np.full(5, 0.49)])
    turn = np.pi - np.arange(6) * np.pi / 3
    eye = np.column_stack([0.32 + 0.07 * np.cos(turn), 0.65 + 0.03 * np.sin(turn)])
    eyes = np.concatenate([eye, [1, 0] + eye[[3, 2, 1, 0, 5, 4]] * [-1, 1]])
    outer = np.pi - np.arange(12) * np.pi / 6
    inner = np.pi - np.arange(8) * np.pi / 4
    lips = [
        np.column_stack([0.5 + w * np.cos(t), 0.38 + h * np.sin(t)])
        for w, h, t in ((0.14, 0.07, outer), (0.1, 0.035, inner))
    ]
    return np.concatenate([jaw, brows, bridge, nostrils, eyes, *lips])


def bent_sheet(
    u: NDArray[np.floating], v: NDArray[np.floating], seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, 3) points of a bent, symmetric sheet in micrometres, and (N, 3, 8) smooth components, at texture coordinates."""
    rng = np.random.default_rng(seed)
    x, y = (u - 0.5) * 1.6e5, (v - 0.5) * 2e5
    z = 8e4 * np.cos((u - 0.5) * 2.6) + 3e4 * np.exp(-((u - 0.5) ** 2 + (v - 0.53) ** 2) / 0.01)
    modes = [
        np.stack([np.cos(3 * u + p[0]), np.cos(3 * v + p[1]), np.cos(2 * u + 2 * v + p[2])], axis=-1)
        for p in rng.uniform(0, 6, (sum(COMPONENTS), 3))
    ]
    return np.column_stack([x, y, z]).astype(np.float32), np.stack(modes, axis=-1).astype(np.float32) * 1e3


def cell_triangles(corner: NDArray[np.integer]) -> NDArray[np.int32]:
    """(F, 3) two triangles for each cell of an (R, C) grid of vertex numbers."""
    a, b, c, d = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel(), corner[1:, :-1].ravel(), corner[1:, 1:].ravel()
    return np.concatenate([np.column_stack([a, c, b]), np.column_stack([b, c, d])]).astype(np.int32)


def fake_model(seed: int = 0) -> MorphableModel:
    """A bent, symmetric sheet of GRID x GRID vertices in micrometres with smooth components."""
    v, u = (axis.ravel() for axis in np.meshgrid(np.linspace(1, 0, GRID), np.linspace(0, 1, GRID), indexing="ij"))
    points, basis = bent_sheet(u, v, seed)
    texels = np.rint(landmark_uv() * (GRID - 1)).astype(int)
    return MorphableModel(
        points,
        basis[..., : COMPONENTS[0]],
        basis[..., COMPONENTS[0] :],
        cell_triangles(np.arange(GRID * GRID).reshape(GRID, GRID)),
        np.column_stack([u, v]),
        (GRID - 1 - texels[:, 1]) * GRID + texels[:, 0],
    )


def write_model(folder: Path) -> Path:
    """BFM.mat and BFM_UV.mat."""
    folder.mkdir(parents=True, exist_ok=True)
    write_morphable_model(fake_model(), folder / "BFM.mat")
    return folder / "BFM.mat"


def fake_face(yaw_deg: float, seed: int = 0, has_landmarks: bool = True) -> tuple[FaceParameters, NDArray[np.uint8]]:
    """Parameters, and an image that shows where the face is."""
    rng = np.random.default_rng(seed)
    model = fake_model()
    identity, expression = np.zeros(199, np.float32), np.zeros(29, np.float32)
    identity[:5], expression[:3] = rng.normal(size=5), rng.normal(size=3)
    angles = np.deg2rad([rng.uniform(-10, 10), yaw_deg, rng.uniform(-10, 10)])
    pose = np.array([*angles, 60 + rng.uniform(-3, 3), 55 + rng.uniform(-3, 3), -60, 3.5e-4], np.float32)
    to_image = HeadPose.from_pose_para(pose).projection(IMAGE[1])
    vertices = project(model.vertices(identity, expression), to_image)
    image = np.full((IMAGE[1], IMAGE[0], 3), 40, np.uint8)
    col, row = np.rint(vertices[:, :2]).astype(int).T.clip(0, [[IMAGE[0] - 1], [IMAGE[1] - 1]])
    image[row, col] = np.rint(255 * np.column_stack([model.uv, 0.5 + 0 * model.uv[:, 0]])).astype(np.uint8)
    landmarks = vertices[model.landmark_vertices].astype(np.float32) if has_landmarks else None
    return FaceParameters(identity, expression, pose, landmarks), image


def write_faces(
    folder: Path, yaws_deg: list[float], names: list[str] | None = None, has_landmarks: bool = True, first_seed: int = 0
) -> Path:
    """A data set of one face for each yaw."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, yaw_deg in enumerate(yaws_deg):
        name = names[i] if names else f"image{i:05d}"
        face, image = fake_face(yaw_deg, seed=first_seed + i, has_landmarks=has_landmarks)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_face_mat(folder / f"{name}.mat", face)
        write_jpeg(folder / f"{name}.jpg", image)
    return folder
