import os
import signal

import pytest
from torch.utils.data import DataLoader, Dataset

from datamodules.errors import InputError
from datamodules.lost_workers import STOPPED, named_lost_workers


class Ending(Dataset):
    """Samples whose process ends by a signal at the third."""

    def __init__(self, number):
        self.number = number

    def __len__(self):
        return 8

    def __getitem__(self, place):
        if place == 3:
            os.kill(os.getpid(), self.number)
        return place


def _read(number, is_stopped=False):
    with named_lost_workers(lambda: is_stopped):
        list(DataLoader(Ending(number), batch_size=None, num_workers=1))


def test_a_command_that_is_stopped_with_its_processes_ends():
    with pytest.raises(SystemExit) as ended:
        _read(signal.SIGTERM, is_stopped=True)
    assert ended.value.code == STOPPED == 143


def test_a_process_that_is_killed_is_one_line_about_memory():
    with pytest.raises(InputError, match=r"makes samples ended.*memory.*--data\.num_workers"):
        _read(signal.SIGKILL)


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("DataLoader worker (pid 7) is killed by signal: Terminated. ", SystemExit),
        ("DataLoader worker (pid 7) is killed by signal: Killed. ", InputError),
        ("DataLoader worker (pid(s) 3, 4) exited unexpectedly", InputError),
        ("DataLoader worker (pid 7) is killed by signal: Segmentation fault. ", RuntimeError),
    ],
)
def test_what_pytorch_says_of_the_end_decides(text, ending):
    with pytest.raises(ending), named_lost_workers():
        raise RuntimeError(text)


def test_other_errors_stay_as_they_are():
    with pytest.raises(RuntimeError, match="shapes"), named_lost_workers(lambda: True):
        raise RuntimeError("shapes differ")
