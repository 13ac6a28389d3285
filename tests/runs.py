"""Small fits, and what they left behind."""

import json
from pathlib import Path

import torch
import yaml
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from torch import Tensor

from lightning_module.cli import RunResult
from lightning_module.tracking.run_folder import RunFolder
from run import main

TINY = [
    "--model.network.base_channels=2",
    "--model.network.map_size=32",
    "--model.network.norm_momentum=0.1",
    "--model.lr=0.001",
    "--model.lr_schedule=halving",
    "--model.network.pairs=5",
    "--model.network.bypass_rank=0",
    "--trainer.check_val_every_n_epoch=1",
    "--data.image_size=32",
    "--data.batch_size=4",
    "--data.num_workers=0",
    "--data.val_fraction=0.3",
    "--trainer.max_epochs=2",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--trainer.accelerator=cpu",
    "--trainer.num_sanity_val_steps=0",
]


def fit_arguments(faces: Path, model_file: Path, folder: Path, *more: str) -> list[str]:
    """A fit of seconds; later arguments win."""
    where = [f"--data.root={faces}", f"--data.morphable_model={model_file}", f"--tracking.folder={folder}"]
    return ["fit", *TINY, *where, *more]


def write_config(path: Path, *options: str) -> None:
    """The same options as a configuration file."""
    said: dict[str, dict[str, object]] = {}
    for option in options:
        name, value = option.removeprefix("--").split("=")
        room, _, name = name.partition(".")
        said.setdefault(room, {})[name] = yaml.safe_load(value)
    path.write_text(yaml.safe_dump(said))


def fit(faces: Path, model_file: Path, folder: Path, *more: str) -> RunFolder:
    """Runs one."""
    result = main(fit_arguments(faces, model_file, folder, *more))
    assert isinstance(result, RunResult)
    assert result.folder is not None
    return result.folder


def mlflow_run(run: RunFolder, uri: str | None = None) -> Run:
    """The run as MLflow has it."""
    delivery = json.loads((run.path / "delivery.json").read_text())
    return MlflowClient(uri or delivery["uri"]).get_run(delivery["run_id"])


def history(run: RunFolder) -> dict[tuple[str, int], float]:
    """All that was logged, by name and step, from the run's own folder."""
    entries = [json.loads(line) for line in run.journal.read_text().splitlines()]
    figures = {}
    for entry in entries:
        if entry["kind"] == "metrics":
            for name, value in entry["content"]["values"].items():
                figures[name, entry["content"]["step"]] = value
    return figures


def weights(run: RunFolder) -> dict[str, Tensor]:
    """The last checkpoint's parameters and buffers."""
    state: dict[str, Tensor] = torch.load(run.last_checkpoint, weights_only=True)["state_dict"]
    return state


def assert_same_weights(one: RunFolder, other: RunFolder) -> None:
    """Bit for bit."""
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
