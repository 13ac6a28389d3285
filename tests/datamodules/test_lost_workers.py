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


def _read(number):
    with named_lost_workers():
        list(DataLoader(Ending(number), batch_size=None, num_workers=1))


def test_a_process_that_is_terminated_ends_the_command():
    with pytest.raises(SystemExit) as ended:
        _read(signal.SIGTERM)
    assert ended.value.code == STOPPED == 143


def test_a_process_that_is_killed_is_one_line_about_memory():
    with pytest.raises(InputError, match=r"samples was killed.*memory.*--data\.num_workers"):
        _read(signal.SIGKILL)


def test_where_the_signal_is_not_named_the_stop_of_the_command_decides():
    lost = RuntimeError("DataLoader worker (pid(s) 3, 4) exited unexpectedly")
    with pytest.raises(SystemExit), named_lost_workers(lambda: True):
        raise lost
    with pytest.raises(RuntimeError, match="unexpectedly"), named_lost_workers(lambda: False):
        raise lost


def test_other_errors_stay_as_they_are():
    with pytest.raises(RuntimeError, match="shapes"), named_lost_workers(lambda: True):
        raise RuntimeError("shapes differ")
