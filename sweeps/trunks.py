"""The trunks of a branched search: a training from each seed, whose middle the trials continue."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import RDBStorage

from datamodules.errors import InputError, cannot_write
from datamodules.files.file_locks import lock
from lightning_module.checkpoint import state_digest
from lightning_module.tracking.run_folder import RunFolder
from lightning_module.tracking.tracking_place import TrackingPlace
from sweeps.job_queue import Job, JobQueue
from sweeps.settings import SweepSettings
from sweeps.storage import HELD, open_study, search_study
from sweeps.training import Train, TrainingRequest, TrainingResult
from sweeps.training_code import code_digest
from sweeps.training_data import refuse_other_data
from sweeps.validations import Validation, Validations

# Attributes of a trunk's trial in the database.
_SEED, _RUN, _STATE, _VALIDATION, _FINGERPRINTS = "seed", "run", "state", "validation", "fingerprints"
EPOCHS = "epochs"  # number of epochs that it trained
_CODE = "code"  # attribute of the study
_AGAIN = "trained again as "  # and a run's key: attribute of the study, whose value is the seed


@dataclass(frozen=True)
class Trunk:
    """A finished trunk.

    Attributes:
        seed: Its seed.
        run: Key of its run.
        state: Digest of the state that trials branch from.
        validation: Its last validation.
        fingerprints: Fingerprints of its data and face model, by name.
    """

    seed: int
    run: str
    state: str
    validation: Validation
    fingerprints: Mapping[str, str]


def trunk_study(settings: SweepSettings, storage: RDBStorage) -> optuna.Study:
    """The study of the trunks, which belongs to the settings of the sweep and to the code that trains.

    Trunks of other settings or other code are replaced as long as no trial of the search has branched from them.

    Raises:
        InputError: If trials have branched from trunks of other settings or other code.
    """
    is_used = any(trial.state in HELD for trial in search_study(settings, storage).get_trials(deepcopy=False))
    identity = {**settings.identity, _CODE: code_digest(settings.config)}
    return open_study(storage, f"{settings.study}/trunk", 1, identity, is_replaceable=not is_used)


def trunk_jobs(settings: SweepSettings) -> list[Job]:
    """One job for each seed of the search."""
    return [Job(f"s{seed}", attributes={_SEED: seed}) for seed in settings.seeds_of_search]


def run_trunk(trial: optuna.Trial, settings: SweepSettings, train: Train) -> tuple[float, ...]:
    """Trains a trunk to its end, and keeps the checkpoint that trials branch from.

    Returns:
        The first score of its last validation, in percent.

    Raises:
        InputError: If the training ended before that checkpoint.
        ValueError: If it has no validation.
    """
    seed, validations = trial.user_attrs[_SEED], Validations(settings)
    result = _train(settings, seed, str(trial.number), validations, train)
    refuse_other_data(trial.study, settings, result.fingerprints)
    path = _checkpoint(settings, result.run)
    if not path.is_file():
        raise InputError(
            f"{settings.config}: its training left no checkpoint of epoch {settings.branch_epoch}, from which trials branch: "
            "it was stopped before, or trainer.enable_checkpointing is false. Correct it, or give a lower --branch_at."
        )
    for name, value in (
        (_RUN, result.run),
        (_STATE, state_digest(path)),
        (_VALIDATION, validations.last()),
        (_FINGERPRINTS, dict(result.fingerprints)),
        (EPOCHS, result.epochs),
    ):
        trial.set_user_attr(name, value)
    return settings.values(validations.last())[:1]


class Trunks:
    """The finished trunks of a search.

    Args:
        settings: The sweep.
        storage: Its database.
        train: Trains one ratio.
    """

    def __init__(self, settings: SweepSettings, storage: RDBStorage, train: Train) -> None:
        self._settings = settings
        self._train = train
        self._study = trunk_study(settings, storage)
        self._trials = JobQueue(self._study, storage, trunk_jobs(settings)).finished()

    def of_seed(self, seed: int) -> Trunk:
        """The trunk of a seed."""
        stored = next(trial.user_attrs for trial in self._trials if trial.user_attrs[_SEED] == seed)
        return Trunk(seed, stored[_RUN], stored[_STATE], stored[_VALIDATION], stored[_FINGERPRINTS])

    def checkpoint(self, trunk: Trunk) -> Path:
        """The checkpoint that trials branch from, in the folder of this machine.

        A trunk whose file is missing or damaged is trained again, which has to end in the same state. So is one that
        another machine has trained into another folder.

        Raises:
            InputError: If the state is another one, or the folder cannot be written.
        """
        with self._locked(trunk.seed):
            again = [self._path(run) for run in self._repetitions(trunk.seed)]
            for path in (self._path(trunk.run), *again):
                if _digest(path) == trunk.state:
                    return path
            for path in again:
                if _digest(path):
                    raise self._is_another(path, trunk)
            path = self._path(self._repeat(trunk))
            if _digest(path) != trunk.state:
                raise self._is_another(path, trunk)
            return path

    def _repeat(self, trunk: Trunk) -> str:
        print(
            f"The trunk of seed {trunk.seed} is missing or damaged in {self._settings.folder}: it is trained again.",
            file=sys.stderr,
            flush=True,
        )
        number = next(str(trial.number) for trial in self._trials if trial.user_attrs[_SEED] == trunk.seed)
        result = _train(self._settings, trunk.seed, number, Validations(self._settings), self._train)
        refuse_other_data(self._study, self._settings, result.fingerprints)
        self._study.set_user_attr(f"{_AGAIN}{result.run}", trunk.seed)
        return result.run

    def _repetitions(self, seed: int) -> list[str]:
        attributes = self._study.user_attrs.items()
        return [name.removeprefix(_AGAIN) for name, value in attributes if name.startswith(_AGAIN) and value == seed]

    def _path(self, run: str) -> Path:
        return _checkpoint(self._settings, run)

    def _is_another(self, path: Path, trunk: Trunk) -> InputError:
        return InputError(
            f"{path}: the trunk of seed {trunk.seed}, trained again, is not to the last bit the one that trials of study "
            f"{self._settings.study} branched from; its hardware or its number of threads differs. Share one --folder, or "
            "give another --study; to train it once more, with the original --workers, delete that run."
        )

    @contextmanager
    def _locked(self, seed: int) -> Iterator[None]:
        """Holds a lock, so that of several workers only one trains a missing trunk again."""
        path = self._settings.results / f"trunk_s{seed}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise cannot_write(path, error, "--folder") from error
        with file:
            lock(file, path)
            yield


def _train(settings: SweepSettings, seed: int, trial: str, validations: Validations, train: Train) -> TrainingResult:
    tags = {"sweep": settings.study, "stage": "trunk", "trial": trial}
    kept = (settings.branch_epoch,)
    return train(TrainingRequest(settings, settings.trunk_weights, seed, tags, False, validations, keep_epochs=kept))


def _checkpoint(settings: SweepSettings, run: str) -> Path:
    place = TrackingPlace(settings.tracking_uri, settings.folder, settings.experiment)
    return RunFolder(place.runs / run).epoch_checkpoint(settings.branch_epoch)


def _digest(path: Path) -> str:
    """The digest of a checkpoint's state; empty if it is missing or damaged."""
    try:
        return state_digest(path)
    except InputError:
        return ""
