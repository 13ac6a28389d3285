"""Fits identity, expression and pose of a face model to 68 landmarks, for many faces at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from datamodules.geometry.camera import HeadPose, rotation_angles
from datamodules.geometry.face_size import box_size
from datamodules.geometry.morphable_model import MorphableModel

Array = NDArray[np.float64]

NOISE = 0.01  # assumed deviation of a landmark, as a fraction of the face's size
_MOST_STEPS = 100
_LEAST_GAIN = 1e-9  # of the cost; a face whose step gains a smaller fraction is fitted
_FIRST_DAMPING, _MOST_DAMPING = 1e-3, 1e9
_POSE_NUMBERS = 4  # rotation vector and logarithm of the scale, before the shift and the coefficients


@dataclass(frozen=True, eq=False)
class LandmarkFits:
    """Coefficients and poses of N faces.

    Attributes:
        identity: (N, K) coefficients.
        expression: (N, L) coefficients.
        poses: (N, 7) pitch, yaw, roll (radians), tx, ty, tz, scale, as in `HeadPose.pose_para`.
    """

    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    poses: Array


def fit_landmarks(
    landmarks_px: NDArray[np.floating],
    image_height: float,
    model: MorphableModel,
    deviations: NDArray[np.floating],
) -> tuple[NDArray[np.float32], NDArray[np.float32], HeadPose]:
    """The most likely coefficients and pose of one face; see `fit_faces`.

    Args:
        landmarks_px: (68, 3) 0-based pixels of the image; z in pixels too, larger is nearer, its zero is
            arbitrary.
        image_height: Height of the photograph in pixels.
        model: The face model.
        deviations: (K + L,) standard deviations of its coefficients.

    Returns:
        (K,) identity coefficients, (L,) expression coefficients, and the pose.
    """
    fits = fit_faces(landmarks_px[None], np.array([image_height]), model, deviations)
    return fits.identity[0], fits.expression[0], HeadPose.from_pose_para(fits.poses[0])


def fit_faces(
    landmarks_px: NDArray[np.floating],
    image_heights: NDArray[np.floating | np.integer],
    model: MorphableModel,
    deviations: NDArray[np.floating],
    noise: NDArray[np.floating] | float = NOISE,
) -> LandmarkFits:
    """The most likely coefficients and poses of faces, each of which is fitted for itself.

    Minimises the squared distances of the landmarks in units of their noise plus the squared coefficients in units of
    their deviations, by the method of Levenberg and Marquardt.

    Args:
        landmarks_px: (N, 68, 3) 0-based pixels of the images; z in pixels too, larger is nearer, its zero is
            arbitrary. Of (N, 68, 2) landmarks the depth is unknown: it becomes the model's guess.
        image_heights: (N,) heights of the photographs in pixels.
        model: The face model.
        deviations: (K + L,) standard deviations of its coefficients.
        noise: Assumed deviation of the landmarks as a fraction of the face's size: one number, or (N, 68).
    """
    sizes = box_size(landmarks_px).astype(np.float64)
    problem = _Problem(
        model.mean[model.landmark_vertices].astype(np.float64),
        model.basis[model.landmark_vertices] * deviations,
        _in_pose_frame(landmarks_px, image_heights),
        1 / (np.broadcast_to(noise, landmarks_px.shape[:2]) * sizes[:, None]),
        sizes,
    )
    state = _fitted(problem, _aligned_mean(problem))
    coefficients = (deviations * state.coefficients).astype(np.float32)
    shifts = np.zeros((len(sizes), 3))
    shifts[:, : state.shifts.shape[1]] = state.shifts
    poses = np.column_stack([rotation_angles(state.rotations), shifts, np.exp(state.log_scales)])
    components = model.identity_basis.shape[2]
    return LandmarkFits(coefficients[:, :components], coefficients[:, components:], poses)


def landmark_error(fitted_px: NDArray[np.floating], landmarks_px: NDArray[np.floating]) -> float:
    """Mean distance of fitted landmarks from true ones, in percent of the size of the face.

    Args:
        fitted_px: (68, 2 or 3) x, y and optionally z.
        landmarks_px: (68, 2 or 3) true landmarks. The mean of z is removed from both, since its zero is arbitrary.
    """
    apart = fitted_px - landmarks_px
    apart[:, 2:] -= apart[:, 2:].mean(axis=0)
    return float(100 * np.linalg.norm(apart, axis=1).mean() / box_size(landmarks_px))


@dataclass(frozen=True, eq=False)
class _State:
    """What is fitted: (N, 3, 3) rotations, (N,) scales, (N, 2 or 3) shifts, (N, K + L) coefficients / deviations."""

    rotations: Array
    log_scales: Array
    shifts: Array
    coefficients: Array

    def of(self, faces: NDArray[np.intp]) -> "_State":
        return _State(self.rotations[faces], self.log_scales[faces], self.shifts[faces], self.coefficients[faces])

    def put(self, faces: NDArray[np.intp], other: "_State") -> None:
        for name, values in vars(self).items():
            values[faces] = getattr(other, name)

    def moved(self, step: Array, sizes: Array) -> "_State":
        """The state after (N, 4 + axes + K + L) steps: rotation vector, log scale, shift in face sizes, coefficients."""
        axes = self.shifts.shape[1]
        shift, coefficients = np.split(step[:, _POSE_NUMBERS:], [axes], axis=1)
        return _State(
            Rotation.from_rotvec(step[:, :3]).as_matrix() @ self.rotations,
            self.log_scales + step[:, 3],
            self.shifts + sizes[:, None] * shift,
            self.coefficients + coefficients,
        )


@dataclass(frozen=True, eq=False)
class _Problem:
    """The landmarks of N faces: (68, 3) mean, (68, 3, K + L) basis, (N, 68, 2 or 3) seen, (N, 68) weights, (N,) sizes."""

    mean: Array
    basis: Array
    seen: Array
    weights: Array
    sizes: Array

    def of(self, faces: NDArray[np.intp]) -> "_Problem":
        return _Problem(self.mean, self.basis, self.seen[faces], self.weights[faces], self.sizes[faces])

    def turned(self, state: _State) -> Array:
        """(N, 68, 3) landmarks of the model, turned and scaled."""
        offsets = state.coefficients @ self.basis.reshape(-1, self.basis.shape[2]).T
        shapes = self.mean + offsets.reshape(-1, *self.mean.shape)
        return np.exp(state.log_scales)[:, None, None] * (shapes @ state.rotations.mT)

    def residuals(self, state: _State, turned: Array) -> Array:
        """(N, 68, axes) distances of the landmarks in units of their noise."""
        axes = self.seen.shape[2]
        return self.weights[..., None] * (turned[..., :axes] + state.shifts[:, None] - self.seen)

    def costs(self, state: _State) -> Array:
        """(N,) what is minimised."""
        residuals = self.residuals(state, self.turned(state))
        return np.asarray((residuals**2).sum(axis=(1, 2)) + (state.coefficients**2).sum(axis=1))

    def step(self, state: _State, damping: Array) -> Array:
        """(N, 4 + axes + K + L) steps towards the minimum."""
        turned = self.turned(state)
        residuals = self.residuals(state, turned)
        faces, landmarks, axes = residuals.shape
        count = _POSE_NUMBERS + axes + self.basis.shape[2]
        jacobian = np.zeros((faces, landmarks, axes, count))
        for axis, unit in enumerate(np.eye(3)):
            jacobian[..., axis] = np.cross(unit, turned)[..., :axes]
        jacobian[..., 3] = turned[..., :axes]
        jacobian[..., _POSE_NUMBERS : _POSE_NUMBERS + axes] = self.sizes[:, None, None, None] * np.eye(axes)
        scaled = np.exp(state.log_scales)[:, None, None] * state.rotations[:, :axes]
        jacobian[..., _POSE_NUMBERS + axes :] = scaled[:, None] @ self.basis
        jacobian = (self.weights[..., None, None] * jacobian).reshape(faces, -1, count)
        prior = np.r_[np.zeros(count - self.basis.shape[2]), np.ones(self.basis.shape[2])]
        pull = (jacobian.mT @ residuals.reshape(faces, -1, 1))[..., 0]
        pull[:, -self.basis.shape[2] :] += state.coefficients
        normal = jacobian.mT @ jacobian + np.diag(prior)
        diagonal = np.einsum("nii->ni", normal)  # a view
        diagonal *= 1 + damping[:, None]
        return -np.linalg.solve(normal, pull[..., None])[..., 0]


def _fitted(problem: _Problem, state: _State) -> _State:
    costs = problem.costs(state)
    damping = np.full(len(costs), _FIRST_DAMPING)
    faces = np.arange(len(costs))
    for _ in range(_MOST_STEPS):
        part, now = problem.of(faces), state.of(faces)
        tried = now.moved(part.step(now, damping[faces]), part.sizes)
        tried_costs = part.costs(tried)
        gain = costs[faces] - tried_costs
        is_better = gain > 0
        state.put(faces[is_better], tried.of(np.flatnonzero(is_better)))
        is_fitted = np.where(is_better, gain <= _LEAST_GAIN * costs[faces], damping[faces] > _MOST_DAMPING)
        costs[faces[is_better]] = tried_costs[is_better]
        damping[faces] *= np.where(is_better, 0.1, 10.0)
        faces = faces[~is_fitted]
        if not len(faces):
            break
    return state


def _in_pose_frame(landmarks_px: NDArray[np.floating], image_heights: NDArray[np.floating | np.integer]) -> Array:
    """(N, 68, 2 or 3) landmarks in the frame of poses, in which y points upwards."""
    frontal = HeadPose.frontal()
    to_image = np.stack([frontal.projection(float(height)) for height in image_heights])
    axes = landmarks_px.shape[2]
    shifted = landmarks_px - to_image[:, None, :axes, 3]
    return np.asarray(shifted * np.einsum("nii->ni", to_image[:, :3, :3])[:, None, :axes])


def _aligned_mean(problem: _Problem) -> _State:
    """The mean face, aligned to the landmarks in x and y: the rotation and scale nearest to the best affine camera."""
    shares = (problem.weights**2 / (problem.weights**2).sum(axis=1, keepdims=True))[..., None]
    centres = (shares * problem.mean).sum(axis=1)
    seen_centres = (shares * problem.seen).sum(axis=1)
    points, seen = problem.mean - centres[:, None], (problem.seen - seen_centres[:, None])[..., :2]
    weighted = (shares * points).mT
    cameras = np.linalg.solve(weighted @ points, weighted @ seen).mT
    left, lengths, right = np.linalg.svd(cameras, full_matrices=False)
    rows = left @ right
    rotations = np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], axis=1)
    scales = lengths.mean(axis=1)
    axes = problem.seen.shape[2]
    moved = scales[:, None] * (rotations @ centres[..., None])[..., 0]
    count = problem.basis.shape[2]
    return _State(rotations, np.log(scales), seen_centres - moved[:, :axes], np.zeros((len(scales), count)))
