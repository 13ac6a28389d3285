"""Fits identity, expression and pose of a face model to 68 landmarks."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from datamodules.geometry.camera import HeadPose, rotation_angles, rotation_matrices
from datamodules.geometry.face_size import box_size
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.similarity import fit_similarity

_NOISE = 0.01  # assumed deviation of a landmark, as a fraction of the face's size
_STEP = 1e-6  # radians, of the central differences by the angles


def fit_landmarks(
    landmarks_px: NDArray[np.floating],
    image_height: float,
    model: MorphableModel,
    deviations: NDArray[np.floating],
) -> tuple[NDArray[np.float32], NDArray[np.float32], HeadPose]:
    """The most likely coefficients and pose.

    Minimises the squared distances of the landmarks plus the squared coefficients in units of their deviations.

    Args:
        landmarks_px: (68, 3) 0-based pixels of the image; z in pixels too, larger is nearer, its zero is
            arbitrary.
        image_height: Height of the photograph in pixels.
        model: The face model.
        deviations: (K + L,) standard deviations of its coefficients.

    Returns:
        (K,) identity coefficients, (L,) expression coefficients, and the pose.
    """
    mean = model.mean[model.landmark_vertices].astype(np.float64)
    basis = model.basis[model.landmark_vertices] * deviations
    identity = model.identity_basis.shape[2]
    size = float(box_size(landmarks_px))
    weight = 1 / (_NOISE * size)
    # in the frame of poses, y points upwards
    target = HeadPose.frontal().projection(image_height)
    seen = (landmarks_px - target[:, 3]) * np.diag(target)

    def points(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return mean + basis @ numbers[7:]

    def residuals(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        rotated = points(numbers) @ rotation_matrices(numbers[None, :3])[0].T
        apart = np.exp(numbers[6]) * rotated + numbers[3:6] * size - seen
        return np.concatenate([weight * apart.ravel(), numbers[7:]])

    def derivatives(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        scale, rotation = np.exp(numbers[6]), rotation_matrices(numbers[None, :3])[0]
        shape = points(numbers)
        jacobian = np.zeros((3 * len(mean) + len(numbers) - 7, len(numbers)))
        rows = jacobian[: 3 * len(mean)].reshape(len(mean), 3, -1)
        around = numbers[None, :3] + _STEP * np.concatenate([np.eye(3), -np.eye(3)])
        rotations = rotation_matrices(around)
        for angle in range(3):
            rows[:, :, angle] = scale * shape @ ((rotations[angle] - rotations[angle + 3]) / (2 * _STEP)).T
        rows[:, :, 3:6] = size * np.eye(3)
        rows[:, :, 6] = scale * shape @ rotation.T
        rows[:, :, 7:] = scale * np.einsum("ij,vjk->vik", rotation, basis)
        jacobian[: 3 * len(mean)] *= weight
        jacobian[3 * len(mean) :, 7:] = np.eye(len(numbers) - 7)
        return jacobian

    fitted = least_squares(residuals, _start(mean, seen, size, basis.shape[2]), derivatives).x
    coefficients = (deviations * fitted[7:]).astype(np.float32)
    pitch, yaw, roll = (float(angle) for angle in (fitted[:3] + np.pi) % (2 * np.pi) - np.pi)
    return (
        coefficients[:identity],
        coefficients[identity:],
        HeadPose(pitch, yaw, roll, size * fitted[3:6], float(np.exp(fitted[6]))),
    )


def landmark_error(fitted_px: NDArray[np.floating], landmarks_px: NDArray[np.floating]) -> float:
    """Mean distance of fitted landmarks from true ones, in percent of the size of the face.

    Args:
        fitted_px: (68, 2 or 3) x, y and optionally z.
        landmarks_px: (68, 2 or 3) true landmarks. The mean of z is removed from both, since its zero is arbitrary.
    """
    apart = fitted_px - landmarks_px
    apart[:, 2:] -= apart[:, 2:].mean(axis=0)
    return float(100 * np.linalg.norm(apart, axis=1).mean() / box_size(landmarks_px))


def _start(mean: NDArray[np.float64], seen: NDArray[np.float64], size: float, coefficients: int) -> NDArray[np.float64]:
    """The initial parameters: the mean face, aligned to the landmarks by a similarity transform."""
    rotation, scale, shift = fit_similarity(mean, seen)
    return np.concatenate([rotation_angles(rotation), shift / size, [np.log(scale)], np.zeros(coefficients)])
