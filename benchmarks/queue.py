"""Measures how many jobs a second many workers do on one PostgreSQL server, and whether each job is done once.

python -m benchmarks.queue [--workers 64] [--jobs 1000] [--seconds 0.05] [--sampler tpe] [--restarts 0]

The server has PostgreSQL's default settings. A job is a trial of a search whose training only waits for --seconds.
"""

import multiprocessing as mp
import os
import socket
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import psycopg

from benchmarks.measurements import save
from benchmarks.postgres_server import PostgresServer
from lightning_module.evaluation.score import Score
from sweeps.samplers import Sampler
from sweeps.search_space import SearchSpace
from sweeps.settings import SweepSettings
from sweeps.storage import open_storage
from sweeps.training import TrainingRequest, TrainingResult
from sweeps.worker_process import stage_queue, work

_POLL_SECONDS = 0.2
_DOWN_SECONDS = 2.0  # between stop and start of the server
_WARM_UP = 12  # trials, more than the sampler's random ones, so that all modules are imported
_STUDY = "queue"


@dataclass(frozen=True)
class QueueLoad:
    """What is measured.

    Attributes:
        workers: Number of worker processes.
        jobs: Number of jobs.
        seconds: Duration of a training, in seconds.
        sampler: Sampler of the search.
        restarts: How often the server is stopped and started again meanwhile.
    """

    workers: int = 64
    jobs: int = 1000
    seconds: float = 0.05
    sampler: Sampler = "tpe"
    restarts: int = 0


class _Observer(Thread):
    """Counts connections and finished trials, and restarts the server at equal shares of the jobs."""

    def __init__(self, server: PostgresServer, load: QueueLoad) -> None:
        super().__init__(name="observer", daemon=True)
        self._server = server
        self._shares = [load.jobs * number // (load.restarts + 1) for number in range(1, load.restarts + 1)]
        self._is_over = Event()
        self.most_connections = 0

    def run(self) -> None:
        while not self._is_over.wait(_POLL_SECONDS):
            with psycopg.connect(self._server.url, autocommit=True) as connection:
                while not self._is_over.wait(_POLL_SECONDS) and not self._is_restart_due(connection):
                    pass
            if not self._is_over.is_set():
                self._shares.pop(0)
                self._server.stop()
                time.sleep(_DOWN_SECONDS)
                self._server.start()

    def end(self) -> None:
        """Ends the observation."""
        self._is_over.set()
        self.join()

    @property
    def restarts_left(self) -> int:
        """Number of restarts that have not happened."""
        return len(self._shares)

    def _is_restart_due(self, connection: "psycopg.Connection[tuple[int]]") -> bool:
        # the observer itself is no worker
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        self.most_connections = max(self.most_connections, _number(connection, others))
        finished = _number(connection, "SELECT count(*) FROM trials WHERE state = 'COMPLETE'")
        if sys.stderr.isatty():
            print(f"\r{finished} jobs", end="", file=sys.stderr, flush=True)
        return bool(self._shares) and finished >= self._shares[0]


def measure(load: QueueLoad, folder: Path) -> Mapping[str, object]:
    """Runs all jobs, and counts how often each was completed.

    Args:
        load: What is measured.
        folder: Empty folder of the database and the workers' log.

    Returns:
        Figures by name; "jobs lost" and "jobs done twice" should be 0.
    """
    settings = _settings(load, folder)
    work("search", replace(settings, n_trials=_WARM_UP), _stub(0.0))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = PostgresServer(folder / "postgres", port)
    settings = replace(settings, storage=server.url)
    context = mp.get_context("fork")  # each worker would import torch for many seconds
    may_begin = context.Event()
    workers = [
        context.Process(target=_work, args=(settings, load.seconds, may_begin, folder)) for _ in range(load.workers)
    ]
    for worker in workers:  # before this process has a connection, which they would share
        worker.start()
    server.start()
    try:
        start = time.monotonic()
        stage_queue("search", settings, open_storage(server.url)).fill()
        filled = time.monotonic()
        observer = _Observer(server, load)
        observer.start()
        may_begin.set()
        for worker in workers:
            worker.join()
        observer.end()
        figures = _outcome(server.url, load.jobs)
    finally:
        for worker in workers:
            worker.kill()
        server.stop()
    return {
        "workers": load.workers,
        "jobs": load.jobs,
        "seconds a training": load.seconds,
        "sampler": load.sampler,
        "restarts of the database": load.restarts - observer.restarts_left,
        "seconds to enqueue all jobs": round(filled - start, 1),
        "most connections of workers at once": observer.most_connections - 1,  # this process has one
        "workers that ended early": sum(worker.exitcode != 0 for worker in workers),
        **figures,
    }


def _outcome(url: str, jobs: int) -> dict[str, object]:
    with psycopg.connect(url) as connection:
        attempts = connection.execute(
            "SELECT a.value_json, t.state::text FROM trials t JOIN trial_user_attributes a USING (trial_id) "
            "WHERE a.key = 'job'"
        ).fetchall()
        allowed = _number(connection, "SELECT current_setting('max_connections')::int")
        seconds = _number(
            connection, "SELECT extract(epoch FROM max(datetime_complete) - min(datetime_start)) FROM trials"
        )
    completed = Counter(job for job, state in attempts if state == "COMPLETE")
    return {
        "seconds from first to last job": round(float(seconds), 1),
        "jobs a second": round(jobs / float(seconds), 1),
        "connections that the server allows": allowed,
        "attempts by state": dict(sorted(Counter(state for _, state in attempts).items())),
        "jobs lost": jobs - len(completed),
        "jobs done twice": sum(count > 1 for count in completed.values()),
    }


def _work(settings: SweepSettings, seconds: float, may_begin: "mp.synchronize.Event", folder: Path) -> None:
    with (folder / "workers.log").open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    may_begin.wait()
    work("search", settings, _stub(seconds))


def _stub(seconds: float):
    """A training that waits, and then has an error of its own."""

    def train(request: TrainingRequest) -> TrainingResult:
        time.sleep(seconds)
        away = abs(request.weights.by_name["eyes_nose"] - 20.0) / 100
        request.on_validation({"nme": {"yaw_00_30": 3.0 + away, "yaw_30_60": 4.0 + away, "yaw_60_90": 6.0 + away}})
        return TrainingResult(request.weights.ratio, False, {"data": "stub", "morphable_model": "stub"}, None)

    return train


def _settings(load: QueueLoad, folder: Path) -> SweepSettings:
    config = folder / "trial.yaml"
    config.write_text("trainer: {max_epochs: 1}\n", encoding="utf-8")
    return SweepSettings(
        study=_STUDY,
        storage=f"sqlite:///{folder / 'warm_up.db'}",
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}",
        folder=folder,
        experiment=_STUDY,
        config=config,
        n_trials=load.jobs,
        scores=(Score("nme", "mean"),),
        sampler=load.sampler,
        pruner="none",
        seed=0,
        search_seeds=1,
        confirm_ratios=1,
        confirm_seeds=0,
        space=SearchSpace(),
    )


def _number(connection: "psycopg.Connection[tuple[int]]", query: str) -> int:
    (row,) = connection.execute(query).fetchall()
    return row[0]


def _main() -> None:
    parser = ArgumentParser(description=__doc__)
    for name, default in vars(QueueLoad()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    load = QueueLoad(**vars(parser.parse_args()))
    with TemporaryDirectory() as folder:
        figures = measure(load, Path(folder))
    command = " ".join(["python -m benchmarks.queue", *sys.argv[1:]])
    save("queue_restarts" if load.restarts else "queue", command, figures)
    if figures["jobs lost"] or figures["jobs done twice"]:
        raise SystemExit("error: jobs were lost or done twice")


if __name__ == "__main__":
    _main()
