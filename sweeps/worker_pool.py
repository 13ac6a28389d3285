"""Starts the worker processes of a stage, and shows their progress until all jobs are done."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from optuna.trial import FrozenTrial
from tqdm import tqdm

from datamodules.errors import InputError
from sweeps.confirmation_queue import ConfirmationQueue
from sweeps.job_queue import JobQueue
from sweeps.settings import SweepSettings
from sweeps.storage import patiently

_POLL_SECONDS = 1.0
_GRACE_SECONDS = 90.0  # for workers to end their runs


def run_workers(
    command: Sequence[str],
    count: int,
    settings: SweepSettings,
    queue: JobQueue | ConfirmationQueue,
    title: str,
    best: Callable[[Sequence[FrozenTrial]], str],
) -> None:
    """Runs worker processes until a stage is done, possibly together with other machines.

    Args:
        command: Command of a worker, which reads the sweep's settings from its standard input.
        count: Number of workers.
        settings: The sweep.
        queue: The jobs of the stage.
        title: Title of the progress bar.
        best: Describes the best of the finished trials, for the progress bar.

    Raises:
        InputError: If all workers ended before the stage was done.
    """
    settings.results.mkdir(parents=True, exist_ok=True)
    logs = [settings.results / f"worker-{number}.log" for number in range(count)]
    tqdm.write(f"{title}: {queue.total} trials; the workers' logs are {settings.results}/worker-*.log")
    sizes = {log: log.stat().st_size if log.is_file() else 0 for log in logs}  # logs of earlier starts are kept
    workers = [_start(command, settings, _environment(number, count), log) for number, log in enumerate(logs)]
    try:
        _watch(workers, sizes, queue, title, best)
    except KeyboardInterrupt:
        tqdm.write("Stopping the workers; the same command continues the sweep.")
        raise
    finally:
        _end(workers)


def _watch(
    workers: list["subprocess.Popen[bytes]"],
    logs: Mapping[Path, int],
    queue: JobQueue | ConfirmationQueue,
    title: str,
    best: Callable[[Sequence[FrozenTrial]], str],
) -> None:
    reported = set[int]()
    with tqdm(total=queue.total, desc=title, unit="trial", dynamic_ncols=True, disable=None) as bar:
        while True:
            is_done = patiently(queue.is_done)
            finished = patiently(queue.finished)
            bar.n, bar.total = len(finished), patiently(lambda: queue.total)  # a confirmation grows
            bar.set_postfix_str(best(finished))
            if is_done:
                return
            ended = [number for number, worker in enumerate(workers) if worker.poll() is not None]
            for number in ended:
                if number not in reported:
                    bar.write(f"worker {number} ended early (exit code {workers[number].returncode})")
            reported.update(ended)
            if len(ended) == len(workers) and not patiently(queue.is_done):
                raise InputError(_reason_of_end(workers, logs))
            time.sleep(_POLL_SECONDS)


def _start(
    command: Sequence[str], settings: SweepSettings, environment: dict[str, str], log: Path
) -> "subprocess.Popen[bytes]":
    with log.open("ab") as file:
        # in a separate session, so that Ctrl-C reaches only this process, which then ends the workers
        worker = subprocess.Popen(
            [*command],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    if worker.stdin is not None:
        worker.stdin.write(settings.to_json().encode() + b"\n")
        worker.stdin.flush()
    return worker


def _environment(number: int, count: int) -> dict[str, str]:
    """Environment variables of a worker: its share of the threads, and one of several GPUs."""
    threads = str(max(1, len(os.sched_getaffinity(0)) // count)) if hasattr(os, "sched_getaffinity") else "1"
    variables = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads), "TQDM_DISABLE": "1"}  # no bars in logs
    gpus = _gpus()
    if len(gpus) > 1:
        variables["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
    return variables


def _gpus() -> list[str]:
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in chosen.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _end(workers: list["subprocess.Popen[bytes]"]) -> None:
    """Ends the workers by closing their standard input."""
    for worker in workers:
        if worker.stdin is not None:
            worker.stdin.close()
    deadline = time.monotonic() + _GRACE_SECONDS
    try:
        for worker in workers:
            worker.wait(max(0.0, deadline - time.monotonic()))
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        for worker in workers:
            worker.kill()


def _reason_of_end(workers: list["subprocess.Popen[bytes]"], logs: Mapping[Path, int]) -> str:
    for log, size in logs.items():
        new_text = log.read_bytes()[size:].decode(errors="replace")
        lines = [line for line in new_text.splitlines() if line.startswith("error: ")]
        if lines:
            return f"all workers ended: {lines[-1].removeprefix('error: ')} ({log})"
    codes = ", ".join(str(worker.returncode) for worker in workers)
    return (
        f"all workers ended early (exit codes {codes}; see {next(iter(logs))}). The same command continues the sweep."
    )
