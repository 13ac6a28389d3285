"""Small fits, and what they left behind."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
import yaml
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from torch import Tensor

from lightning_module.cli import RunResult
from lightning_module.tracking.run_folder import RunFolder
from run import main

PROJECT = Path(__file__).resolve().parents[1]
# the whole augmentation, so that what is repeated is all there is
POSES = ["--data.pose_augmentation.probability=0.5", "--data.pose_augmentation.crossover_probability=0.5"]
SYNTHETIC = [
    "--data.synthetic.samples=12",
    "--data.synthetic.test_samples=6",
    "--data.synthetic.image_size=64",
    "--data.synthetic.validation_samples=6",
]
TINY = [
    "--model.network=lightning_module.networks.hourglass.Hourglass",
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


def fit_arguments(faces: Path, model_file: Path | None, folder: Path, *more: str) -> list[str]:
    """The command line of a fit of seconds; of an option that is given twice, the last value counts."""
    model = [] if model_file is None else [f"--data.face_model.path={model_file}"]
    where = [f"--data.root={faces}", *model, f"--tracking.folder={folder}"]
    return ["fit", *TINY, *where, *more]


def write_config(path: Path, *options: str) -> None:
    """Writes options as a configuration file."""
    options_by_group: dict[str, dict[str, Any]] = {}
    for option in options:
        name, value = option.removeprefix("--").split("=")
        group, _, name = name.partition(".")
        options = options_by_group.setdefault(group, {})
        if name == "network":
            options[name] = {"class_path": value, "init_args": {}}
        elif name.startswith("network."):
            options["network"]["init_args"][name.removeprefix("network.")] = yaml.safe_load(value)
        else:
            options[name] = yaml.safe_load(value)
    path.write_text(yaml.safe_dump(options_by_group))


def fit(faces: Path, model_file: Path | None, folder: Path, *more: str) -> RunFolder:
    """Runs a fit of seconds."""
    result = main(fit_arguments(faces, model_file, folder, *more))
    assert isinstance(result, RunResult)
    assert result.folder is not None
    return result.folder


def mlflow_run(run: RunFolder, uri: str | None = None) -> Run:
    """The run as MLflow stores it."""
    delivery = json.loads((run.path / "delivery.json").read_text())
    return MlflowClient(uri or delivery["uri"]).get_run(delivery["run_id"])


def copied(run: RunFolder, folder: Path) -> RunFolder:
    """A copy of a run below the folder of tracking `folder`, as another run in MLflow, to go on with or to add to."""
    copy = RunFolder(Path(shutil.copytree(run.path, folder / "runs" / run.key)))
    delivery = json.loads((copy.path / "delivery.json").read_text())
    (copy.path / "delivery.json").write_text(json.dumps({"uri": delivery["uri"]}))
    return copy


def history(run: RunFolder) -> dict[tuple[str, int], float]:
    """All logged figures by name and step, from the run's own folder."""
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
    """Asserts that two runs ended in the same parameters, bit for bit."""
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
