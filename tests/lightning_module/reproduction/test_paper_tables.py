"""The tables of the paper hold our rows with seeds and runs, and printed rows only beside all of AFLW2000-3D."""

import numpy as np
import pandas as pd
import torch

from datamodules.files.images import write_png
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.nme import NMEReport
from lightning_module.reporting.published_figures import MEAN_ASPECT
from lightning_module.reporting.ratio_table import differences, ratio_frame
from lightning_module.reproduction.paper_document import (
    Heading,
    Items,
    Paragraph,
    Picture,
    TableBlock,
    html_page,
    markdown_page,
)
from lightning_module.reproduction.paper_faces import chosen_faces
from lightning_module.reproduction.paper_tables import MeasuredSystem, is_printed_beside, mean_face, table_1, table_2

FEW, WHOLE = (2, 2, 2), (1312, 383, 305)  # faces in each yaw bin


def record(counts, errors, name="AFLW2000-3D"):
    """Errors that are the same for all faces of a bin."""
    yaw = torch.tensor(np.repeat([10.0, 45, 75], counts))
    nme = torch.tensor(np.repeat(np.array(errors, float), counts))
    aspect = torch.full_like(yaw, MEAN_ASPECT)
    reports = {"nme": NMEReport(nme, yaw, aspect), "nme_mean_map": NMEReport(nme + 10, yaw, aspect)}
    return EvaluationRecord(name, "aflw2000-3d", reports, "print")


def system(name, counts, *errors):
    return MeasuredSystem(
        name, [record(counts, own) for own in errors], [f"run-{i}" for i in range(len(errors))], range(len(errors))
    )


def test_a_row_is_the_mean_over_seeds_with_its_runs():
    ours = system("16:5:4:3:0", FEW, (1, 2, 3), (3, 4, 5))
    prnet = MeasuredSystem("PRNet", [record(FEW, (4, 4, 4))], ["run-p"])
    frame, comparison = table_1([ours, prnet, mean_face(ours.records[0])])
    first, second, third = frame.itertuples(index=False)
    assert first[:5] == ("16:5:4:3:0", "2.00", "3.00", "4.00", "3.00")
    assert first[-2:] == ("0, 1", "run-0\nrun-1")
    assert second[:2] == ("PRNet", "4.00")
    assert second[6].startswith("+1.00")  # less ours, face by face
    assert second[-2:] == ("-", "run-p")
    assert third[:2] == ("always the mean face", "11.00")
    assert third[-2:] == ("-", "-")
    assert comparison.counts == {"yaw_00_30": 2, "yaw_30_60": 2, "yaw_60_90": 2}


def test_printed_rows_stand_beside_the_whole_of_aflw2000_3d_only():
    few, whole = system("ours", FEW, (1, 2, 3)), system("ours", WHOLE, (1, 2, 3))
    assert not is_printed_beside(few)
    assert list(table_1([few])[0]["method"]) == ["ours"]
    frame, comparison = table_1([whole])
    assert is_printed_beside(whole)
    assert "PRN *" in list(frame["method"])
    assert list(frame[frame["method"] == "Shi et al. *"]["mean of bins"]) == ["3.58"]
    assert "printed in the paper" in comparison.note


def test_ratios_are_compared_by_seed():
    ratios = {"r1 16:5": [_report(2), _report(4)], "r2 1:1": [_report(3), _report(4)]}
    frame = ratio_frame(ratios)
    assert list(frame["mean of bins"]) == ["3.00 ± 1.41", "3.50 ± 0.71", "+0.50 ± 0.71"]
    assert list(frame["ratio"]) == ["r1 16:5", "r2 1:1", "r2 - r1, paired"]
    assert differences(ratios, "r2 1:1")[:, 3].tolist() == [1, 0]


def test_one_seed_has_no_deviation_and_an_empty_bin_is_a_dash():
    report = NMEReport(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 10.0]))
    frame = ratio_frame({"a": [report], "b": [report]})
    assert list(frame.iloc[0]) == ["a", "2.00", "-", "-", "2.00"]
    assert list(frame.iloc[2]) == ["b - a, paired", "+0.00", "-", "-", "+0.00"]


def test_the_table_of_ratios_has_intervals_of_ratios_and_of_differences():
    frame = table_2([system("16:5:4:3:0", FEW, (1, 2, 3), (3, 4, 5)), system("1:1:1:1:0", FEW, (2, 3, 4), (4, 5, 6))])
    assert list(frame["95 %"]) == ["3.00-3.00", "4.00-4.00", "+1.00 to +1.00"]
    assert list(frame["run"]) == ["run-0\nrun-1", "run-0\nrun-1", "-"]


def _report(error):
    return record(FEW, (error, error, error)).reports["nme"]


def test_the_shown_faces_are_the_best_the_median_and_the_worst():
    report = NMEReport(torch.tensor([5.0, 1.0, 9.0, 2.0, 3.0]), torch.zeros(5))
    assert [(face.title, face.position) for face in chosen_faces(report)] == [("best", 1), ("median", 4), ("worst", 2)]


def test_a_page_shows_text_as_it_is_and_loads_nothing(tmp_path):
    write_png(tmp_path / "a b.png", np.zeros((2, 2, 3), np.uint8))
    blocks = [
        Heading("R & D"),
        Paragraph("<script>", is_notice=True),
        Items(["a_b*", "c"]),
        Items(["python run.py fit"], is_code=True),
        TableBlock(pd.DataFrame([["PRN *", "a|b\nc"]], columns=["method", "0-30° (n = 4)"])),
        Picture(tmp_path / "a b.png", 'a "picture"'),
    ]
    page = html_page("Title", blocks)
    for part in (
        "R &amp; D",
        "&lt;script&gt;",
        "<tr class=printed><td>PRN *</td><td>a|b<br>c</td></tr>",
        "data:image/png",
    ):
        assert part in page
    assert "0-30°<br>(n = 4)" in page
    assert str(tmp_path) not in page
    text = markdown_page("Title", blocks, tmp_path)
    for part in (
        "## R & D",
        r"> **\<script>**",
        r"- a\_b\*",
        "```bash\npython run.py fit\n```",
        r"a\|b<br>c",
        "(a%20b.png)",
    ):
        assert part in text
