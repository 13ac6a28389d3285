import numpy as np
import pytest
import torch

from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.statistics import confidence_intervals, paired_differences


def test_an_interval_of_a_mean_is_about_as_wide_as_theory_says():
    rng = np.random.default_rng(0)
    yaw = torch.from_numpy(np.repeat([10.0, 45.0, 80.0], [400, 100, 100]))
    report = NMEReport(torch.from_numpy(rng.exponential(4, 600)), yaw)
    found = confidence_intervals(report, resamples=4000)
    bins = [report.per_face[:400], report.per_face[400:500], report.per_face[500:]]
    errors = [float(faces.std()) / len(faces) ** 0.5 for faces in bins]
    for name, error in (
        ("yaw_00_30", errors[0]),
        ("yaw_60_90", errors[2]),
        ("mean_of_bins", np.sqrt(sum(e**2 for e in errors)) / 3),
        ("mean_of_faces", np.sqrt(sum((e * n / 600) ** 2 for e, n in zip(errors, (400, 100, 100), strict=True)))),
    ):
        low, high = found[name]
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.1), name


def test_intervals_of_the_mean_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    yaw = torch.from_numpy(np.repeat([10.0, 45.0, 80.0], [60, 40, 40]))
    hits = 0
    for i in range(150):
        found = confidence_intervals(NMEReport(torch.from_numpy(rng.gamma(4, 1, 140)), yaw), seed=i, resamples=400)
        hits += found["mean_of_bins"].low <= 4 <= found["mean_of_bins"].high
    assert 0.87 <= hits / 150 <= 0.99


def test_pairing_sees_what_two_intervals_apart_do_not():
    rng = np.random.default_rng(2)
    yaw = torch.from_numpy(rng.uniform(-90, 90, 300))
    hard = rng.gamma(2, 2, 300)  # what makes a face hard, it makes so for all
    reference, better = (torch.from_numpy(hard + rng.normal(shift, 0.1, 300)) for shift in (3.0, 2.9))
    apart = [
        confidence_intervals(NMEReport(errors, yaw), resamples=1000)["mean_of_bins"] for errors in (reference, better)
    ]
    assert apart[0].low < apart[1].high
    assert paired_differences(better, reference, yaw, resamples=1000)["mean_of_bins"].high < 0


def test_a_seed_repeats_intervals():
    report = NMEReport(torch.rand(50), torch.linspace(-90, 90, 50))
    assert confidence_intervals(report, 1, 300) == confidence_intervals(report, 1, 300)
    assert confidence_intervals(report, 1, 300) != confidence_intervals(report, 2, 300)
