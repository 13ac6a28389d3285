"""`run.py sweep`: searches ratios of region weights, and confirms the best of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.addresses import resolved, sqlite_address
from datamodules.errors import InputError
from lightning_module.project import PROJECT
from sweeps.branching import Strategy
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
    search_seeds: int = 2,
    strategy: Strategy = "branched",
    branch_at: float = 0.5,
    trunk_ratio: str | None = None,
    confirm_ratios: int = 3,
    confirm_seeds: int = 8,
    space: SearchSpace = SearchSpace(),  # noqa: B008  # frozen
    experiment: str = "weightmask",
    folder: Path | None = None,
    hours: float | None = None,
    confirm_epochs: int | None = None,
) -> "SweepReport":
    """Searches region weights on validation faces, then confirms the best ones on test faces from fresh seeds.

    The same command continues a sweep that was stopped. On other machines, with the same storage and tracking_uri, it
    joins the sweep.

    Args:
        n_trials: Number of trials of the search, over all workers, machines and restarts.
        workers: Number of processes on this machine, which share its threads and GPUs.
        storage: Optuna's database, such as postgresql://user@host/name; by default sqlite:///<folder>/optuna.db.
        tracking_uri: MLflow's tracking store; by default MLFLOW_TRACKING_URI, else <folder>/mlflow.db.
        score: Score to minimise, as <protocol>:<mean, worst or a yaw bin>, such as nme_mouth:worst; by default
            nme:mean. Two scores give a Pareto front, without pruning; the first chooses checkpoints and is confirmed.
        study: Name of the sweep.
        seed: Seed of the search. All its trials use this seed and the following ones, so they see the same samples.
        config: Configuration of the fit that a trial varies, as in fit --config.
        sampler: Proposes ratios.
        pruner: Ends unpromising trials early, after validations or, with several seeds, after seeds; wilcoxon needs
            several.
        search_seeds: Number of trainings of each ratio in the search.
        strategy: branched trains one trunk from each seed, with one ratio, and lets each trial continue all trunks with
            its own ratio. full trains each ratio from its start.
        branch_at: Share of a training's length at which trials leave the trunk; an epoch must end there.
        trunk_ratio: Ratio of the trunks, such as 1:1:1:1:0; by default that of the reference, 16:5:4:3:0.
        confirm_ratios: Number of the best ratios to confirm, in addition to 16:5:4:3:0, 1:1:1:1:0 and 16:4:4:3:0.
        confirm_seeds: Most fresh seeds for each of them. Fewer are trained where the result is clear before, or cannot
            become so. 8 or more can show a difference of three ratios; 0 leaves out the confirmation. It cannot be
            changed once the confirmation has begun.
        space: Ranges of the weights; regions without a range keep their weight, such as the rest of the face 3.
        experiment: Name of the MLflow experiment.
        folder: Folder of runs, logs and results; by default mlruns/ of the project.
        hours: Most hours of the confirmation, in which pauses of the sweep do not count. It ends after the last look
            at the results that fits; the same command with more hours continues.
        confirm_epochs: Epochs of the trainings of the confirmation, where the search trains for fewer; by default as
            many as --config says. It cannot be changed once the confirmation has begun.

    Raises:
        InputError: If an option cannot be used. Existing results are never overwritten.
    """
    if workers < 1:
        raise InputError(f"--workers is {workers}: give at least 1.")
    if confirm_seeds == 1:
        raise InputError("--confirm_seeds is 1, which cannot show a difference. Give 0 for no confirmation, or 8.")
    from lightning_module.evaluation.protocols import validation_protocols
    from lightning_module.evaluation.score import Score
    from lightning_module.tracking.tracking_place import TrackingOptions
    from sweeps.run_sweep import run_sweep
    from sweeps.settings import SweepSettings

    scores = tuple(map(Score.parse, score or [_DEFAULT_SCORE]))
    place = TrackingOptions(uri=tracking_uri, experiment=experiment, folder=folder).place(PROJECT)
    settings = SweepSettings(
        study=study,
        storage=resolved(storage) if storage else sqlite_address(place.folder / "optuna.db"),
        tracking_uri=resolved(place.uri),
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
        strategy=strategy,
        branch_at=branch_at,
        trunk_ratio=trunk_ratio,
        hours=hours,
        confirm_epochs=confirm_epochs,
    )
    measured = [protocol.name for protocol in validation_protocols(settings.regions)]
    for chosen in scores:
        chosen.require(measured)
    return run_sweep(settings, workers)
