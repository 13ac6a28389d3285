"""The plan of a confirmation, which is stored in its study and cannot be changed once trainings have begun.

Results are looked at while seeds are added. More seeds, other ratios or other looks than planned, chosen after results
were seen, would let chance call a ratio better more often than the plan allows.
"""

import re
from typing import Any

import numpy as np
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from datamodules.errors import InputError
from lightning_module.evaluation.sequential import SequentialDesign, detectable, least_seeds
from sweeps.branching import training_length
from sweeps.confirmation_time import expected_hours
from sweeps.job_queue import JOB
from sweeps.settings import SweepSettings
from sweeps.storage import HELD, confirmation_study, summary_study
from sweeps.trial import RUNS
from sweeps.trunks import EPOCHS

_PLAN = "plan"  # attribute of the study
_LOOKS = "looks"
_EARLIER_REPORT = re.compile(r"(\d+) trials, (\d+) x ([1-9]\d*)")  # the job of a summary, in all versions


def planned_design(settings: SweepSettings, storage: RDBStorage) -> SequentialDesign:
    """The design that a confirmation was begun with, or that it begins with now.

    Raises:
        InputError: If it was begun with another number of seeds, ratios or trials.
    """
    study = confirmation_study(settings, storage)
    asked = {
        name: getattr(settings, name) for name in ("confirm_seeds", "confirm_ratios", "n_trials", "confirm_epochs")
    }
    if any(trial.state in HELD for trial in study.get_trials(deepcopy=False)):
        stored: dict[str, Any] = study.user_attrs.get(_PLAN) or _earlier_plan(settings, storage) or {}
        for option, value in asked.items():
            before = stored.get(option, None if option == "confirm_epochs" else value)
            if before != value:
                same = f"--{option} {before}" if before is not None else f"no --{option}"
                raise InputError(
                    f"study {settings.study}: its confirmation was begun with {same} (now {value}), and changing it after "
                    f"results were seen would raise the rate of false results. Give {same}, or another --study, or "
                    "--confirm_seeds 0 for a search only."
                )
        if stored:
            return SequentialDesign(tuple(stored[_LOOKS]))
    design = SequentialDesign.up_to(settings.confirm_seeds)
    study.set_user_attr(_PLAN, {**asked, _LOOKS: list(design.looks)})
    return design


def warn_of_few_seeds(settings: SweepSettings) -> None:
    """Says, before the sweep starts, if no ratio can be called better or worse with so few seeds."""
    seeds, ratios = settings.confirm_seeds, settings.confirm_ratios
    if seeds and not np.isfinite(detectable(SequentialDesign.up_to(seeds), ratios)):
        print(
            f"With --confirm_seeds {seeds}, {_several(ratios)} cannot be called better or worse: {least_seeds(ratios)} is "
            "the least that can show a difference."
        )


def refuse_short_hours(settings: SweepSettings, design: SequentialDesign, search: list[FrozenTrial], jobs: int) -> None:
    """Refuses hours that cannot hold the first look, judged by the trainings of the search.

    Args:
        settings: The sweep.
        design: The design of the confirmation.
        search: The finished trials of the search.
        jobs: Trainings of the first look.

    Raises:
        InputError: If the first look would take longer.
    """
    whole = [trial for trial in search if trial.state == TrialState.COMPLETE]
    trained = sum(len(trial.user_attrs[RUNS]) for trial in whole)
    hours = expected_hours(whole, trained, jobs) * _times_longer(settings, whole, trained)
    if settings.hours is not None and hours > settings.hours:
        raise InputError(
            f"--hours {settings.hours:g} cannot hold the first look of the confirmation: {jobs} trainings, "
            f"{design.looks[0]} seeds of each ratio, take about {hours:.2g} hours at the pace of the search. Give more, "
            "or --confirm_seeds 0 for a search only."
        )


def _times_longer(settings: SweepSettings, search: list[FrozenTrial], trained: int) -> float:
    """Epochs of a training of the confirmation / mean epochs of a training of the search, as far as they are known."""
    epochs = sum(trial.user_attrs.get(EPOCHS, 0) for trial in search)
    length = settings.confirm_epochs or (training_length(settings.config) if settings.is_branched else None)
    return length * trained / epochs if length and epochs else 1.0


def _earlier_plan(settings: SweepSettings, storage: RDBStorage) -> dict[str, Any] | None:
    """The plan of a confirmation that an earlier version has reported, which looked once, after all seeds."""
    trials = summary_study(settings, storage).get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    for trial in reversed(trials):
        size = _EARLIER_REPORT.fullmatch(trial.user_attrs.get(JOB, ""))
        if size is not None:
            n_trials, ratios, seeds = map(int, size.groups())
            return {"n_trials": n_trials, "confirm_ratios": ratios, "confirm_seeds": seeds, _LOOKS: [seeds]}
    return None


def _several(ratios: int) -> str:
    return "one ratio" if ratios == 1 else f"{ratios} ratios"
