"""Samplers propose the next ratio, pruners end hopeless trials: both by the name that the command line gives."""

from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # a command's help does not need them
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

Sampler = Literal["tpe", "gp", "random"]
Pruner = Literal["median", "wilcoxon", "none"]

_STARTUP_TRIALS = 8  # drawn at random before proposals mean anything: a third of a search of 24


def make_sampler(name: Sampler, seed: int, trial: int) -> "BaseSampler":
    """A sampler for one trial.

    Its seed comes from the search's and the trial's number: workers that share a seed, or a search that goes on, would
    draw the same again.
    """
    import optuna

    digest = blake2b(f"{seed} {trial}".encode(), digest_size=4).digest()
    own_seed = int.from_bytes(digest)
    match name:
        case "tpe":
            # in groups: the neck has a weight only where its switch is on
            return optuna.samplers.TPESampler(
                seed=own_seed, n_startup_trials=_STARTUP_TRIALS, multivariate=True, group=True
            )
        case "gp":
            return optuna.samplers.GPSampler(seed=own_seed, n_startup_trials=_STARTUP_TRIALS)
        case "random":
            return optuna.samplers.RandomSampler(seed=own_seed)


def make_pruner(name: Pruner) -> "BasePruner":
    """A pruner; its steps are validations, or seeds where there are several."""
    import optuna

    match name:
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=_STARTUP_TRIALS)
        case "wilcoxon":
            return optuna.pruners.WilcoxonPruner()
        case "none":
            return optuna.pruners.NopPruner()
