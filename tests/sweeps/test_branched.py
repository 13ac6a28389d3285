"""Trials that branch from trunks: what they train, what they are compared with, and when a trunk is refused."""

import re
import sys
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from datamodules.errors import InputError
from lightning_module.evaluation.nme import YAW_BINS
from sweeps.storage import open_storage, search_study
from sweeps.sweep_markdown import as_markdown
from sweeps.sweep_report import make_report
from sweeps.training import TrainingResult
from sweeps.training_code import code_digest
from sweeps.trunks import trunk_study
from sweeps.worker_process import stage_queue, work
from tests.sweeps.stubs import DATA, branched, finished_search, formula, keep, settings


def _recorded(requests, train=formula):
    def fit(request):
        requests.append(request)
        return train(request)

    return fit


def test_every_trial_continues_every_trunk_and_the_reference_is_the_trunks_themselves(tmp_path):
    requests = []
    asked = branched(tmp_path, n_trials=3, search_seeds=2, confirm_seeds=0)
    trials = finished_search(asked, _recorded(requests))
    trunks, branches = requests[:2], requests[2:]
    assert [(request.seed, request.keep_epochs, request.branch_from) for request in trunks] == [
        (0, (2,), None),
        (1, (2,), None),
    ]
    assert {request.weights for request in trunks} == {asked.reference}
    assert [request.tags["stage"] for request in requests] == ["trunk"] * 2 + ["search"] * 4  # and not 6
    expected = [asked.folder / "runs" / f"16-5-4-3-0 s{seed}" / "epoch_2.ckpt" for seed in (0, 1)] * 2
    assert [request.branch_from for request in branches] == expected
    assert "--init_from=null" in branches[0].arguments()  # also where the configuration fine-tunes a network
    reference, *others = trials
    assert reference.user_attrs["runs"] == ["16-5-4-3-0 s0", "16-5-4-3-0 s1"]
    assert reference.user_attrs["less_trunk"] == [[0.0], [0.0]]
    assert reference.user_attrs["epochs"] == 0
    for trial in others:
        assert trial.user_attrs["epochs"] == 4
        differences = [difference for (difference,) in trial.user_attrs["less_trunk"]]
        assert trial.value == pytest.approx(reference.value + np.mean(differences))
    storage = open_storage(asked.storage)
    study, trunk_trials = search_study(asked, storage), stage_queue("trunk", asked, storage).finished()
    text = as_markdown(make_report(asked, study, trials, None, trunk_trials))
    assert "continues 2 trainings with 16-5-4-3-0 (seed 0, 1) from the end of epoch 2 of 4" in text
    assert "only what weights do late in training" in text
    assert "trained 12 epochs" in text  # two trunks, and two branches of two trials
    assert re.search(r"16-5-4-3-0 .*\| \+0\.000 ± 0\.000 ", text)
    assert "--search_seeds 2 --strategy branched --branch_at 0.5 " in text
    assert f" --folder {tmp_path}" in text
    assert "--storage" not in text  # it is the folder's own
    assert "Nothing is confirmed: branches show only what weights do late in training." in text


def test_a_branch_counts_by_its_last_validation_and_is_not_pruned(tmp_path):
    def fit(request):
        for mean in (5.0, 3.0, 4.0 + len(request.weights.ratio) / 100):
            assert request.on_validation({"nme": dict.fromkeys(YAW_BINS, mean)})
        keep(request, request.weights.ratio)
        return TrainingResult(request.weights.ratio, False, DATA, None, 3)

    for trial in finished_search(branched(tmp_path, n_trials=10, pruner="median"), fit):
        assert trial.state == TrialState.COMPLETE
        assert trial.value == pytest.approx(4 + len(trial.user_attrs["ratio"]) / 100)


def test_with_several_trunks_a_ratio_is_pruned_between_them(tmp_path):
    def fit(request):
        trained.append(request.weights.ratio)
        mean = 4 + len(set(trained)) / 10 + request.seed
        request.on_validation({"nme": dict.fromkeys(YAW_BINS, mean)})
        keep(request, f"{request.weights.ratio} {request.seed}")
        return TrainingResult(f"{request.weights.ratio} {request.seed}", False, DATA, None)

    trained = []
    trials = finished_search(branched(tmp_path, n_trials=10, pruner="median", search_seeds=2), fit)
    assert TrialState.PRUNED in {trial.state for trial in trials}


def test_a_branch_that_diverges_is_a_pruned_trial(tmp_path):
    def fit(request):
        result = formula(request)
        if request.branch_from is not None and not diverged:
            diverged.append(request)
            request.on_validation({"nme": dict.fromkeys(YAW_BINS, float("nan"))})
        return result

    diverged = []
    asked = branched(tmp_path, n_trials=3)
    states = {trial.state: trial.user_attrs.get("diverged") for trial in finished_search(asked, fit)}
    assert states == {TrialState.COMPLETE: None, TrialState.PRUNED: asked.seed}


def test_trunks_can_have_another_ratio(tmp_path):
    requests = []
    trials = finished_search(branched(tmp_path, n_trials=3, trunk_ratio="1:1:1:1:0"), _recorded(requests))
    assert [request.weights.ratio for request in requests] == ["3-3-3-3-0", "16-5-4-3-0", "16-4-4-3-0"]
    assert trials[1].user_attrs["ratio"] == "3-3-3-3-0"
    assert trials[1].user_attrs["less_trunk"] == [[0.0]]


@pytest.mark.parametrize(
    ("others", "config", "message"),
    [
        ({"branch_at": 0.3}, "max_epochs: 4", "--branch_at is 0.3, .* Give one of 0.25, 0.5, 0.75"),
        ({"branch_at": 0.0}, "max_epochs: 2", "--branch_at is 0, .* Give one of 0.5"),
        ({"branch_at": 1.0}, "max_epochs: 40", "--branch_at is 1, .* Give one of 0.95, 0.975"),
        ({"branch_at": float("nan")}, "max_epochs: 2", "--branch_at is nan, .* Give one of 0.5"),
        ({}, "max_epochs: 1", "Give a configuration of at least 2 epochs"),
        ({}, "max_epochs: -1", "needs the length of a training in epochs"),
        ({}, "{max_epochs: 4, max_steps: 9}", "needs the length of a training in epochs.* max_steps not at all"),
        ({"branch_at": 0.75}, "{max_epochs: 4, check_val_every_n_epoch: 3}", "after which .* does not validate"),
        (
            {"trunk_ratio": "1:1:1"},
            "max_epochs: 2",
            "--trunk_ratio 1:1:1: give a number .* for each of landmarks, eyes",
        ),
        ({"trunk_ratio": "1:1:1:0:1"}, "max_epochs: 2", "--trunk_ratio 1:1:1:0:1: .* for face one above 0"),
        ({"trunk_ratio": "1:-1:1:1:1"}, "max_epochs: 2", "--trunk_ratio 1:-1:1:1:1: give a number of at least 0"),
        ({"strategy": "full", "trunk_ratio": "1:1:1:1:0"}, "max_epochs: 2", "an option of --strategy branched"),
    ],
)
def test_a_branching_that_is_impossible_is_refused_in_one_line(tmp_path, others, config, message):
    asked = settings(tmp_path)
    options = config if config.startswith("{") else f"{{check_val_every_n_epoch: 1, {config}}}"
    asked.config.write_text(f"trainer: {options}\n")
    with pytest.raises(InputError, match=message) as caught:
        replace(asked, **{"strategy": "branched", **others})
    assert "\n" not in str(caught.value)


def test_a_study_belongs_to_its_strategy_share_and_trunk(tmp_path):
    asked = branched(tmp_path, n_trials=2)
    finished_search(asked)
    storage = open_storage(asked.storage)
    for other in ({"strategy": "full"}, {"branch_at": 0.25}, {"trunk_ratio": "1:1:1:1:0"}):
        with pytest.raises(InputError, match="study stub was started with another strategy"):
            search_study(replace(asked, **other), storage)
    assert search_study(replace(asked, trunk_ratio="16:5:4:3:0"), storage).get_trials()  # the same in other words


def test_a_study_of_an_earlier_version_trained_in_full(tmp_path):
    asked = settings(tmp_path, n_trials=2)
    finished_search(asked)
    storage = open_storage(asked.storage)
    stored = search_study(asked, storage).user_attrs
    optuna.delete_study(study_name="stub", storage=storage)
    earlier = optuna.create_study(study_name="stub", storage=storage)
    for name in stored.keys() - {"strategy"}:
        earlier.set_user_attr(name, stored[name])
    earlier.optimize(lambda trial: trial.suggest_float("landmarks", 1, 9), n_trials=1)
    assert len(search_study(asked, storage).get_trials()) == 1
    asked.config.write_text("trainer: {max_epochs: 2, check_val_every_n_epoch: 1}\n")
    with pytest.raises(InputError, match=r"another strategy \(full; now branched|another configuration"):
        search_study(replace(asked, strategy="branched"), storage)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:99])])
def test_a_trunk_that_is_missing_or_damaged_is_trained_again_to_the_same_state(tmp_path, damage):
    def once_more(request):
        result = formula(request)
        run = f"{result.run} {len(requests)}"  # every run has a folder of its own
        keep(request, run)
        return replace(result, run=run)

    requests = []
    fit = _recorded(requests, once_more)
    finished_search(branched(tmp_path, n_trials=2), fit)
    damage(requests[-1].branch_from)
    requests.clear()
    finished_search(branched(tmp_path, n_trials=4), fit)
    assert [request.tags["stage"] for request in requests] == ["trunk", "search", "search"]  # only once
    assert {request.branch_from.parent.name for request in requests[1:]} == {"16-5-4-3-0 s0 1"}


def test_a_trunk_that_ends_in_another_state_is_refused(tmp_path):
    """As on a machine with other hardware, which shares the database but not the folder."""

    def elsewhere(request):
        requests.append(request)
        return formula(replace(request, seed=7))

    requests = []
    finished_search(branched(tmp_path / "here", n_trials=2))
    there = branched(tmp_path / "there", n_trials=4, storage=f"sqlite:///{tmp_path / 'here' / 'optuna.db'}")
    for _ in range(2):  # the second time, it is refused without a training
        with pytest.raises(InputError, match=r"epoch_2.ckpt: the trunk of seed 0.*Share one --folder") as caught:
            work("search", there, elsewhere)
        assert "\n" not in str(caught.value)
        assert [request.tags["stage"] for request in requests] == ["trunk"]
    (there.folder / "runs" / "16-5-4-3-0 s7" / "epoch_2.ckpt").unlink()
    assert len(finished_search(there)) == 4  # where its state is the same, it goes on


def test_a_trunk_of_other_code_is_trained_again_until_a_trial_has_used_it(tmp_path, monkeypatch):
    requests = []
    asked, fit = branched(tmp_path, n_trials=2), _recorded(requests)
    work("trunk", asked, fit)
    monkeypatch.setattr("sweeps.trunks.code_digest", lambda config: "other")
    finished_search(asked, fit)
    assert [request.tags["stage"] for request in requests] == ["trunk", "trunk", "search"]
    monkeypatch.setattr("sweeps.trunks.code_digest", lambda config: "third")
    with pytest.raises(InputError, match=r"another version of the code \(other; now third\).*another --study"):
        finished_search(branched(tmp_path, n_trials=4), fit)
    assert len(requests) == 3


def test_trunks_of_another_configuration_are_replaced_until_a_trial_has_used_them(tmp_path):
    asked = branched(tmp_path)
    work("trunk", asked, formula)
    other = replace(asked, branch_at=0.25)
    storage = open_storage(asked.storage)
    assert trunk_study(other, storage).get_trials() == []
    work("trunk", other, formula)
    assert (tmp_path / "runs" / "16-5-4-3-0 s0" / "epoch_1.ckpt").is_file()


def test_a_training_that_ends_before_it_branches_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"left no checkpoint of epoch 2.*lower --branch_at"):
        work("trunk", branched(tmp_path), lambda request: formula(replace(request, keep_epochs=())))


def test_the_code_that_trains_includes_a_network_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    config, module = tmp_path / "trial.yaml", tmp_path / "my_network.py"
    digests = []
    for text in ("", "WIDTH = 1\n", "WIDTH = 2\n"):
        config.write_text("model: {network: {class_path: my_network.Net}}\n" if text else "{}\n")
        module.write_text(text)
        code_digest.cache_clear()
        digests.append(code_digest(config))
    assert len(set(digests)) == 3
    assert "my_network" not in sys.modules  # it is only read
    config.write_text("model: {network: {class_path: nowhere.at_all.Net}}\n")
    code_digest.cache_clear()
    assert code_digest(config) not in digests  # the default network is not named any more
