import math

import numpy as np
import pytest
import torch

from lightning_module.evaluation.nme import NMEReport, dense_nme, face_size, landmark_nme, landmark_nme_3d, yaw_bin


def _landmarks(faces=1):
    points = torch.rand(faces, 68, 3, generator=torch.Generator().manual_seed(0)) * 50
    points[:, 0], points[:, 1] = torch.tensor([10.0, 20, 5]), torch.tensor([110.0, 100, 5])  # a box of 100 x 80
    points[:, 2:, :2] = points[:, 2:, :2] + 30
    return points


def test_face_size_is_the_root_of_width_times_height():
    assert face_size(_landmarks())[0] == pytest.approx(math.sqrt(100 * 80))


def test_a_face_against_itself_is_0():
    points = _landmarks(3)
    assert landmark_nme(points, points).tolist() == [0, 0, 0]
    assert landmark_nme_3d(points, points).tolist() == [0, 0, 0]


def test_a_shift_by_3_and_4_pixels_is_5_over_the_size_of_the_face():
    points = _landmarks(2)
    shifted = points + torch.tensor([3.0, 4, 7])
    assert landmark_nme(shifted, points).tolist() == pytest.approx([100 * 5 / math.sqrt(8000)] * 2, rel=1e-4)


def test_depth_counts_in_3d_but_for_its_mean():
    points = _landmarks()
    assert landmark_nme_3d(points + torch.tensor([0.0, 0, 9]), points)[0] == pytest.approx(0, abs=1e-4)
    tilted = points.clone()
    tilted[0, :34, 2] += 4
    assert landmark_nme_3d(tilted, points)[0] == pytest.approx(100 * 2 / math.sqrt(8000), rel=1e-4)
    assert landmark_nme(tilted, points)[0] == 0


def test_dense_error_averages_over_the_mask_alone():
    target = torch.zeros(1, 3, 2, 2)
    predicted = target.clone()
    predicted[0, :2, 0, 0] = torch.tensor([3.0, 4])
    predicted[0, :, 1, 1] = 99
    mask = torch.tensor([[True, True], [False, False]])
    assert dense_nme(predicted, target, mask, _landmarks())[0] == pytest.approx(100 * 2.5 / math.sqrt(8000))


def test_landmarks_without_area_are_refused():
    points = _landmarks()
    points[..., 1] = 5
    with pytest.raises(ValueError, match="face 0 span no area"):
        landmark_nme(points, points)


def test_an_error_that_is_no_number_stays_in_the_mean():
    report = NMEReport(torch.tensor([1.0, math.nan]), torch.tensor([0.0, 80.0]))
    assert math.isnan(report.mean_of_bins)
    assert NMEReport(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 80.0])).mean_of_bins == 2


def test_yaw_30_belongs_to_the_first_bin():
    yaw = torch.tensor([0.0, 30, -30, 30.01, 60, -60, 60.01, -90, 95])
    assert yaw_bin(yaw).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_the_mean_is_that_of_the_bins_and_not_of_the_faces():
    report = NMEReport(torch.tensor([1.0, 2, 3, 10, 20]), torch.tensor([0.0, 10, -20, 45, -80]))
    assert report.by_bin == {"yaw_00_30": 2, "yaw_30_60": 10, "yaw_60_90": 20}
    assert report.counts == {"yaw_00_30": 3, "yaw_30_60": 1, "yaw_60_90": 1}
    assert report.mean_of_bins == pytest.approx(32 / 3)
    assert report.mean_of_faces == pytest.approx(7.2)


def test_an_empty_bin_is_nan_and_the_mean_is_of_those_that_are_there():
    report = NMEReport(torch.tensor([1.0, 3]), torch.tensor([0.0, 45]))
    assert math.isnan(report.by_bin["yaw_60_90"])
    assert report.mean_of_bins == 2


def test_the_protocol_of_the_benchmark_on_its_2000_ground_truths(real):
    landmarks = torch.from_numpy(np.load(real / "gt" / "AFLW2000-3D.pts68.npy")).mT
    yaw = torch.from_numpy(np.load(real / "gt" / "AFLW2000-3D.pose.npy"))
    report = NMEReport(landmark_nme(landmarks, landmarks), yaw)
    assert list(report.counts.values()) == [1312, 383, 305]
    assert report.mean_of_bins == 0
    shifted = landmark_nme(landmarks + torch.tensor([3.0, 4, 0]), landmarks)
    size = np.sqrt(np.prod(np.ptp(landmarks[..., :2].numpy(), axis=1), axis=1))
    np.testing.assert_allclose(shifted, 500 / size, rtol=1e-3)
