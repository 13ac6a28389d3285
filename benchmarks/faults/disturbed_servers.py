"""Servers of MLflow and PostgreSQL that are killed, paused, and started again."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.faults.forked_job import descendants
from benchmarks.postgres_server import PostgresServer
from tests.servers import MlflowServer

_AWAY_SECONDS = (1.0, 8.0)
_BETWEEN_SECONDS = (2.0, 6.0)
_END_SECONDS = 30.0


class Server(Protocol):
    """A server that can be disturbed."""

    name: str

    def start(self) -> None:
        """Starts it, and returns when it answers."""

    def kill(self) -> None:
        """Ends all of its processes at once."""

    def pause(self) -> None:
        """Stops all of its processes, which keep their connections."""

    def resume(self) -> None:
        """Lets its processes go on."""


class DisturbedPostgres(PostgresServer):
    """PostgreSQL, with the processes of its connections."""

    name = "PostgreSQL"

    def kill(self) -> None:
        """Ends the server and its connections; the program that changes the user then ends by itself."""
        _signal(self._pids(), signal.SIGKILL)
        self._server.wait(timeout=_END_SECONDS)

    def pause(self) -> None:
        """Stops the server and its connections."""
        _signal(self._pids(), signal.SIGSTOP)

    def resume(self) -> None:
        """Lets them go on."""
        _signal([*self._pids(), self._server.pid], signal.SIGCONT)

    def _pids(self) -> list[int]:
        file = self._data / "postmaster.pid"
        own = int(file.read_text(encoding="utf-8").split()[0]) if file.is_file() else self._server.pid
        return [own, *descendants(own)]


class DisturbedMlflow(MlflowServer):
    """MLflow's server, with its workers."""

    name = "MLflow"

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir()
        super().__init__(folder, port)

    def pause(self) -> None:
        """Stops the server and its workers."""
        os.killpg(self._server.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Lets them go on."""
        os.killpg(self._server.pid, signal.SIGCONT)


def disturb(servers: Sequence[Server], count: int, rng: np.random.Generator, is_over: Callable[[], bool]) -> list[str]:
    """Kills, or pauses, one of the servers again and again; at the end all answer.

    Args:
        servers: The servers, which answer.
        count: Number of disturbances.
        rng: Chooses servers, kinds of disturbance and moments.
        is_over: Whether there is nothing left to disturb.

    Returns:
        What was done.
    """
    done = []
    for _ in range(count):
        _rest(rng.uniform(*_BETWEEN_SECONDS), is_over)
        server = servers[int(rng.integers(len(servers)))]
        is_killed, away_s = bool(rng.integers(2)), float(rng.uniform(*_AWAY_SECONDS))
        if is_over():
            break
        leave, return_ = (server.kill, server.start) if is_killed else (server.pause, server.resume)
        leave()
        time.sleep(away_s)
        return_()
        done.append(f"{server.name} {'killed' if is_killed else 'paused'} for {away_s:.1f} s")
    return done


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a connection's process may have ended
            os.kill(pid, number)


def _rest(seconds: float, is_over: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not is_over():
        time.sleep(0.1)
