"""Trainings and tests of a reproduction: runs like any other, which are found again by a tag and continued."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.errors import InputError
from lightning_module.cli import RunResult
from lightning_module.evaluation.evaluation_record import FOLDER, EvaluationRecord, read_record
from lightning_module.region_weights import RegionWeights
from lightning_module.reproduction.reproduction_steps import Outcome
from lightning_module.tracking.run_folder import RunFolder, newest_fit, run_folders
from run import main

TAG = "reproduction"  # of a run: the step that made it


@dataclass(frozen=True)
class RunData:
    """The data of all runs of a reproduction.

    Attributes:
        training: Folder to train on.
        test: Folder to test on.
        model: BFM.mat.
        tracking: Folder of the runs.
    """

    training: Path
    test: Path
    model: Path
    tracking: Path

    def fit_arguments(self, config: Path, weights: RegionWeights, seed: int) -> list[str]:
        """The command line of a training."""
        ratio = [f"--model.weights.{name}={value:g}" for name, value in weights.by_name.items()]
        return [
            "fit",
            f"--config={config}",
            *ratio,
            f"--seed_everything={seed}",
            f"--data.root={self.training}",
            *self._common,
        ]

    def test_arguments(self, checkpoint: Path) -> list[str]:
        """The command line of a test of a network that was trained elsewhere."""
        return ["test", f"--ckpt_path={checkpoint}", *self._common]

    @property
    def _common(self) -> list[str]:
        return [
            f"--data.test.root={self.test}",
            f"--data.face_model.path={self.model}",
            f"--tracking.folder={self.tracking}",
        ]

    def train(self, step: str, config: Path, weights: RegionWeights, seed: int) -> Outcome:
        """Trains a ratio from a seed and tests its best epoch; goes on with the run of a step that was interrupted.

        Raises:
            InputError: If the data cannot be used, or the training diverges.
        """
        arguments = self.fit_arguments(config, weights, seed)
        if (checkpoint := self._interrupted(step)) is not None:
            own = [argument for argument in arguments if argument.startswith(("--data.", "--tracking."))]
            arguments = ["fit", f"--ckpt_path={checkpoint}", *own]
        else:
            arguments.append(f"--tracking.tags={json.dumps({TAG: step})}")
        return _outcome(main(arguments))

    def test_system(self, step: str, checkpoint: Path) -> Outcome:
        """Tests the network of another system on the same faces."""
        return _outcome(main([*self.test_arguments(checkpoint), f"--tracking.tags={json.dumps({TAG: step})}"]))

    def is_whole(self, outcome: Outcome) -> bool:
        """Whether the record of a run, and the network of a training, are still there."""
        run = self.run(outcome)
        return self._record(outcome).is_file() and (outcome["command"] != "fit" or best_network(run) is not None)

    def network(self, step: str) -> Path:
        """The network that the training of a step was tested with.

        Raises:
            InputError: If it is not there.
        """
        run = self._newest(step)
        checkpoint = None if run is None else best_network(run)
        if checkpoint is None:
            raise InputError(f"{self.tracking}: the network of {step} is gone. Run the same command again.")
        return checkpoint

    def run(self, outcome: Outcome) -> RunFolder:
        """The run of a step."""
        return RunFolder(self.tracking / "runs" / outcome["run"])

    def record(self, outcome: Outcome) -> EvaluationRecord:
        """The test errors of a step's run."""
        return read_record(self._record(outcome))

    def _interrupted(self, step: str) -> Path | None:
        """What the training of a step goes on from; None where it begins."""
        runs = self.tracking / "runs"
        if (run := self._newest(step)) is None:
            return None
        if run.last_checkpoint.is_file():
            return run.last_checkpoint
        # a run that was killed before its first checkpoint can be gone on with only while it is the newest
        return Path("last") if run == newest_fit(runs) else None

    def _newest(self, step: str) -> RunFolder | None:
        """The newest training of a step."""
        runs = run_folders(self.tracking / "runs")
        return next((run for run in runs if run.is_fit() and run.tags().get(TAG) == step), None)

    def _record(self, outcome: Outcome) -> Path:
        return self.run(outcome).path / FOLDER / f"{outcome['slug']}.json"


def best_network(run: RunFolder) -> Path | None:
    """The checkpoint that a run was tested with, or None if it is not there."""
    return next((path for path in (run.best_checkpoint, run.last_checkpoint) if path.is_file()), None)


def as_command(arguments: Sequence[str]) -> str:
    """A command line as it is typed."""
    return shlex.join(["python", "run.py", *arguments])


def _outcome(result: object) -> Outcome:
    assert isinstance(result, RunResult)
    if result.folder is None or "test" not in result.reports:
        raise InputError(
            "conf/paper.yaml or another configuration turns tracking or the test off. Take the change back."
        )
    records = sorted((result.folder.path / FOLDER).glob("*.json"))
    command = "fit" if result.folder.is_fit() else "test"
    return {"run": result.folder.key, "slug": records[-1].stem, "command": command}
