"""Faults that are put in on purpose, in children only: a campaign that does not find them proves nothing."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.faults.full_disks import WritingPlaces, disk_cases, place_cases
from benchmarks.faults.kills import Undisturbed, kill_cases, undisturbed_cases
from benchmarks.faults.mutated_inputs import mutation_cases
from benchmarks.faults.patched_names import replace_name
from benchmarks.faults.scheduler import CaseResult, run_cases
from benchmarks.faults.slots import Slot

_SLOW_SECONDS = 3.0  # that a checkpoint is half written: about two thirds of the fit's time

_MUTATIONS, _KILLS = 8, 12  # that may look for a fault

Look = Callable[[Sequence[Slot], int], Iterator[CaseResult]]


@dataclass(frozen=True)
class PlantedFault:
    """A fault that the campaign must find.

    Attributes:
        name: What was put in.
        kinds: Kinds of faults as which it may be found.
        place: Beginning of the place of what is found.
        look: Runs cases that may find it, with a seed.
    """

    name: str
    kinds: tuple[str, ...]
    place: str
    look: Look

    def is_found(self, result: CaseResult) -> bool:
        """Whether a case has found it."""
        return any(fault.kind in self.kinds and fault.place.startswith(self.place) for fault in result.faults)


def unguarded_reader() -> None:
    """A face model that cannot be read ends in a KeyError."""
    from datamodules.errors import InputError

    def careless(read: Callable[..., Any]) -> Callable[..., Any]:
        def read_model(*arguments: Any) -> Any:
            try:
                return read(*arguments)
            except InputError:
                raise KeyError("shapeMU") from None

        return read_model

    replace_name("datamodules.face_model", "read_morphable_model", careless)


def foreign_log() -> None:
    """Reading a sample leaves a file in the user's home."""

    def logging(read: Callable[[Path], Any]) -> Callable[[Path], Any]:
        def read_and_log(path: Path) -> Any:
            with Path("~/samples.log").expanduser().open("a", encoding="utf-8") as log:
                log.write(f"{path}\n")
            return read(path)

        return read_and_log

    replace_name("datamodules.readers.reader_300w", "read_face_mat", logging)


def slow_checkpoint_in_place() -> None:
    """The newest checkpoint is written in two halves under its own name."""

    def careless(replace: Callable[..., None]) -> Callable[..., None]:
        def write(source: Path | str, target: Path | str, **others: int) -> None:
            if Path(target).name != "last.ckpt":
                replace(source, target, **others)
                return
            data = Path(source).read_bytes()
            with Path(target).open("wb", buffering=0) as file:
                file.write(data[: len(data) // 2])
                time.sleep(_SLOW_SECONDS)
                file.write(data[len(data) // 2 :])
            Path(source).unlink()

        return write

    replace_name("os", "replace", careless)


def unnamed_full_disk() -> None:
    """A disk that is full is no error of the user's for `prepare`."""
    replace_name("datamodules.prepare", "cannot_write", lambda _: lambda path, error, option: RuntimeError(str(error)))


def _of_mutations(kind: str, patch: Callable[[], None]) -> Look:
    return lambda slots, seed: run_cases(mutation_cases([kind], _MUTATIONS, seed, patch), slots)


def _of_kills(slots: Sequence[Slot], seed: int) -> Iterator[CaseResult]:
    whole = Undisturbed()
    first = run_cases(undisturbed_cases(["fit"], whole, slow_checkpoint_in_place), slots)
    return chain(first, run_cases(kill_cases(["fit"], _KILLS, seed, whole, slow_checkpoint_in_place), slots))


def _of_full_disks(slots: Sequence[Slot], seed: int) -> Iterator[CaseResult]:
    places = WritingPlaces()
    first = run_cases(place_cases(["prepare"], places), slots)
    return chain(first, run_cases(disk_cases(["prepare"], places, seed, patch=unnamed_full_disk), slots))


PLANTED = (
    PlantedFault(
        "a reader that lets a KeyError through", ("traceback",), "KeyError", _of_mutations("bfm", unguarded_reader)
    ),
    PlantedFault("a file written in the user's home", ("outside",), "", _of_mutations("mat", foreign_log)),
    PlantedFault("a checkpoint written in place, slowly", ("unfinished",), "", _of_kills),
    PlantedFault("a full disk without a line of its own", ("traceback",), "RuntimeError", _of_full_disks),
)


def cases_until_found(planted: PlantedFault, slots: Sequence[Slot], seed: int) -> int | None:
    """Number of cases after which a planted fault is found; None if it is not."""
    for number, result in enumerate(planted.look(slots, seed), 1):
        if planted.is_found(result):
            return number
    return None
