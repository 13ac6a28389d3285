"""Makes Optuna's samplers and pruners from their names on the command line."""

from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # imported in the functions, to keep the help of the command fast
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

Sampler = Literal["tpe", "gp", "random"]
Pruner = Literal["median", "wilcoxon", "none"]

_STARTUP_TRIALS = 8  # random trials at the start, a third of the default search of 24


def make_sampler(name: Sampler, seed: int, trial: int) -> "BaseSampler":
    """A sampler for one trial.

    Its seed depends on the seed of the search and the number of the trial; otherwise several workers, or a continued
    search, would repeat the same draws.
    """
    import optuna

    digest = blake2b(f"{seed} {trial}".encode(), digest_size=4).digest()
    own_seed = int.from_bytes(digest)
    match name:
        case "tpe":
            # grouped, since the weight of the neck exists only if its switch is on
            return optuna.samplers.TPESampler(
                seed=own_seed, n_startup_trials=_STARTUP_TRIALS, multivariate=True, group=True
            )
        case "gp":
            return optuna.samplers.GPSampler(seed=own_seed, n_startup_trials=_STARTUP_TRIALS)
        case "random":
            return optuna.samplers.RandomSampler(seed=own_seed)


def make_pruner(name: Pruner) -> "BasePruner":
    """A pruner. Its steps are validations or, with several seeds per ratio, seeds."""
    import optuna

    match name:
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=_STARTUP_TRIALS)
        case "wilcoxon":
            return optuna.pruners.WilcoxonPruner()
        case "none":
            return optuna.pruners.NopPruner()
