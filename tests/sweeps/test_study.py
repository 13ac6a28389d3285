"""What a study was begun with, and who goes on with it."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import optuna
import pytest
from sqlalchemy import inspect

from datamodules.errors import InputError
from lightning_module.evaluation.score import Score
from sweeps.search_space import SearchSpace
from sweeps.settings import SweepSettings
from sweeps.storage import open_storage, search_study
from sweeps.worker_process import work
from tests.sweeps.stubs import DATA, finished_search, formula, settings

MEAN, WORST = (Score("nme", "mean"),), (Score("nme", "worst"),)
BOTH = MEAN + WORST


@pytest.mark.parametrize(
    ("scores", "stored"),
    [(MEAN, "mean"), (WORST, "worst"), (BOTH, "both"), ((Score("nme_mouth", "worst"),), "nme_mouth:worst")],
)
def test_studies_of_earlier_versions_go_on(tmp_path, scores, stored):
    assert settings(tmp_path, scores=scores).identity["objective"] == stored


def test_a_worker_is_told_all_of_a_sweep(tmp_path):
    asked = settings(tmp_path, n_trials=7, scores=WORST, search_seeds=3, pruner="wilcoxon")
    assert SweepSettings.from_json(asked.to_json()) == asked


def test_a_study_belongs_to_what_it_was_begun_with(tmp_path):
    asked = settings(tmp_path)
    work("search", settings(tmp_path, n_trials=1), formula)
    for other, key in (
        ({"space": SearchSpace(ranges={"mouth": (1.0, 2.0)})}, "space"),
        ({"scores": WORST}, "score"),
        ({"seed": 9}, "seed"),
        ({"search_seeds": 2}, "search_seeds"),
    ):
        with pytest.raises(InputError, match=f"study stub was started with another {key}"):
            search_study(settings(tmp_path, **other), open_storage(asked.storage))
    asked.config.write_text("model: {lr: 1.0e-5}\n")
    with pytest.raises(InputError, match="started with another configuration"):
        search_study(asked, open_storage(asked.storage))
    asked.config.write_text(
        "trainer: {max_epochs: 1}\ndata: {root: /elsewhere, num_workers: 7, test: {root: /there}}\n"
    )
    search_study(settings(tmp_path, n_trials=99, sampler="gp"), open_storage(asked.storage))  # another machine's paths


def test_a_study_of_an_earlier_version_goes_on_with_todays_names_of_options(tmp_path, caplog):
    asked = settings(tmp_path)
    finished_search(settings(tmp_path, n_trials=2))
    stored = search_study(asked, open_storage(asked.storage)).user_attrs | {"config": "0123"}
    del stored["configuration"]
    optuna.delete_study(study_name="stub", storage=asked.storage)
    earlier = optuna.create_study(study_name="stub", storage=asked.storage)
    for key, value in stored.items():
        earlier.set_user_attr(key, value)
    earlier.optimize(lambda trial: trial.suggest_float("landmarks", 1, 9), n_trials=1)
    found = search_study(asked, open_storage(asked.storage))
    assert len(found.get_trials()) == 1
    assert "make sure that --config is the same as then" in caplog.text
    asked.config.write_text("model: {lr: 1.0e-5}\n")
    with pytest.raises(InputError, match="started with another configuration"):
        search_study(asked, open_storage(asked.storage))


def test_a_first_attempt_that_was_killed_is_remembered(tmp_path):
    def fit(request):
        if not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            raise KeyboardInterrupt
        return formula(request)

    asked = settings(tmp_path, n_trials=2)
    with pytest.raises(KeyboardInterrupt):
        work("search", asked, fit)
    search_study(asked, open_storage(asked.storage)).set_user_attr(
        "training_data", {"data": "d", "morphable_model": "m"}
    )
    trials = finished_search(asked, fit)
    assert trials[0].user_attrs["retry_of"] == 0
    assert len(trials) == 2


def test_a_database_that_was_made_in_part_is_completed(tmp_path):
    asked = settings(tmp_path)
    search_study(asked, open_storage(asked.storage))
    with (
        closing(sqlite3.connect(asked.folder / "optuna.db")) as database,
        database,
    ):  # as after a kill between two steps
        database.execute("DROP INDEX ix_studies_study_name")
        database.execute("DROP TABLE trial_heartbeats")
    storage = open_storage(asked.storage)
    assert "ix_studies_study_name" in {index["name"] for index in inspect(storage.engine).get_indexes("studies")}
    again = [search_study(asked, open_storage(asked.storage)) for _ in range(2)]
    assert again[0]._study_id == again[1]._study_id
    assert len(finished_search(settings(tmp_path, n_trials=2))) == 2


def test_a_first_try_of_another_space_is_replaced_when_nothing_came_of_it(tmp_path):
    narrow = settings(tmp_path, space=SearchSpace(ranges={"landmarks": (10.0, 100.0)}))
    search_study(narrow, open_storage(narrow.storage))
    assert len(finished_search(settings(tmp_path, n_trials=2))) == 2


def test_a_study_of_somebody_elses_is_left_alone(tmp_path):
    asked = settings(tmp_path)
    theirs = optuna.create_study(study_name="stub", storage=asked.storage)
    theirs.optimize(lambda trial: trial.suggest_int("landmarks", 1, 9), n_trials=2)
    with pytest.raises(InputError, match="study stub does not belong to this project"):
        search_study(asked, open_storage(asked.storage))
    assert len(theirs.get_trials()) == 2
    assert theirs.user_attrs == {}
    search_study(settings(tmp_path, study="two", scores=BOTH), open_storage(asked.storage))
    with pytest.raises(InputError, match="another number of scores"):
        search_study(settings(tmp_path, study="two"), open_storage(asked.storage))


def test_a_configuration_that_changes_under_a_worker_ends_the_worker(tmp_path):
    asked = settings(tmp_path)

    def fit(request):
        asked.config.write_text("model: {lr: 1.0e-5}\n")
        return formula(request)

    with pytest.raises(InputError, match="study stub was started with another configuration"):
        work("search", asked, fit)
    trials = optuna.load_study(study_name="stub", storage=asked.storage).get_trials()
    assert [trial.state.name for trial in trials[:2]] == ["COMPLETE", "FAIL"]


def test_trials_on_other_data_do_not_join(tmp_path):
    finished_search(settings(tmp_path, n_trials=2))

    def fit(request):
        return replace(formula(request), fingerprints=DATA | {"data": "other"})

    with pytest.raises(InputError, match="started with other training data"):
        work("search", settings(tmp_path, n_trials=3), fit)
