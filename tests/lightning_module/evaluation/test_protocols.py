"""Every landmark protocol against a rewrite in plain NumPy that shares no line with it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from datamodules.errors import InputError
from datamodules.geometry.regions import five_regions
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import (
    LANDMARK_PROTOCOLS,
    LANDMARKS_2D,
    LANDMARKS_81_2D,
    RECONSTRUCTION,
    dense_protocols,
    protocol_named,
)
from lightning_module.evaluation.protocols import test_protocols as protocols_of_a_test
from lightning_module.evaluation.statistics import balanced_subset, ced_auc, failure_rate, summarize

FACES = 2000


@pytest.fixture(scope="module")
def truth(real_or_none):
    """(2000, 68, 3) landmarks and (2000,) yaw: AFLW2000-3D's own where they are there, else drawn like them."""
    if real_or_none is not None:
        landmarks = np.load(real_or_none / "gt" / "AFLW2000-3D.pts68.npy").transpose(0, 2, 1).astype(np.float64)
        return landmarks - [1, 1, 0], np.load(real_or_none / "gt" / "AFLW2000-3D.pose.npy").astype(np.float64)
    rng = np.random.default_rng(5)
    return rng.normal(size=(FACES, 68, 3)) * [40, 50, 30] + 225, rng.normal(0, 40, FACES)


def _disturbed(landmarks, yaw_deg, kind):
    rng = np.random.default_rng(7)
    if kind == "noise":  # more of it in profile
        spread = np.where(np.abs(yaw_deg) <= 30, 2, np.where(np.abs(yaw_deg) <= 60, 4, 8))
        return landmarks + rng.normal(size=landmarks.shape) * spread[:, None, None]
    if kind == "shift":
        return landmarks + np.array([3, -4, 25])
    if kind == "scale":
        return landmarks * 1.07
    return landmarks * [1, -1, 1] + np.array([0, 449, 0])  # upside down


def _by_hand(predicted, truth, name):
    errors = []
    for p, t in zip(predicted, truth, strict=True):
        width, height = t[:, 0].max() - t[:, 0].min(), t[:, 1].max() - t[:, 1].min()
        if name == "nme":
            p, t = p[:, :2], t[:, :2]
        elif name == "nme_3d_mean_z":
            p, t = p - [0, 0, p[:, 2].mean()], t - [0, 0, t[:, 2].mean()]
        else:
            a, b = p - p.mean(0), t - t.mean(0)
            u, s, vt = np.linalg.svd(a.T @ b)
            d = np.diag([1, 1, np.linalg.det(u) * np.linalg.det(vt)])
            scale = np.trace(np.diag(s) @ d) / (a * a).sum() if name == "nme_3d_similarity" else 1
            p, t = scale * a @ u @ d @ vt, b
        errors.append(100 * np.mean(np.sqrt(((p - t) ** 2).sum(1))) / np.sqrt(width * height))
    return np.array(errors)


@pytest.mark.parametrize("kind", ["noise", "shift", "scale", "flip"])
@pytest.mark.parametrize("protocol", LANDMARK_PROTOCOLS, ids=lambda protocol: protocol.name)
def test_a_protocol_is_what_its_definition_says(truth, kind, protocol):
    landmarks, yaw_deg = truth
    predicted = _disturbed(landmarks, yaw_deg, kind)
    report = NMEReport(
        protocol.error(torch.from_numpy(predicted), torch.from_numpy(landmarks)), torch.from_numpy(yaw_deg)
    )
    by_hand = _by_hand(predicted, landmarks, protocol.name)
    np.testing.assert_allclose(report.per_face.numpy(), by_hand, rtol=0, atol=1e-9)
    size = np.abs(yaw_deg)
    bins = [by_hand[size <= 30], by_hand[(size > 30) & (size <= 60)], by_hand[size > 60]]
    np.testing.assert_allclose(list(report.by_bin.values()), [b.mean() for b in bins], rtol=0, atol=1e-9)
    assert report.mean_of_bins == pytest.approx(np.mean([b.mean() for b in bins]), abs=1e-9)
    assert report.mean_of_faces == pytest.approx(by_hand.mean(), abs=1e-9)
    assert failure_rate(report.per_face) == pytest.approx(100 * sum(by_hand > 7) / len(by_hand), abs=1e-9)
    fine = np.linspace(0, 7, 70_001)
    curve = np.searchsorted(np.sort(by_hand), fine, side="right") / len(by_hand)
    assert ced_auc(report.per_face) == pytest.approx(100 * np.trapezoid(curve, fine) / 7, abs=0.01)


def test_a_shift_of_five_pixels_is_five_over_the_size_of_each_face(truth):
    landmarks, yaw_deg = truth
    errors = LANDMARKS_2D.error(torch.from_numpy(_disturbed(landmarks, yaw_deg, "shift")), torch.from_numpy(landmarks))
    sides = np.ptp(landmarks[:, :, :2], axis=1)
    np.testing.assert_allclose(errors.numpy(), 500 / np.sqrt(sides[:, 0] * sides[:, 1]), rtol=1e-9)


def test_the_balanced_subset_has_as_many_of_each_bin_and_is_the_seeds(truth):
    yaw_deg = torch.from_numpy(truth[1])
    subset = balanced_subset(yaw_deg, 3)
    counts = NMEReport(yaw_deg[subset], yaw_deg[subset]).counts
    smallest = min(NMEReport(yaw_deg, yaw_deg).counts.values())
    assert list(counts.values()) == [smallest] * 3
    assert len(set(subset.tolist())) == 3 * smallest
    assert balanced_subset(yaw_deg, 3).tolist() == subset.tolist() != balanced_subset(yaw_deg, 4).tolist()


def test_with_81_landmarks_the_size_of_the_face_is_still_that_of_the_68():
    truth = torch.rand(2, 81, 2, dtype=torch.float64) * 100
    truth[:, 68:] += 500
    moved = truth.clone()
    moved[:, 68:, 0] += 81
    sides = np.ptp(truth[:, :68].numpy(), axis=1)
    expected = 100 * 13 / np.sqrt(sides[:, 0] * sides[:, 1])
    np.testing.assert_allclose(LANDMARKS_81_2D.error(moved, truth).numpy(), expected, rtol=1e-9)


def test_dense_protocols_average_over_their_own_texels():
    regions = torch.tensor([[2, 3], [4, 5]], dtype=torch.uint8)
    target = torch.zeros(1, 3, 2, 2, dtype=torch.float64)
    predicted = target.clone()
    predicted[0, :2] = torch.tensor([[[3.0, 6], [9, 90]], [[4, 8], [12, 90]]])
    predicted[0, 2] = torch.tensor([[1.0, 1], [7, 50]])
    box = torch.tensor([[[0.0, 0], [100, 100]]], dtype=torch.float64)
    found = {p.name: float(p.measure(predicted, target, regions, box)) for p in dense_protocols(five_regions())}
    flat = [np.hypot(5, -2), np.hypot(10, -2), np.hypot(15, 4)]  # their depths less the mean of 3
    assert found == pytest.approx(
        {"nme_dense": 10, "nme_dense_3d": np.mean(flat), "nme_eyes_nose": 5, "nme_mouth": 10, "nme_face": 15}
    )


def test_names_are_unique_and_every_protocol_says_whose_it_is():
    protocols = (*protocols_of_a_test(five_regions()), LANDMARKS_81_2D, RECONSTRUCTION)
    assert len({p.name for p in protocols}) == len({p.title for p in protocols}) == len(protocols)
    assert all(protocol.definition and protocol.source for protocol in protocols)
    assert all(protocol_named(protocol.name) == protocol for protocol in protocols)


def test_a_record_of_an_unknown_table_of_regions_can_be_read():
    assert protocol_named("nme_jaw_line").title == "jaw line, x y"
    with pytest.raises(InputError, match=r"ced: there is no such protocol\. Give one of nme, "):
        protocol_named("ced")


def test_a_region_cannot_take_the_name_of_another_figure():
    regions = (*five_regions()[:2], replace(five_regions()[2], name="mean_map"), *five_regions()[3:])
    with pytest.raises(InputError, match="region 'mean_map': nme_mean_map is the name of another protocol"):
        dense_protocols(regions)


def test_a_summary_of_a_bin_with_a_single_face_has_no_interval_there():
    report = NMEReport(torch.tensor([1.0, 2, 3, 4]), torch.tensor([0.0, 10, 20, 80]))
    summary = summarize(report, resamples=200)
    assert summary.intervals["yaw_00_30"].low <= 2 <= summary.intervals["yaw_00_30"].high
    for name in ("yaw_30_60", "yaw_60_90", "mean_of_bins"):
        assert np.isnan(summary.intervals[name].low), name
    assert summary.balanced_faces == 2
