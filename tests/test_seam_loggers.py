"""Any Lightning logger can be used beside MLflow, with the same names of figures."""

import csv

import pytest
from pytorch_lightning.loggers import Logger

from run import main
from tests.runs import fit, fit_arguments, history, mlflow_run

LOGGED: list[tuple[str, object]] = []


class ListLogger(Logger):
    """A stranger's logger: keeps everything in a list."""

    def __init__(self, save_dir: str, title: str = "mine") -> None:
        super().__init__()
        self.save_dir_of_run, self.title = save_dir, title

    @property
    def name(self) -> str:
        return self.title

    @property
    def version(self) -> str:
        return "1"

    def log_metrics(self, metrics, step=None):
        LOGGED.extend((name, (step, value)) for name, value in metrics.items())

    def log_hyperparams(self, params, *args, **kwargs):
        LOGGED.append(("hyperparameters", {**params, "save_dir": self.save_dir_of_run}))


def _names(run):
    return {name for name, _ in history(run)}


def test_csv_tensorboard_and_a_strangers_logger_get_the_same_figures_as_mlflow(faces, model_file, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    LOGGED.clear()
    run = fit(
        faces,
        model_file,
        tmp_path,
        f"--data.test.root={faces}",
        "--trainer.max_epochs=1",
        "--trainer.logger=CSVLogger",
        "--trainer.logger+=TensorBoardLogger",
        "--trainer.logger+=tests.test_seam_loggers.ListLogger",
        "--trainer.logger.title=theirs",
        "--trainer.logger+=CSVLogger",
        f"--trainer.logger.save_dir={tmp_path / 'elsewhere'}",
    )
    expected = _names(run)
    assert {"train/loss", "val/nme/mean", "test/nme/mean", "test/faces/nme_mouth/mean"} <= expected
    (table,) = run.path.rglob("metrics.csv")
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert expected <= rows[0].keys()
    means = [float(row["test/nme/mean"]) for row in rows if row["test/nme/mean"]]
    assert means == [pytest.approx(mlflow_run(run).data.metrics["test/nme/mean"])]
    events = set()
    for file in run.path.rglob("events.out.tfevents.*"):
        accumulator = EventAccumulator(str(file)).Reload()
        events |= set(accumulator.Tags()["scalars"])
    assert expected <= events
    assert expected <= {name for name, _ in LOGGED}
    assert list((tmp_path / "elsewhere").rglob("metrics.csv"))
    params = next(content for name, content in LOGGED if name == "hyperparameters")
    assert params["save_dir"] == str(run.path)
    assert {name for name in params if name != "save_dir"} == set(mlflow_run(run).data.params)
    # its configuration repeats it, into a folder of its own
    again = main(["fit", "--config", str(run.config), f"--tracking.folder={tmp_path / 'again'}"]).folder
    assert len(list(again.path.rglob("metrics.csv"))) == len(list(run.path.rglob("metrics.csv"))) == 1


def test_false_tracks_nothing(faces, model_file, tmp_path):
    result = main(fit_arguments(faces, model_file, tmp_path, "--trainer.max_epochs=1", "--trainer.logger=false"))
    assert result.folder is None
    assert not (tmp_path / "runs").exists()
