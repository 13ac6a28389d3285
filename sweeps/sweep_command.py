"""`run.py sweep`: searches ratios of region weights, and confirms the best of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.errors import InputError
from lightning_module.project import PROJECT
from sweeps.samplers import Pruner, Sampler
from sweeps.search_space import SearchSpace

if TYPE_CHECKING:
    from sweeps.sweep_report import SweepReport

_DEFAULT_SCORE = "nme:mean"


def sweep(
    n_trials: int = 24,
    workers: int = 1,
    storage: str | None = None,
    tracking_uri: str | None = None,
    score: list[str] | None = None,
    study: str = "ratios",
    seed: int = 0,
    config: Path = PROJECT / "conf" / "trial.yaml",
    sampler: Sampler = "tpe",
    pruner: Pruner = "median",
    search_seeds: int = 1,
    confirm_ratios: int = 3,
    confirm_seeds: int = 8,
    space: SearchSpace = SearchSpace(),  # noqa: B008  # frozen
    experiment: str = "weightmask",
    folder: Path | None = None,
) -> "SweepReport":
    """Searches region weights on validation faces, then confirms the best ones on test faces from fresh seeds.

    The same command goes on with a sweep that was stopped; on other machines, with the same storage and tracking_uri,
    it joins in.

    Args:
        n_trials: Trials to finish in the search, over all workers, machines and restarts.
        workers: Processes on this machine; threads are divided among them, and each has a GPU where there are several.
        storage: Optuna's database, such as postgresql://user@host/name; sqlite:///<folder>/optuna.db by default.
        tracking_uri: MLflow's tracking store; MLFLOW_TRACKING_URI, else <folder>/mlflow.db by default.
        score: What to make small, as <protocol>:<mean, worst or a yaw bin>, such as nme_mouth:worst; nme:mean by
            default. Two give a Pareto front, without pruning; the first chooses checkpoints and is confirmed.
        study: Name of the sweep.
        seed: Of the search. All its trials train from this seed on, on the same samples and augmentations.
        config: The fit that a trial varies, as for fit --config.
        sampler: Proposes ratios.
        pruner: Ends hopeless trials: at validations, or after a seed where there are several, which wilcoxon needs.
        search_seeds: Trainings of each ratio in the search.
        confirm_ratios: How many of the best ratios are trained again, beside 16:5:4:3:0, 1:1:1:1:0 and 16:4:4:3:0.
        confirm_seeds: From how many fresh seeds; 8 or more can show something, 0 for no confirmation.
        space: Lowest and highest weights, where the regions that have no range are held: the rest of the face at 3.
        experiment: Name of the MLflow experiment.
        folder: Where runs, logs and results go; mlruns/ of the project by default.

    Raises:
        InputError: If it cannot be done as asked; nothing that is there is overwritten.
    """
    if workers < 1:
        raise InputError(f"--workers is {workers}: give at least 1.")
    if confirm_seeds == 1:
        raise InputError("--confirm_seeds is 1: one training shows nothing. Give 0 for no confirmation, or 8.")
    from lightning_module.evaluation.protocols import validation_protocols
    from lightning_module.evaluation.score import Score
    from lightning_module.tracking.tracker import TrackingOptions
    from sweeps.run_sweep import run_sweep
    from sweeps.settings import SweepSettings

    scores = tuple(map(Score.parse, score or [_DEFAULT_SCORE]))
    place = TrackingOptions(uri=tracking_uri, experiment=experiment, folder=folder).place(PROJECT)
    settings = SweepSettings(
        study=study,
        storage=storage or f"sqlite:///{place.folder / 'optuna.db'}",
        tracking_uri=place.uri,
        folder=place.folder,
        experiment=experiment,
        config=config.expanduser().absolute(),
        n_trials=n_trials,
        scores=scores,
        sampler=sampler,
        pruner=pruner,
        seed=seed,
        search_seeds=search_seeds,
        confirm_ratios=confirm_ratios,
        confirm_seeds=confirm_seeds,
        space=space,
    )
    measured = [protocol.name for protocol in validation_protocols(settings.regions)]
    for chosen in scores:
        chosen.require(measured)
    return run_sweep(settings, workers)
