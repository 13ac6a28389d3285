"""A sweep whose servers come and go: each trial ends once, and MLflow has each run once, with all of its figures."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.faults.disturbed_servers import DisturbedMlflow, DisturbedPostgres, Server, disturb
from benchmarks.faults.forked_job import kill_descendants
from benchmarks.faults.scheduler import Fault
from benchmarks.faults.stub_worker import FIGURES, METRIC, figure
from lightning_module.project import PROJECT
from sweeps.settings import SweepSettings

_TRIALS_PER_DISTURBANCE = 3  # of two seconds each, by two workers
_CONFIRM_SEEDS = 6
_LIMIT_SECONDS = 900.0
_POLL_SECONDS = 0.5
_CODE = """
import sys
from pathlib import Path
from sweeps.run_sweep import run_sweep
from sweeps.settings import SweepSettings
run_sweep(SweepSettings.from_json(Path(sys.argv[1]).read_text()), 2, (sys.executable, "-m", "benchmarks.faults.stub_worker"))
"""


def disturbed_sweep(count: int, seed: int) -> tuple[list[str], list[Fault]]:
    """Runs a sweep while its servers are disturbed.

    Args:
        count: Number of disturbances.
        seed: Seed of the disturbances.

    Returns:
        What was done to the servers, and the faults.
    """
    with TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder)
        path.chmod(0o755)  # PostgreSQL runs as a user of its own
        postgres = DisturbedPostgres(path / "postgres", _free_port())
        mlflow = DisturbedMlflow(path / "mlflow", _free_port())
        for server in (postgres, mlflow):
            server.start()
            stack.callback(_end, server)
        return _sweep(path, postgres, mlflow, count, np.random.default_rng(seed))


def _end(server: Server) -> None:
    with suppress(ProcessLookupError):  # it may have been killed, and not have started again
        server.resume()
        server.kill()


def _sweep(
    folder: Path, postgres: DisturbedPostgres, mlflow: DisturbedMlflow, count: int, rng: np.random.Generator
) -> tuple[list[str], list[Fault]]:
    from tests.sweeps.stubs import settings

    asked = settings(
        folder / "sweep",
        storage=postgres.url,
        tracking_uri=mlflow.url,
        n_trials=_TRIALS_PER_DISTURBANCE * count,
        confirm_seeds=_CONFIRM_SEEDS,
    )
    written = asked.folder / "settings.json"
    written.write_text(asked.to_json(), encoding="utf-8")
    deadline = time.monotonic() + _LIMIT_SECONDS
    with _started(asked, written) as sweep:
        while not any(asked.folder.glob("runs/*")) and sweep.poll() is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        done = disturb([postgres, mlflow], count, rng, lambda: sweep.poll() is not None)
        ended = _ended(sweep, deadline)
    if ended == 0:  # what a server that was away at the end has not received, the next command sends
        with _started(asked, written) as again:
            ended = _ended(again, deadline)
    what = "; ".join(done)
    if ended != 0:
        lines = (asked.folder / "sweep.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = lines[-1] if lines else "no output"
        return done, [Fault("hang" if ended is None else "unfinished", f"status {ended}", f"{what}; {last}")]
    return done, [*_faults(asked, mlflow.url)]


@contextmanager
def _started(asked: SweepSettings, written: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of the sweep, which ends with this block, together with its workers."""
    with (asked.folder / "sweep.log").open("wb") as log:
        sweep = subprocess.Popen(
            [sys.executable, "-c", _CODE, str(written)],
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            start_new_session=True,
        )
    try:
        yield sweep
    finally:
        kill_descendants(sweep.pid)
        sweep.wait()


def _ended(sweep: "subprocess.Popen[bytes]", deadline: float) -> int | None:
    """The exit status of a process; None if it still runs at the deadline."""
    while sweep.poll() is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return sweep.poll()


def _faults(asked: SweepSettings, uri: str) -> Iterator[Fault]:
    from mlflow.tracking import MlflowClient
    from optuna.trial import TrialState

    from sweeps.storage import confirmation_study, open_storage, search_study

    client = MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=10_000)
    for status, number in Counter(run.info.status for run in runs).items():
        if status == "RUNNING":
            yield Fault("running", "runs that are still running", f"{number} of {len(runs)}")
    storage = open_storage(asked.storage)
    for stage, study in (("search", search_study), ("confirm", confirmation_study)):
        trials = study(asked, storage).get_trials(deepcopy=False)
        finished = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
        jobs = Counter(trial.user_attrs["job"] for trial in finished)
        for job, times in jobs.items():
            if times > 1:
                yield Fault("twice", f"a job of stage {stage} is done more than once", f"job {job}: {times} times")
        if stage == "search" and len(jobs) != asked.n_trials:
            yield Fault("lost", "jobs of stage search", f"{len(jobs)} of {asked.n_trials} are done")
        for trial in finished:
            own = [
                run
                for run in runs
                if run.data.tags.get("stage") == stage
                and run.data.tags.get("trial") == str(trial.number)
                and run.info.status == "FINISHED"
            ]
            name = f"{stage} trial {trial.number}"
            if len(own) != 1:
                yield Fault("runs", f"a trial of stage {stage} has other than one finished run", f"{name}: {len(own)}")
            for run in own:
                history = [(entry.step, entry.value) for entry in client.get_metric_history(run.info.run_id, METRIC)]
                if sorted(history) != [(step, figure(step)) for step in range(FIGURES)]:
                    yield Fault(
                        "figures", f"a run of stage {stage} has other figures", f"{name}: {len(history)} figures"
                    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
