import math

import numpy as np
import pytest
import torch

from datamodules.errors import InputError
from lightning_module.evaluation.nme import REDUCTIONS, NMEReport, reduce_bins
from lightning_module.evaluation.paired_seeds import reduced_by_seed
from lightning_module.evaluation.score import Score

BY_BIN = {"yaw_00_30": 2.0, "yaw_30_60": 7.0, "yaw_60_90": 3.0}


@pytest.mark.parametrize(
    ("text", "value", "metric"),
    [
        ("nme:mean", 4, "val/nme/mean"),
        ("nme_mouth:worst", 7, "val/nme_mouth/worst"),
        ("nme_jaw:yaw_60_90", 3, "val/nme_jaw/yaw_60_90"),
    ],
)
def test_a_score_is_a_protocol_and_a_reduction(text, value, metric):
    score = Score.parse(text)
    assert str(score) == text
    assert score.value(BY_BIN) == value
    assert score.metric("val") == metric


def test_a_score_is_titled_by_what_it_measures():
    assert Score.parse("nme:mean").title == "68 landmarks, x y, mean of bins"
    assert Score.parse("nme_mouth:worst").title == "mouth, x y, worst bin"
    assert Score.parse("nme:yaw_60_90").title == "68 landmarks, x y, |yaw| 60-90°"


@pytest.mark.parametrize(
    "text", ["", "nme", "mean", "nme:", "nme:best", ":mean", "nme/mean", "ssim:mean", "nme:mean:x"]
)
def test_what_is_no_score_is_refused_with_what_is_possible(text):
    with pytest.raises(
        InputError, match=r"give <protocol>:<reduction>.*nme_<region>.*mean, worst, yaw_00_30"
    ) as caught:
        Score.parse(text)
    assert "\n" not in str(caught.value)


def test_a_protocol_that_is_not_measured_is_refused_with_those_that_are():
    Score.parse("nme_mouth:worst").require(["nme", "nme_mouth"])
    with pytest.raises(
        InputError, match=r"--score nme_jaw:worst: .* does not measure nme_jaw. Give one of nme, nme_mouth"
    ):
        Score.parse("nme_jaw:worst").require(["nme", "nme_mouth"])


def test_an_empty_bin_does_not_count():
    by_bin = BY_BIN | {"yaw_30_60": math.nan}
    assert Score.parse("nme:mean").value(by_bin) == 2.5
    assert Score.parse("nme:worst").value(by_bin) == 3
    assert Score.parse("nme:mean").value({"yaw_30_60": 7.0}) == 7
    assert all(math.isnan(Score("nme", reduction).value({})) for reduction in REDUCTIONS)


def test_a_reduction_is_the_same_of_one_report_and_of_many_seeds():
    rng = np.random.default_rng(0)
    errors = rng.gamma(3, 1, (4, 30))
    bins = np.repeat([0, 1, 2], 10)
    yaw_deg = torch.from_numpy(np.array([10.0, 45.0, 80.0])[bins])
    reports = [NMEReport(torch.from_numpy(row), yaw_deg) for row in errors]
    for reduction in REDUCTIONS:
        by_seed = reduced_by_seed(errors, bins, reduction)
        assert [report.reduced(reduction) for report in reports] == pytest.approx(by_seed.tolist(), rel=1e-12)
        assert reports[0].figures[reduction] == Score("nme", reduction).value(reports[0].by_bin)


def test_a_face_without_an_error_is_not_passed_over():
    report = NMEReport(torch.tensor([1.0, math.nan]), torch.tensor([0.0, 80.0]))
    assert math.isnan(report.reduced("worst"))
    assert report.reduced("yaw_00_30") == 1


def test_there_is_no_other_reduction():
    with pytest.raises(ValueError, match="there is no reduction best"):
        reduce_bins(np.ones(3), "best")
