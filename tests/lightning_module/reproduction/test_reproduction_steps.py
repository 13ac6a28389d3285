"""Steps are done once, trainings go on where they were interrupted, and nothing half-made counts as done."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from datamodules.errors import InputError
from lightning_module.reproduction import reproduced_runs
from lightning_module.reproduction.budgets import BUDGETS, checked_ratios, ratio_title
from lightning_module.reproduction.reproduced_runs import TAG, RunData
from lightning_module.reproduction.reproduction_folder import held_folder, require_budget
from lightning_module.reproduction.reproduction_steps import Markers, Step
from lightning_module.reproduction.training_time import TrainingCost


@pytest.fixture
def step(tmp_path):
    """A step that writes a file, and counts how often."""
    made, times = tmp_path / "made", []

    def work():
        times.append(1)
        made.write_text("whole")
        return {"times": len(times)}

    return Step("write", "write a file", "", 1.0, 10, "one source", work, lambda _: made.is_file())


def test_a_step_is_done_once(step, tmp_path):
    markers = Markers(tmp_path / "steps")
    assert markers.outcome(step) is None
    assert markers.do(step)["times"] == 1
    assert Markers(tmp_path / "steps").do(step)["times"] == 1


def test_a_step_whose_result_was_removed_is_done_again(step, tmp_path):
    markers = Markers(tmp_path / "steps")
    markers.do(step)
    (tmp_path / "made").unlink()
    assert markers.outcome(step) is None
    assert markers.do(step)["times"] == 2


def test_a_step_that_failed_leaves_no_marker(step, tmp_path):
    def fail():
        raise InputError("no")

    with pytest.raises(InputError):
        Markers(tmp_path / "steps").do(replace(step, work=fail))
    assert not (tmp_path / "steps").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"source": "one source"}'])
def test_a_damaged_marker_is_none(content, step, tmp_path):
    markers = Markers(tmp_path / "steps")
    markers.do(step)
    (tmp_path / "steps" / "write.json").write_text(content)
    assert markers.do(step)["times"] == 2


def test_results_of_other_downloads_are_not_mixed_up(step, tmp_path):
    markers = Markers(tmp_path / "steps")
    markers.do(step)
    with pytest.raises(InputError, match=r"write.json: was done from one source, and would now be from another"):
        markers.outcome(replace(step, source="another"))


def test_a_folder_belongs_to_one_budget_and_one_command_at_a_time(tmp_path):
    with held_folder(tmp_path / "out", BUDGETS["smoke"]):
        require_budget(tmp_path / "out", BUDGETS["smoke"])
        with pytest.raises(InputError, match="holds a reproduction of --budget smoke"):
            require_budget(tmp_path / "out", BUDGETS["paper"])
        with (
            pytest.raises(InputError, match="another command works on this folder"),
            held_folder(tmp_path / "out", BUDGETS["smoke"]),
        ):
            pass
    (tmp_path / "out" / "steps" / "budget.json").write_text("")
    with pytest.raises(InputError, match=r"budget\.json: cannot be read"):
        require_budget(tmp_path / "out", BUDGETS["smoke"])
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="file: cannot be written"),
        held_folder(tmp_path / "file", BUDGETS["smoke"]),
    ):
        pass


def test_the_ratios_of_the_paper_come_first_and_each_once():
    ratios = checked_ratios(["16:4:4:3:0", "1:1:1:1:0", "8:1:1:1:0.5"])
    assert [ratio_title(ratio) for ratio in ratios] == ["16:5:4:3:0", "1:1:1:1:0", "16:4:4:3:0", "8:1:1:1:0.5"]


@pytest.mark.parametrize(
    "ratio", ["16:5:4:3", "16:5:4:3:0:0", "a:5:4:3:0", "-1:5:4:3:0", "nan:5:4:3:0", "0:0:0:0:0", ""]
)
def test_what_is_no_ratio_is_named(ratio):
    with pytest.raises(InputError, match=f"--ratios {ratio}: give a number of at least 0 for each of landmarks"):
        checked_ratios([ratio])


def test_the_time_of_a_training_grows_with_its_images():
    cost = TrainingCost(0.5, "a machine", 10, 0.25, 0)
    start = cost.seconds(0, 0)
    # three quarters train, one quarter validates at a third of the time
    assert cost.seconds(120, 0) - start == pytest.approx(0.5 * 10 * (90 + 10))
    assert cost.seconds(0, 60) - start == cost.test_seconds(60) - cost.test_seconds(0) == pytest.approx(10)


@pytest.fixture
def commands(monkeypatch):
    """Takes command lines in place of the commands."""
    taken = []
    monkeypatch.setattr(reproduced_runs, "main", taken.append)
    monkeypatch.setattr(reproduced_runs, "_outcome", lambda result: {})
    return taken


def left_run(tracking, tag, has_checkpoint, key="20260101-000000-16-5-4-3-0-s0-aaaa"):
    """What a fit that was killed has left."""
    run = tracking / "runs" / key
    run.mkdir(parents=True)
    tags = {"command": "fit", TAG: tag}
    (run / "journal.jsonl").write_text(json.dumps({"kind": "create", "content": {"tags": tags}}) + "\n")
    (run / "config.yaml").write_text("")
    if has_checkpoint:
        (run / "last.ckpt").write_bytes(b"0")
    return run


def trained(commands, tmp_path, step="fit-16-5-4-3-0-s0"):
    data = RunData(Path("training"), Path("test"), Path("BFM.mat"), tmp_path)
    data.train(step, BUDGETS["smoke"].config, checked_ratios([])[0], 0)
    (arguments,) = commands
    return arguments


def test_a_training_begins_with_its_ratio_seed_and_tag(commands, tmp_path):
    arguments = trained(commands, tmp_path)
    assert "--model.weights.landmarks=16" in arguments
    assert "--seed_everything=0" in arguments
    assert '--tracking.tags={"reproduction": "fit-16-5-4-3-0-s0"}' in arguments
    assert not [argument for argument in arguments if "ckpt_path" in argument]


def test_a_training_goes_on_from_its_own_checkpoint(commands, tmp_path):
    run = left_run(tmp_path, "fit-16-5-4-3-0-s0", has_checkpoint=True)
    left_run(tmp_path, "fit-1-1-1-1-0-s0", True, "20260102-000000-1-1-1-1-0-s0-bbbb")
    arguments = trained(commands, tmp_path)
    assert f"--ckpt_path={run / 'last.ckpt'}" in arguments
    assert "--data.root=training" in arguments  # which may have moved with its folder
    assert not [argument for argument in arguments if argument.startswith(("--model.", "--config", "--seed"))]


def test_a_training_without_a_checkpoint_goes_on_while_it_is_the_newest(commands, tmp_path):
    left_run(tmp_path, "fit-16-5-4-3-0-s0", has_checkpoint=False)
    assert "--ckpt_path=last" in trained(commands, tmp_path)
    commands.clear()
    left_run(tmp_path, "fit-1-1-1-1-0-s0", True, "20260102-000000-1-1-1-1-0-s0-bbbb")
    assert "--model.weights.landmarks=16" in trained(commands, tmp_path)


def test_a_run_that_was_removed_is_not_whole(tmp_path):
    data = RunData(Path("training"), Path("test"), Path("BFM.mat"), tmp_path)
    outcome = {"run": "key", "slug": "aflw2000-3d", "command": "fit"}
    run = tmp_path / "runs" / "key"
    (run / "evaluation").mkdir(parents=True)
    (run / "evaluation" / "aflw2000-3d.json").write_text("{}")
    assert not data.is_whole(outcome)  # its network is missing
    (run / "best.ckpt").write_bytes(b"0")
    assert data.is_whole(outcome)


def test_a_command_without_a_test_is_refused(monkeypatch):
    monkeypatch.setattr(reproduced_runs, "RunResult", SimpleNamespace)
    with pytest.raises(InputError, match="turns tracking or the test off"):
        reproduced_runs._outcome(SimpleNamespace(folder=None, reports={}))
