"""The commands that are killed, or meet a full disk: their command lines, how they go on, and what they leave."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.faults.patched_names import replace_name
from benchmarks.faults.slots import Slot
from benchmarks.faults.specimens import Inputs

if TYPE_CHECKING:
    from sweeps.settings import SweepSettings

_EPOCHS = 4
_TRIALS = 3  # known ratios, which need no sampler
_FINISHED = "FINISHED"


@dataclass(frozen=True)
class WatchedCommand:
    """A command of the campaign.

    Attributes:
        start: Its command line.
        again: The command line that continues it.
        end: What it leaves, by name, which depends on nothing but its input: checkpoints as what a training continues
            from, files as digests.
        has_begun: Whether the work has begun, beyond what the command imports.
        limit_s: Seconds that it may take.
        patch: Called in its process before it.
    """

    start: Callable[[Inputs], list[str]]
    again: Callable[[Inputs], list[str]]
    end: Callable[[Slot], Mapping[str, object]]
    has_begun: Callable[[Inputs], bool] = lambda inputs: True
    limit_s: float = 120.0
    patch: Callable[[], None] = lambda: None


def _fit(inputs: Inputs) -> list[str]:
    more = (f"--trainer.max_epochs={_EPOCHS}", "--tracking.checkpoint_seconds=0")
    return inputs.fit(inputs.new_tracking(), *more)


def _fit_again(inputs: Inputs) -> list[str]:
    """The newest run goes on; one that was killed before its first checkpoint starts anew."""
    if not list(inputs.new_tracking().glob("runs/*/last.ckpt")):
        return _fit(inputs)
    return ["fit", "--ckpt_path=last", f"--tracking.folder={inputs.new_tracking()}"]


def _fit_end(slot: Slot) -> dict[str, object]:
    from lightning_module.tracking.run_folder import RunFolder

    tracking = Inputs(slot.given).new_tracking()
    runs = sorted((path.parent for path in tracking.glob("runs/*/last.ckpt")), key=lambda path: path.name)
    run = RunFolder(runs[-1])
    with sqlite3.connect(tracking / "mlflow.db") as store:
        states = [state for (state,) in store.execute("SELECT status FROM runs ORDER BY start_time")]
    return {
        **_run_end(run.path),
        "run in MLflow": states[-1] if states else "none",
        "runs that are still running": states.count("RUNNING"),
    }


def _run_end(run: Path) -> dict[str, object]:
    from lightning_module.checkpoint import state_digest
    from lightning_module.tracking.run_folder import RunFolder
    from tests.runs import history

    figures = {f"{name} {step}": value for (name, step), value in history(RunFolder(run)).items()}
    return {"last": state_digest(run / "last.ckpt"), "best": state_digest(run / "best.ckpt"), **figures}


def _test(inputs: Inputs) -> list[str]:
    where = [f"--ckpt_path={inputs.run / 'best.ckpt'}", f"--tracking.folder={inputs.tracking}"]
    return ["test", *where, f"--data.test.root={inputs.faces}", *inputs.data[1:], "--data.num_workers=0"]


def _test_end(slot: Slot) -> dict[str, object]:
    return {**slot.digests(Inputs(slot.given).run / "evaluation")}


def _predict(inputs: Inputs) -> list[str]:
    return inputs.predict(inputs.photos, inputs.run / "best.ckpt")


def _export(inputs: Inputs) -> list[str]:
    return [
        "export",
        f"--ckpt_path={inputs.run / 'best.ckpt'}",
        "--format=onnx",
        f"--out={inputs.out / 'network.onnx'}",
    ]


def _synthesize(inputs: Inputs) -> list[str]:
    size = ["--samples=24", "--image_size=96", "--processes=1"]
    return ["synthesize", f"--out={inputs.out / 'drawn'}", *size]


def _sweep(inputs: Inputs) -> list[str]:
    from tests.runs import TINY, write_config

    config = inputs.given / "trial.yaml"
    if not config.is_file():
        data = [*inputs.data, f"--data.test.root={inputs.faces}"]
        write_config(config, *TINY, *data, "--trainer.max_epochs=2")
    folder = inputs.new_tracking()
    size = [f"--n_trials={_TRIALS}", "--workers=1", "--confirm_seeds=0", "--pruner=none"]
    return ["sweep", f"--config={config}", f"--folder={folder}", *size]


def _sweep_end(slot: Slot) -> dict[str, object]:
    folder = Inputs(slot.given).new_tracking()
    query = (
        "SELECT a.value_json, v.value FROM trials t JOIN trial_values v USING (trial_id) "
        "JOIN trial_user_attributes a USING (trial_id) WHERE a.key = 'job' AND t.state = 'COMPLETE'"
    )
    with sqlite3.connect(folder / "optuna.db") as storage:
        values = sorted(storage.execute(query))
    with sqlite3.connect(folder / "mlflow.db") as store:
        states = [state for (state,) in store.execute("SELECT status FROM runs")]
    trials = {f"job {json.loads(job)} {number}": value for number, (job, value) in enumerate(values)}
    return {**trials, "finished runs": states.count(_FINISHED), "runs that are still running": states.count("RUNNING")}


def _trial(inputs: Inputs) -> list[str]:
    return [*_sweep(inputs), "--n_trials=1"]


def _work_in_this_process() -> None:
    """Workers of a sweep are programs of their own, whose writing nobody could watch; here one works in this process."""
    from sweeps.worker_process import Stage, work

    def run_workers(command: "tuple[str, str, str, Stage]", count: int, settings: "SweepSettings", *_: object) -> None:
        settings.results.mkdir(parents=True, exist_ok=True)
        work(command[-1], settings)

    replace_name("sweeps.run_sweep", "run_workers", lambda _: run_workers)


def _has_a_run(inputs: Inputs) -> bool:
    return any(inputs.given.glob("new_tracking/runs/*/journal.jsonl"))


def _files(slot: Slot) -> dict[str, object]:
    # the card of an export holds the digest of its checkpoint, which names the folder of the slot that trained it
    return {name: digest for name, digest in slot.digests(slot.out).items() if not name.endswith(".onnx.md")}


COMMANDS: dict[str, WatchedCommand] = {
    "fit": WatchedCommand(_fit, _fit_again, _fit_end),
    "prepare": WatchedCommand(Inputs.prepare, Inputs.prepare, _files),
    "synthesize": WatchedCommand(_synthesize, _synthesize, _files),
    "test": WatchedCommand(_test, _test, _test_end),
    "predict": WatchedCommand(_predict, _predict, _files),
    "export": WatchedCommand(_export, _export, _files),
    "sweep": WatchedCommand(_sweep, _sweep, _sweep_end, _has_a_run, 300.0),
}

DISK_COMMANDS: dict[str, WatchedCommand] = {
    **{name: COMMANDS[name] for name in ("fit", "predict", "export", "synthesize", "prepare")},
    "trial": WatchedCommand(_trial, _trial, _sweep_end, patch=_work_in_this_process),
}
