"""What a confirmation was begun with, and what it says before it starts."""

from dataclasses import replace
from itertools import product

import pytest
from optuna.trial import TrialState

from datamodules.errors import InputError
from sweeps.confirmation import candidates
from sweeps.confirmation_plan import planned_design, refuse_short_hours, warn_of_few_seeds
from sweeps.job_queue import Job, JobQueue
from sweeps.run_sweep import run_sweep
from sweeps.storage import confirmation_study, open_storage, summary_study
from sweeps.training import TrainingRequest
from sweeps.worker_process import stage_queue, work
from tests.sweeps.stubs import finished_search, formula, settings
from tests.sweeps.trainings import training

SEEDS = {"n_trials": 4, "confirm_seeds": 8}


def _begun(folder):
    """A sweep in whose confirmation one training has finished."""
    asked = settings(folder, **SEEDS)
    finished_search(asked)
    queue = stage_queue("confirm", asked, open_storage(asked.storage))
    _finish(queue.claim(), asked)
    return asked


def _finish(trial_id, asked):
    open_storage(asked.storage).set_trial_state_values(trial_id, TrialState.COMPLETE, [5.0])


@pytest.mark.parametrize("change", [{"confirm_seeds": 12}, {"confirm_ratios": 2}, {"n_trials": 6}])
def test_a_confirmation_that_has_begun_is_not_changed(tmp_path, change):
    asked = _begun(tmp_path)
    ((option, value),) = change.items()
    with pytest.raises(InputError, match=rf"begun with --{option} {getattr(asked, option)} \(now {value}\)") as caught:
        run_sweep(settings(tmp_path, **SEEDS | change), 1)
    assert "\n" not in str(caught.value)
    longer = settings(tmp_path, **SEEDS | change | {"confirm_seeds": 0})
    work("search", longer, formula)  # a search may go on without it
    assert planned_design(asked, open_storage(asked.storage)).looks == (3, 4, 5, 6, 7, 8)


def test_the_length_of_its_trainings_is_not_changed_either(tmp_path):
    asked = _begun(tmp_path)
    storage = open_storage(asked.storage)
    with pytest.raises(InputError, match=r"begun with no --confirm_epochs \(now 8\)"):
        planned_design(replace(asked, confirm_epochs=8), storage)


def test_the_confirmation_alone_trains_for_its_own_length(tmp_path):
    asked = settings(tmp_path, **SEEDS, confirm_epochs=8)
    lengths = {True: set(), False: set()}

    def train(request):
        lengths[request.is_tested].add(request.epochs)
        return formula(request)

    finished_search(asked, train)
    work("confirm", asked, train)
    assert lengths == {True: {8}, False: {None}}
    request = TrainingRequest(asked, asked.reference, 0, {}, True, lambda _: True, epochs=8)
    assert "--trainer.max_epochs=8" in request.arguments()


def test_before_anything_is_trained_the_plan_may_change(tmp_path):
    asked = settings(tmp_path, **SEEDS)
    storage = open_storage(asked.storage)
    planned_design(asked, storage)
    assert planned_design(replace(asked, confirm_seeds=12), storage).most_seeds == 12


def test_more_hours_continue_a_confirmation(tmp_path):
    _begun(tmp_path)
    later = settings(tmp_path, **SEEDS, hours=3.0)
    assert planned_design(later, open_storage(later.storage)).most_seeds == 8


def test_a_confirmation_that_an_earlier_version_has_reported_was_one_look_at_all_seeds(tmp_path):
    asked = settings(tmp_path, n_trials=4, confirm_seeds=7)
    finished_search(asked)
    storage = open_storage(asked.storage)
    study = confirmation_study(asked, storage)
    (proposed,) = candidates(stage_queue("search", asked, storage).finished(), asked)
    for ratio, seed in product((*asked.known_ratios, proposed.ratio), asked.seeds_of_confirmation):
        trial = training(ratio, seed, 5.0 + seed % 3)
        trial.set_user_attr("job", f"{ratio} s{seed}")
        study.add_trial(trial)
    study.set_user_attr("plan", None)  # earlier versions stored none
    summary = JobQueue(summary_study(asked, storage), storage, [Job("4 trials, 1 x 7")])
    storage.set_trial_state_values(summary.claim(), TrialState.COMPLETE, [0.0])
    assert planned_design(asked, storage).looks == (7,)
    again = stage_queue("confirm", asked, storage)
    assert again.is_done()
    assert (again.total, len(again.finished())) == (28, 28)
    with pytest.raises(InputError, match=r"begun with --confirm_seeds 7 \(now 12\)"):
        planned_design(replace(asked, confirm_seeds=12), storage)


def test_a_confirmation_that_an_earlier_version_left_unfinished_goes_on_look_by_look(tmp_path):
    asked = _begun(tmp_path)
    storage = open_storage(asked.storage)
    confirmation_study(asked, storage).set_user_attr("plan", None)
    assert planned_design(asked, storage).looks == (3, 4, 5, 6, 7, 8)


def test_seeds_that_can_show_nothing_are_named_before_the_sweep(tmp_path, capsys):
    warn_of_few_seeds(settings(tmp_path, confirm_seeds=7, confirm_ratios=3))
    assert (
        "With --confirm_seeds 7, 3 ratios cannot be called better or worse: 8 is the least" in capsys.readouterr().out
    )
    warn_of_few_seeds(settings(tmp_path, confirm_seeds=6, confirm_ratios=1))
    warn_of_few_seeds(settings(tmp_path, confirm_seeds=0))
    assert capsys.readouterr().out == ""


def test_hours_that_cannot_hold_the_first_look_are_refused(tmp_path):
    asked = settings(tmp_path, **SEEDS, hours=1.0)
    design = planned_design(asked, open_storage(asked.storage))
    search = [training("x", seed, 5.0, seed, seed + 0.5) for seed in range(4)]  # two hours for four trainings
    for trial in search:
        trial.set_user_attr("runs", ["run"])
    with pytest.raises(
        InputError, match=r"--hours 1 cannot hold the first look .*12 trainings, 3 seeds.*about 6 hours"
    ):
        refuse_short_hours(asked, design, search, 12)
    refuse_short_hours(replace(asked, hours=7.0), design, search, 12)
    refuse_short_hours(replace(asked, hours=None), design, search, 12)
    refuse_short_hours(asked, design, [], 12)  # nothing is known of their length
    for trial in search:
        trial.set_user_attr("epochs", 2)  # of trainings that are confirmed with 8
    with pytest.raises(InputError, match="about 24 hours"):
        refuse_short_hours(replace(asked, hours=7.0, confirm_epochs=8), design, search, 12)
