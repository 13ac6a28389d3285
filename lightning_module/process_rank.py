"""The rank of this process in distributed training, from the variables of the launcher that has started it."""

import logging
import os
from dataclasses import dataclass

from lightning_utilities.core.rank_zero import rank_zero_only

from datamodules.errors import InputError

_log = logging.getLogger(__name__)

# Variables that Lightning reads a rank from when it is imported, whether a launcher has set them or not.
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
_INTERACTIVE = ("bash", "interactive")  # names of SLURM jobs whose tasks are no processes of one training


@dataclass(frozen=True)
class _Launcher:
    """A program that starts the processes of a distributed training.

    Attributes:
        rank: Variable with the rank.
        processes: Variable with the number of processes.
        others: Further variables by which its processes are known.
    """

    rank: str
    processes: str
    others: tuple[str, ...] = ()

    def has_started_this(self) -> bool:
        """Whether it has started this process, together with others."""
        if not all(name in os.environ for name in (self.rank, self.processes, *self.others)):
            return False
        is_slurm = self.rank == "SLURM_PROCID"
        return not is_slurm or (
            os.environ[self.processes] != "1" and os.environ.get("SLURM_JOB_NAME") not in _INTERACTIVE
        )


_LAUNCHERS = (
    _Launcher("RANK", "WORLD_SIZE", ("TORCHELASTIC_RUN_ID",)),  # torchrun
    _Launcher("LOCAL_RANK", "WORLD_SIZE", ("MASTER_ADDR", "MASTER_PORT")),  # Lightning
    _Launcher("NODE_RANK", "MASTER_PORT", ("MASTER_ADDR",)),  # Lightning on a machine, before it starts its processes
    _Launcher("SLURM_PROCID", "SLURM_NTASKS"),
    _Launcher("JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE"),
)
_ON_NODE = _LAUNCHERS[2]


def rank() -> int:
    """The rank; 0 for the first or only process."""
    return getattr(rank_zero_only, "rank", None) or 0


def settle_rank(is_distributed: bool) -> None:
    """Sets the rank that Lightning and this project go by, and drops variables of it that no launcher has set.

    A rank that is left over in the environment, as in a shell of a SLURM job, would otherwise keep a process that trains
    alone from recording anything, or make it wait for others. It must be called before Lightning is imported, which fails
    where such a variable is no number.

    Args:
        is_distributed: Whether the command can be one process of several; others are alone, whoever has started them.

    Raises:
        InputError: If the variable of a launcher is no number.
    """
    launcher = _launcher() if is_distributed else None
    if launcher is not None:
        _set_rank(_number(launcher.rank))
        return
    _set_rank(0)
    for name in _RANKS:
        value = os.environ.pop(name, "0")
        if is_distributed and value != "0":
            _log.warning("%s is %s, but no launcher such as torchrun or srun has set it: it is ignored.", name, value)
    if not is_distributed:
        os.environ.pop(
            "SLURM_NTASKS", None
        )  # by which Lightning knows srun, also in the processes that this one starts


def require_processes(number: int) -> None:
    """Checks that the launcher has started as many processes as a training has.

    Raises:
        InputError: If it has started another number: each of them would train alone, and all but one unrecorded.
    """
    launcher = _launcher()
    if launcher is None or launcher == _ON_NODE or _number(launcher.processes) == number:
        return
    raise InputError(
        f"{launcher.processes} is {os.environ[launcher.processes]}, but this command uses {number} of these processes. Set "
        f"--trainer.devices and --trainer.num_nodes to match, or unset {launcher.rank} to run it alone."
    )


def _set_rank(number: int) -> None:
    rank_zero_only.rank = number  # type: ignore[attr-defined]  # an attribute of a function


def _launcher() -> _Launcher | None:
    return next((launcher for launcher in _LAUNCHERS if launcher.has_started_this()), None)


def _number(variable: str) -> int:
    try:
        return int(os.environ[variable])
    except ValueError as error:
        raise InputError(f"{variable} is {os.environ[variable]!r}: give a whole number, or unset it.") from error
