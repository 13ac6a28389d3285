"""Saves the report of a sweep: files in its folder, and a summary run in MLflow."""

from pathlib import Path

import yaml

from datamodules.addresses import masked
from datamodules.errors import cannot_write
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingPlace
from sweeps.sweep_figures import sweep_figures
from sweeps.sweep_markdown import as_markdown, short_path
from sweeps.sweep_report import SweepReport


def write_results(report: SweepReport) -> list[Path]:
    """Writes verdict.md, best.yaml and the pictures into the sweep's folder.

    Raises:
        InputError: If the folder cannot be written.
    """
    folder = report.settings.results
    verdict, best = folder / "verdict.md", folder / "best.yaml"
    pictures = {folder / f"{name}.png": figure for name, figure in sweep_figures(report).items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        verdict.write_text(as_markdown(report), encoding="utf-8")
        best.write_text(_best_config(report), encoding="utf-8")
        for path, figure in pictures.items():
            figure.savefig(path, dpi=110)
    except OSError as error:
        raise cannot_write(folder, error, "--folder") from error
    return [verdict, best, *pictures]


def log_summary(report: SweepReport) -> None:
    """Makes the summary run, whose description is the verdict."""
    settings = report.settings
    tags = {
        "command": "sweep",
        "sweep": settings.study,
        "stage": "summary",
        "verdict": report.headline,
        "mlflow.note.content": as_markdown(report),
    }
    place = TrackingPlace(settings.tracking_uri, settings.folder, settings.experiment)
    tracker = Tracker(place, f"sweep {settings.study}", tags)
    try:
        for path in write_results(report):
            copy = tracker.run.path / path.name
            copy.write_bytes(path.read_bytes())
            tracker.log_file(copy, "sweep")
        tracker.log_params(
            {
                "n_trials": settings.n_trials,
                "score": " ".join(map(str, settings.scores)),
                "sampler": settings.sampler,
                "pruner": settings.pruner,
                "seed": settings.seed,
                "strategy": settings.identity["strategy"],
                "storage": masked(settings.storage),
            }
        )
        verdicts = (*report.verdicts, *report.known_verdicts)
        compared = [verdict for verdict in verdicts if verdict.seeds]
        tracker.log_metrics({f"sweep/difference/{verdict.ratio}": verdict.difference for verdict in compared})
        tracker.log_metrics({f"sweep/seeds/{verdict.ratio}": float(verdict.seeds) for verdict in compared})
    except BaseException as error:
        tracker.end("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    tracker.end("FINISHED")


def _best_config(report: SweepReport) -> str:
    """A configuration with the weights to use, in addition to that of the trials."""
    why, options = report.best
    config, own = short_path(report.settings.config), report.settings.results / "best.yaml"
    how = f"Repeat the confirmed fit: python run.py fit --config {config} --config {own}"
    return f"# {why}\n# {how}\n" + yaml.safe_dump({"model": options}, sort_keys=False)
