import numpy as np
import pytest

from datamodules.files.bfm import read_coefficient_deviations, read_morphable_model
from datamodules.files.face_mat import read_face_mat
from datamodules.files.images import read_image_size
from datamodules.geometry.camera import HeadPose, project, projections
from datamodules.geometry.landmark_fit import fit_faces, fit_landmarks, landmark_error
from datamodules.geometry.landmark_model import LandmarkModel
from tests.fakes import IMAGE, fake_face, fake_model


@pytest.mark.parametrize("yaw_deg", [-85, -30, 0, 60])
def test_a_models_own_landmarks_bring_back_its_pose_and_shape(yaw_deg):
    model = fake_model()
    face, _ = fake_face(yaw_deg, seed=4)
    true = HeadPose.from_pose_para(face.pose)
    identity, expression, pose = fit_landmarks(face.landmarks_image_px, IMAGE[1], model, np.ones(8))
    angles = np.array([[p.pitch_rad, p.yaw_rad, p.roll_rad] for p in (pose, true)])
    np.testing.assert_allclose(np.rad2deg(angles[0]), np.rad2deg(angles[1]), atol=1.5)
    assert pose.scale == pytest.approx(true.scale, rel=0.03)
    fitted, given = (
        project(model.vertices(*numbers), p.projection(IMAGE[1]))
        for numbers, p in (((identity, expression), pose), ((face.identity, face.expression), true))
    )
    assert landmark_error(fitted[model.landmark_vertices], face.landmarks_image_px) < 0.5
    assert np.abs(fitted - given).mean() < 0.5  # pixels of an image of 120 x 110


def test_a_landmark_far_off_is_not_believed():
    model = fake_model()
    face, _ = fake_face(10, seed=4)
    wrong = face.landmarks_image_px.copy()
    wrong[30] += [25, 0, 0]
    plain, coefficients = (
        np.concatenate(fit_landmarks(points, IMAGE[1], model, np.ones(8))[:2])
        for points in (face.landmarks_image_px, wrong)
    )
    assert np.abs(coefficients).max() < 6
    assert np.abs(coefficients - plain).max() < 4


def test_another_zero_of_depth_changes_nothing_but_depth():
    face, _ = fake_face(30, seed=1)
    (one, _, pose), (two, _, moved) = (
        fit_landmarks(face.landmarks_image_px + np.array([0, 0, z]), IMAGE[1], fake_model(), np.ones(8))
        for z in (0, 500)
    )
    np.testing.assert_allclose(one, two, atol=1e-3)
    np.testing.assert_allclose(moved.translation_px - pose.translation_px, [0, 0, 500], atol=0.01)


def test_error_is_in_percent_of_the_faces_size():
    landmarks = np.zeros((68, 3))
    landmarks[1, :2] = 40, 10
    assert landmark_error((landmarks + np.array([0, 1, 7]))[:, :2], landmarks[:, :2]) == pytest.approx(5)
    assert landmark_error(landmarks + np.array([0, 1, 7]), landmarks) == pytest.approx(5)  # depth has no zero


def test_real_landmarks_bring_back_real_fits(real):
    path = real / "bfm" / "BFM.mat"
    model = read_morphable_model(path)
    deviations = read_coefficient_deviations(path, model)
    errors, turns = [], []
    for sample in sorted((real / "aflw2000").glob("*.mat")):
        face, height = read_face_mat(sample), read_image_size(sample.with_suffix(".jpg"))[1]
        identity, expression, pose = fit_landmarks(face.landmarks_image_px, height, model, deviations)
        to_image = pose.projection(height)
        fitted = LandmarkModel(model).project(identity[None], expression[None], to_image[None])[0]
        errors.append(landmark_error(fitted[:, :2], face.landmarks_image_px[:, :2]))
        true = HeadPose.from_pose_para(face.pose)
        turns.append(
            np.rad2deg([pose.pitch_rad - true.pitch_rad, pose.yaw_rad - true.yaw_rad, pose.roll_rad - true.roll_rad])
        )
        vertices, given = (
            project(model.vertices(*numbers), p.projection(height))
            for numbers, p in (((identity, expression), pose), ((face.identity, face.expression), true))
        )
        print(
            f"{sample.stem}: landmarks {errors[-1]:.2f} %, dense {landmark_error(vertices[:, :2], given[:, :2]):.2f} %, "
            f"angles {np.abs(turns[-1]).max():.2f} degrees"
        )
    assert np.mean(errors) < 0.75
    assert np.abs(turns).mean() < 1


def test_each_of_many_faces_is_fitted_for_itself():
    """Of other heights and sizes, and one with a landmark that is not trusted."""
    faces = [fake_face(yaw, seed=seed)[0].landmarks_image_px for seed, yaw in enumerate((-70, 0, 40, 85))]
    landmarks = np.stack([points * (1 + number) for number, points in enumerate(faces)])
    heights, noise = np.array([110, 220, 330, 440]), np.full((4, 68), 0.01)
    noise[2, 30] = 0.1
    together = fit_faces(landmarks, heights, fake_model(), np.ones(8), noise)
    for face in range(4):
        alone = fit_faces(landmarks[[face]], heights[[face]], fake_model(), np.ones(8), noise[[face]])
        np.testing.assert_allclose(together.identity[face], alone.identity[0], atol=1e-4)
        np.testing.assert_allclose(together.expression[face], alone.expression[0], atol=1e-4)
        np.testing.assert_allclose(together.poses[face], alone.poses[0], atol=1e-4)


@pytest.mark.parametrize("yaw_deg", [-60, 0, 45])
def test_without_depth_the_model_guesses_it(yaw_deg):
    model = fake_model()
    face, _ = fake_face(yaw_deg, seed=4)
    fits = fit_faces(face.landmarks_image_px[None, :, :2], np.array([IMAGE[1]]), model, np.ones(8))
    fitted = LandmarkModel(model).project(fits.identity, fits.expression, projections(fits.poses, np.array([IMAGE[1]])))
    assert landmark_error(fitted[0, :, :2], face.landmarks_image_px[:, :2]) < 0.5
    assert landmark_error(fitted[0], face.landmarks_image_px) < 5
    assert abs(np.rad2deg(fits.poses[0, 1]) - yaw_deg) < 6


def test_a_landmark_that_is_not_trusted_moves_no_other():
    model = fake_model()
    face, _ = fake_face(10, seed=4)
    wrong, noise = face.landmarks_image_px[None].copy(), np.full((1, 68), 0.01)
    wrong[0, 30] += [25, 0, 0]
    noise[0, 30] = 10
    height = np.array([IMAGE[1]])
    plain = fit_faces(face.landmarks_image_px[None], height, model, np.ones(8)).poses[0]
    np.testing.assert_allclose(fit_faces(wrong, height, model, np.ones(8), noise).poses[0], plain, rtol=0.02, atol=0.02)
