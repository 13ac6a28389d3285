"""A branch is a fit: from its trunk it ends, to the last bit, where that fit with that change would."""

import shutil
from dataclasses import replace

import pytest

from datamodules.errors import InputError
from lightning_module.checkpoint import state_digest
from lightning_module.tracking.run_folder import RunFolder
from run import main
from sweeps.storage import open_storage
from sweeps.training import TrainingRequest, train
from sweeps.worker_process import stage_queue, work
from tests.runs import TINY, assert_same_weights, history, mlflow_run, write_config
from tests.sweeps.stubs import settings


@pytest.fixture(scope="module")
def asked(tmp_path_factory, faces, model_file, empty_store):
    """A branched sweep of tiny fits that is over: the reference, and one ratio that branches."""
    folder = tmp_path_factory.mktemp("branched")
    shutil.copy(empty_store, folder / "mlflow.db")
    write_config(
        folder / "trial.yaml",
        *TINY,
        f"--data.root={faces}",
        f"--data.face_model.path={model_file}",
        f"--data.index.cache_dir={folder / 'cache'}",
        "--model.lr_schedule=one_cycle",
    )
    asked = settings(folder, n_trials=2, confirm_seeds=0, strategy="branched")
    work("trunk", asked)
    work("search", asked)
    return asked


def _finished(asked, stage):
    return stage_queue(stage, asked, open_storage(asked.storage)).finished()


def _folder(asked, run):
    return RunFolder(asked.folder / "runs" / run)


def _last_nme(run):
    return max((step, value) for (name, step), value in history(run).items() if name == "val/nme/mean")[1]


def test_the_reference_is_the_trunk_which_an_unchanged_branch_repeats(asked):
    (trunk,), (reference, _) = _finished(asked, "trunk"), _finished(asked, "search")
    folder = _folder(asked, trunk.user_attrs["run"])
    assert reference.user_attrs["runs"] == [folder.key]
    figures = history(folder)
    assert reference.value == trunk.value == pytest.approx(_last_nme(folder), rel=1e-6)
    assert folder.tags()["stage"] == "trunk"
    measured = reference.user_attrs["measured"]
    assert {"nme", "nme_eyes_nose", "nme_mouth", "nme_face"} <= measured.keys()
    assert measured["nme"] == pytest.approx([reference.value], abs=1e-4)
    validations = []
    start = folder.epoch_checkpoint(1)
    request = TrainingRequest(asked, asked.reference, 0, {}, False, lambda figures: validations.append(figures) or True)
    result = train(replace(request, branch_from=start))
    branch = _folder(asked, result.run)
    assert_same_weights(branch, folder)
    assert history(branch) == {at: value for at, value in figures.items() if at in history(branch)}
    assert asked.values(validations[-1]) == (trunk.value,)
    assert result.epochs == len(validations) == 1


def test_a_branch_names_its_trunk_and_its_config_repeats_it_from_anywhere(asked, tmp_path, monkeypatch):
    (trunk,), (_, trial) = _finished(asked, "trunk"), _finished(asked, "search")
    (run,) = trial.user_attrs["runs"]
    branch = _folder(asked, run)
    tags = mlflow_run(branch).data.tags
    assert tags["parent"] == trunk.user_attrs["run"]
    assert (tags["started_by"], tags["stage"], tags["trial"]) == ("branch_from", "search", "1")
    assert branch.tags()["ratio"] == trial.user_attrs["ratio"] == "3-3-3-3-0"
    monkeypatch.chdir(tmp_path)
    again = main(["fit", f"--config={branch.config}", f"--tracking.folder={tmp_path}"]).folder
    assert_same_weights(again, branch)
    assert history(again) == history(branch)
    assert trial.value == pytest.approx(_last_nme(branch), rel=1e-6)
    start = _folder(asked, trunk.user_attrs["run"]).epoch_checkpoint(1)
    start.rename(start.with_name("moved.ckpt"))
    with pytest.raises(InputError, match=r"epoch_1\.ckpt: there is no such checkpoint\. Set --branch_from") as caught:
        main(["fit", f"--config={branch.config}"])
    assert "\n" not in str(caught.value)
    start.with_name("moved.ckpt").rename(start)


@pytest.mark.slow
def test_a_trunk_that_is_gone_is_trained_again_to_the_same_state(asked):
    (trunk,) = _finished(asked, "trunk")
    start = _folder(asked, trunk.user_attrs["run"]).epoch_checkpoint(1)
    start.rename(start.with_name("moved.ckpt"))
    work("search", replace(asked, n_trials=3))
    (repeated,) = {path for path in asked.folder.glob("runs/*/epoch_1.ckpt") if path != start}
    assert state_digest(repeated) == trunk.user_attrs["state"]
    (branch,) = _finished(replace(asked, n_trials=3), "search")[2].user_attrs["runs"]
    assert _folder(asked, branch).tags()["parent"] == repeated.parent.name
