import io

import numpy as np
import torch
from rich.console import Console

from datamodules.geometry.regions import five_regions
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.evaluation.statistics import summarize
from lightning_module.reporting.figures import (
    FacePicture,
    bin_order,
    ced_figure,
    landmarks_figure,
    region_weights_figure,
)
from lightning_module.reporting.nme_table import nme_rows, nme_table
from lightning_module.reporting.published_figures import MEAN_ASPECT, is_whole_aflw2000
from tests.pictures import drawn

YAWS = torch.tensor([0.0, 10, -50])
REPORTS = {"nme": NMEReport(torch.tensor([1.0, 3, 4.5]), YAWS)}
SUMMARIES = {name: summarize(report, LANDMARKS_2D.title, resamples=100) for name, report in REPORTS.items()}


def _text(table):
    console = Console(file=io.StringIO(), width=120)
    console.print(table)
    return console.file.getvalue()


def test_a_table_shows_counts_protocol_and_a_dash_for_an_empty_bin():
    text = _text(nme_table(SUMMARIES, "test on faces (synthetic)"))
    for piece in (
        "faces (synthetic)",
        "n = 2",
        "n = 1",
        "n = 0",
        "68 landmarks, x y",
        "2.00",
        "4.50",
        "3.25",
        "2.83",
        " - ",
    ):
        assert piece in text
    assert "printed" not in text


def test_the_papers_row_stands_only_beside_the_whole_of_aflw2000():
    assert "as printed" in _text(nme_table(SUMMARIES, "test on AFLW2000-3D", is_aflw2000=True))
    yaws = torch.cat([torch.zeros(1312), torch.full((383,), 45.0), torch.full((305,), 80.0)])
    aspect = torch.full((2000,), MEAN_ASPECT)
    assert is_whole_aflw2000(NMEReport(torch.ones(2000), yaws, aspect))
    assert not is_whole_aflw2000(NMEReport(torch.ones(2000), yaws, aspect - 0.04))  # re-annotated
    assert not is_whole_aflw2000(NMEReport(torch.ones(1999), yaws[1:], aspect[1:]))


def test_rows_for_mlflow_have_null_for_an_empty_bin():
    columns = nme_rows(SUMMARIES, "test", "faces")
    rows = list(zip(*columns.values(), strict=True))
    assert ("test", "faces", "nme", "yaw_60_90", None, None, None, 0) in rows
    assert ("test", "faces", "nme", "mean_of_bins", 3.25, None, None, 3) in rows


def test_pictures_are_drawn(tmp_path):
    face = FacePicture(
        np.zeros((8, 8, 3), np.float32), np.zeros((68, 3), np.float32), np.ones((68, 3), np.float32), "a 1.0 %"
    )
    faces = bin_order({"yaw_60_90": [face], "yaw_00_30": [face] * 3, "yaw_30_60": []})
    assert list(faces) == ["yaw_00_30", "yaw_60_90"]
    regions = np.full((256, 256), 4, np.uint8)
    for figure in (
        landmarks_figure(faces),
        ced_figure(REPORTS, "CED"),
        region_weights_figure(
            np.ones((256, 256), np.float32), regions, np.zeros((81, 2), np.int64), five_regions(), "16-5-4-3-0"
        ),
    ):
        with drawn():
            figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size > 5000
