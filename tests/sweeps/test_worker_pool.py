"""Who gets which part of a machine, and what is said when nobody works."""

import sys

import pytest

from datamodules.errors import InputError
from sweeps import worker_pool as workers
from sweeps.storage import open_storage
from sweeps.worker_process import stage_queue
from tests.sweeps.stubs import settings


def test_threads_and_gpus_are_divided(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    given = [workers._environment(number, 3) for number in range(3)]
    assert [found["CUDA_VISIBLE_DEVICES"] for found in given] == ["3", "5", "3"]
    assert {found["OMP_NUM_THREADS"] for found in given} == {"2"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert "CUDA_VISIBLE_DEVICES" not in workers._environment(1, 3)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert workers._environment(0, 1)["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "print('error: BFM.mat: there is no such file'); raise SystemExit(2)",
            r"all workers ended: BFM.mat: there is no such file",
        ),
        ("import os; os.kill(os.getpid(), 9)", r"exit codes -9, -9.*The same command continues"),
    ],
)
def test_when_all_workers_ended_it_says_why(tmp_path, code, message):
    asked = settings(tmp_path)
    queue = stage_queue("search", asked, open_storage(asked.storage))
    with pytest.raises(InputError, match=message):
        workers.run_workers([sys.executable, "-c", code], 2, asked, queue, "search", lambda _: "")
