"""What proposes the next ratio, and what ends a hopeless one, by name."""

from hashlib import blake2b

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from sweeps.settings import Pruner, Sampler

_STARTUP_TRIALS = 8  # drawn at random before proposals mean anything: a third of a search of 24


def make_sampler(name: Sampler, seed: int, trial: int) -> BaseSampler:
    """A sampler for one trial.

    Its seed comes from the search's and the trial's number: workers that share a seed, or a search that goes on, would
    draw the same again.
    """
    digest = blake2b(f"{seed} {trial}".encode(), digest_size=4).digest()
    own = int.from_bytes(digest)
    match name:
        case "tpe":
            # in groups: the neck has a weight only where its switch is on
            return optuna.samplers.TPESampler(seed=own, n_startup_trials=_STARTUP_TRIALS, multivariate=True, group=True)
        case "gp":
            return optuna.samplers.GPSampler(seed=own, n_startup_trials=_STARTUP_TRIALS)
        case "random":
            return optuna.samplers.RandomSampler(seed=own)


def make_pruner(name: Pruner) -> BasePruner:
    """A pruner; steps are validations, or seeds where there are several."""
    match name:
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=_STARTUP_TRIALS)
        case "hyperband":
            return optuna.pruners.HyperbandPruner()
        case "wilcoxon":
            return optuna.pruners.WilcoxonPruner()
        case "none":
            return optuna.pruners.NopPruner()
