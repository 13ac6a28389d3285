import os
import subprocess
import sys

from lightning_module.tracking.liveness import is_running, process_name


def test_a_process_runs_until_it_is_killed_buried_or_not():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    name = process_name(process.pid)
    assert is_running(name)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet buried
    assert not is_running(name)
    process.wait()
    assert not is_running(name)


def test_another_process_of_the_same_number_is_another():
    number, _, started = process_name(os.getpid()).partition(" ")
    assert is_running(f"{number} {started}")
    assert not is_running(f"{number} {int(started or 0) + 1}")
