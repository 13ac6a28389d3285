"""Runs beside each other."""

import shutil

import numpy as np
import pytest
import torch
from mlflow.tracking import MlflowClient

from datamodules.errors import InputError
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import Protocol
from lightning_module.reporting.evaluation_report import log_record
from lightning_module.reporting.run_reader import is_called
from lightning_module.tracking.run_folder import run_folders
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingOptions
from run import main
from tests.pictures import drawn
from tests.runs import mlflow_run

FACES = 40


def _evaluate(folder, name, noise, faces=FACES, dataset="some faces", seed=0, *more):
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(faces, 68, 3)) * [40, 50, 30] + 225
    own = np.random.default_rng([seed, 2])
    np.save(folder / "found.npy", truth + own.normal(size=truth.shape) * noise)
    np.save(folder / "truth.npy", truth)
    np.save(folder / "yaw.npy", np.linspace(-88, 88, faces))
    main(
        [
            "evaluate",
            f"--predictions={folder / 'found.npy'}",
            f"--landmarks={folder / 'truth.npy'}",
            f"--yaw={folder / 'yaw.npy'}",
            f"--name={name}",
            f"--dataset={dataset}",
            f"--tracking.folder={folder}",
            *more,
        ]
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory, store_uri):
    folder = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", store_uri)
        _evaluate(folder, "rough", 4, FACES, "some faces", 0, '--tracking.tags={"ratio": "16-5-4-3-0"}')
        _evaluate(folder, "fine", 2)
        _evaluate(folder, "a & b_c", 3, 25, "other faces")
    return folder


@pytest.fixture(scope="module")
def store_uri(tmp_path_factory, empty_store):

    place = shutil.copy(empty_store, tmp_path_factory.mktemp("store") / "mlflow.db")
    return f"sqlite:///{place}"


@pytest.fixture
def compare(store, store_uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri)
    return lambda *more: main(["compare", *more, f"--tracking.folder={store}"])


def test_runs_are_compared_by_data_set_and_in_pairs_where_the_faces_are_the_same(compare, store, tmp_path, capsys):
    with drawn():
        found = compare(f"--out={tmp_path}", "--reference=rough", "--no_log")
    by_dataset = {comparison.dataset: comparison for comparison in found}
    assert set(by_dataset) == {"some faces", "other faces"}
    rows = {row.name: row for row in by_dataset["some faces"].rows}
    assert rows["rough"].difference is None
    value, ends = rows["fine"].difference
    assert ends.low < value < ends.high < 0
    assert value == pytest.approx(rows["fine"].means[-1] - rows["rough"].means[-1])
    assert "fine" in capsys.readouterr().out
    names = {path.name for path in tmp_path.iterdir()}
    assert {f"some-faces{ending}" for ending in (".md", ".html", ".tex", "_ced.png")} <= names
    assert "| fine" in (tmp_path / "some-faces.md").read_text()
    assert "a &amp; b_c" in (tmp_path / "other-faces.html").read_text()
    assert r"a \& b\_c" in (tmp_path / "other-faces.tex").read_text()
    assert not any(row.is_printed for comparison in found for row in comparison.rows)


def test_a_table_in_a_file_breaks_no_name(compare, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    compare("fine", "rough", "--no_log")
    assert max(map(len, capsys.readouterr().out.splitlines())) > 80


def test_runs_are_chosen_by_name_and_tag(compare):
    (only,) = compare("fine", "--no_log")
    assert [row.name for row in only.rows] == ["fine"]
    (tagged,) = compare("--tags=method=rough", "--no_log")
    assert [row.name for row in tagged.rows] == ["rough"]
    (other,) = compare("--dataset=other-faces", "--protocol=nme_3d_rigid", "--no_log")
    assert (other.slug, other.protocol.name) == ("other-faces", "nme_3d_rigid")


@pytest.mark.parametrize(
    "name", ["1-5 s0", "1-5-s0", "1-5", "20260102-030405-1-5", "20260102-030405-1-5-s0-ab12", "0a1b"]
)
def test_a_run_is_called_by_its_name_its_ratio_its_key_and_its_id(name):
    assert is_called(name, "1-5 s0", "20260102-030405-1-5-s0-ab12", "0a1b2c")
    assert not is_called(name, "1-5-3 s0", "20260203-040506-1-5-3-s0-cd34", "1b2c3d")


@pytest.mark.parametrize("ratio", ["16:5:4:3:0", "16-5-4-3-0"])
def test_a_ratio_is_found_as_the_paper_and_as_mlflow_write_it(compare, ratio):
    (only,) = compare(f"--tags=ratio={ratio}", "--no_log")
    assert [row.name for row in only.rows] == ["rough"]


def test_a_protocol_that_only_the_records_know_is_compared(tmp_path, monkeypatch, empty_store):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}")
    jaw = Protocol("nme_jaw", "line of the jaw, x y", "As nme_dense, over the jaw.", "a stranger")
    place = TrackingOptions(folder=tmp_path).place(tmp_path)
    for name, errors in (("one", [1.0, 2, 3]), ("two", [2.0, 2, 5])):
        report = NMEReport(torch.tensor(errors), torch.tensor([0.0, 45, 80]), torch.ones(3))
        record = EvaluationRecord("faces", "faces", {"nme_jaw": report}, protocols=[jaw])
        tracker = Tracker(place, name, {"command": "test"})
        log_record(tracker, record, record.summaries(), step=0, is_own=True)
        tracker.end("FINISHED")
    options = [f"--tracking.folder={tmp_path}", f"--out={tmp_path}", "--no_log"]
    (comparison,) = main(["compare", "--protocol=nme_jaw", *options])
    assert comparison.title == "NME %, line of the jaw, x y, on faces"
    assert [row.means[-1] for row in comparison.rows] == [2, 3]
    with pytest.raises(InputError, match=r"--protocol nme: none of the 2 runs has it. Give one of nme_jaw"):
        main(["compare", *options])


def test_a_ratio_means_those_of_its_runs_that_were_tested(tmp_path, monkeypatch, empty_store):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}")
    _evaluate(tmp_path, "1-5 s0", 4)
    Tracker(TrackingOptions(folder=tmp_path).place(tmp_path), "1-5 s1", {"command": "fit"}).end("FINISHED")
    options = [f"--tracking.folder={tmp_path}", f"--out={tmp_path}", "--no_log"]
    (comparison,) = main(["compare", "1-5", *options])
    assert [row.name for row in comparison.rows] == ["1-5 s0"]
    with pytest.raises(InputError, match="1-5 s1: was never tested"):
        main(["compare", "1-5 s1", *options])


def test_a_comparison_is_a_run_with_its_tables(compare, store, store_uri):

    compare("fine", "rough")
    newest = next(iter(run_folders(store / "runs")))
    run = mlflow_run(newest)
    assert (run.info.run_name, run.data.tags["command"]) == ("compare 2 runs", "compare")
    files = {file.path for file in MlflowClient(store_uri).list_artifacts(run.info.run_id, "comparison")}
    assert {"comparison/some-faces.md", "comparison/some-faces_ced.png"} <= files


def test_the_papers_rows_stand_beside_the_whole_of_aflw2000_alone_and_say_so(tmp_path, monkeypatch, empty_store, real):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}")
    truths = [real / "gt" / f"AFLW2000-3D{name}.pts68.npy" for name in ("", "-Reannotated")]
    found = np.load(truths[0]) + np.random.default_rng(0).normal(0, 4, (2000, 3, 68))
    np.save(tmp_path / "found.npy", found)
    for truth in truths:
        main(
            [
                "evaluate",
                f"--predictions={tmp_path / 'found.npy'}",
                f"--landmarks={truth}",
                "--name=mine",
                f"--yaw={real / 'gt' / 'AFLW2000-3D.pose.npy'}",
                "--dataset=AFLW2000-3D",
                f"--tracking.folder={tmp_path}",
            ]
        )
    own, again = main(["compare", f"--tracking.folder={tmp_path}", f"--out={tmp_path}", "--no_log"])
    printed = ["3DDFA *", "3DSTN *", "PRN *", "SDM *", "Shi et al. *"]
    assert [[row.name for row in table.rows if row.is_printed] for table in (own, again)] == [printed, []]
    assert len(again.rows) == 1  # another truth is another table, though it goes by the same name
    for ending in ("md", "html", "tex"):
        assert "printed in the paper" in (tmp_path / f"aflw2000-3d.{ending}").read_text()
        assert "printed in the paper" not in (tmp_path / f"aflw2000-3d-2.{ending}").read_text()


def test_the_same_faces_stand_together_whatever_they_are_called(tmp_path, monkeypatch, empty_store):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}")
    _evaluate(tmp_path, "one", 4, FACES, "my faces")
    _evaluate(tmp_path, "two", 3, FACES, "those_faces & co")
    (comparison,) = main(
        ["compare", "--reference", "two", f"--tracking.folder={tmp_path}", f"--out={tmp_path}", "--no_log"]
    )
    assert [row.name for row in comparison.rows] == ["one", "two"]
    assert comparison.rows[0].difference is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "nobody: the experiment weightmask has no such run"),
        (["--tags=ratio"], "--tags ratio: give name=value"),
        (["--tags=ratio=1:2"], "no tested run of the experiment weightmask has these tags"),
        (["--protocol=nme_9"], "--protocol nme_9: none of the 3 runs has it. Give one of nme, nme_3d_mean_z"),
        (["--reference=nobody"], "--reference nobody: 0 of the runs"),
        (["--dataset=none"], "none of the 3 runs was tested on none under nme"),
        (["--tracking.experiment=empty"], "holds no experiment empty"),
        (["--out=/proc/nowhere"], "cannot be written"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(compare, arguments, message):
    with pytest.raises(InputError, match=message):
        compare(*arguments, "--no_log")
