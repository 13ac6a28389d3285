"""A trial is a fit."""

import shutil

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from datamodules.geometry.regions import five_regions
from lightning_module.evaluation.evaluation_record import read_record
from lightning_module.region_weights import RegionWeights
from lightning_module.tracking.run_folder import RunFolder
from run import main
from sweeps.confirmation import candidates, confirmation
from sweeps.storage import open_storage
from sweeps.training import TrainingRequest, train
from sweeps.worker_process import stage_queue, work
from tests.runs import TINY, history, write_config
from tests.sweeps.stubs import settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(tmp_path_factory, faces, model_file, empty_store):
    """A sweep of tiny fits that is over."""
    folder = tmp_path_factory.mktemp("sweep")
    shutil.copy(empty_store, folder / "mlflow.db")
    write_config(
        folder / "trial.yaml",
        *TINY,
        f"--data.root={faces}",
        f"--data.face_model.path={model_file}",
        f"--data.test.root={faces}",
        f"--data.index.cache_dir={folder / 'cache'}",
    )
    asked = settings(folder, n_trials=4, confirm_seeds=1, pruner="median")
    work("search", asked)
    work("confirm", asked)
    return asked


def _runs(asked, stage):
    client = MlflowClient(asked.tracking_uri)
    experiment = client.get_experiment_by_name(asked.experiment)
    return client.search_runs([experiment.experiment_id], f"tags.stage = '{stage}'", order_by=["attributes.start_time"])


def test_a_trial_is_a_fit_that_its_config_repeats(asked, tmp_path):
    trials = stage_queue("search", asked, open_storage(asked.storage)).finished()
    runs = _runs(asked, "search")
    assert [found.data.tags["trial"] for found in runs] == ["0", "1", "2", "3"]
    for trial, found in zip(trials, runs, strict=True):
        assert found.info.status == "FINISHED"
        assert found.data.tags["sweep"] == "stub"
        assert found.data.tags["ratio"] == trial.user_attrs["ratio"]
        assert [found.data.tags["weightmask.key"]] == trial.user_attrs["runs"]
        assert not [name for name in found.data.metrics if name.startswith("test/")]  # the search never looks
    folder = RunFolder(asked.folder / "runs" / trials[3].user_attrs["runs"][0])
    means = [value for (name, _), value in history(folder).items() if name == "val/nme/mean"]
    assert trials[3].value == pytest.approx(min(means), rel=1e-6)
    again = main(["fit", f"--config={folder.config}", f"--tracking.folder={tmp_path / 'again'}"])
    assert history(again.folder) == history(folder)


def test_a_confirmation_compares_the_same_faces(asked):
    storage = open_storage(asked.storage)
    chosen = candidates(stage_queue("search", asked, storage).finished(), asked)
    tested = stage_queue("confirm", asked, storage).finished()
    found = confirmation(tested, chosen, asked)
    assert list(found.errors) == ["16-5-4-3-0", "3-3-3-3-0", "16-4-4-3-0", chosen[0].ratio]
    assert np.bincount(found.bins).tolist() == [6, 3, 3]
    runs = {entry.data.tags["weightmask.key"]: entry for entry in _runs(asked, "confirm")}
    assert len(runs) == 4
    for trial in tested:
        key = trial.user_attrs["runs"][0]
        (path,) = (asked.folder / "runs" / key / "evaluation").glob("*.json")
        nme = read_record(path).reports["nme"]
        assert found.errors[trial.user_attrs["ratio"]][0] == pytest.approx(nme.per_face.numpy(), abs=1e-4)
        assert runs[key].data.metrics["test/nme/mean"] == pytest.approx(nme.mean_of_bins)
        assert runs[key].data.params["seed"] == "1000"


def test_a_hopeless_fit_ends_early_and_in_good_order(asked):
    validations = []

    def ask(limit):
        validations.clear()
        return train(
            TrainingRequest(
                asked,
                RegionWeights.of(five_regions(), {}),
                7,
                {"stage": "alone"},
                False,
                lambda validation: validations.append(validation) or len(validations) < limit,
            )
        )

    cut = ask(1)
    assert cut.is_pruned
    assert len(validations) == 1
    whole = ask(2)
    assert not whole.is_pruned  # it was at its end anyway
    assert len(validations) == 2
    first, second = _runs(asked, "alone")
    assert first.info.status == second.info.status == "FINISHED"
    assert first.data.tags["ended_by"].startswith("pruned")
    assert "ended_by" not in second.data.tags
