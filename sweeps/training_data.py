"""Makes sure that all trainings of a study use the same data."""

from collections.abc import Mapping

import optuna

from datamodules.errors import InputError
from sweeps.settings import SweepSettings

_TRAINING_DATA = "training_data"  # attribute of a study
_TRAINED_ON = ("data", "morphable_model")


def refuse_other_data(study: optuna.Study, settings: SweepSettings, fingerprints: Mapping[str, str]) -> None:
    """Refuses trainings on other data than the study's, which are not comparable, and a confirmation without test data.

    Args:
        study: The study, which remembers the data of its first training.
        settings: The sweep.
        fingerprints: Fingerprints of the data and the face model of a training, by name.

    Raises:
        InputError: If the data differ, or the test data are missing.
    """
    data = {name: fingerprints[name] for name in _TRAINED_ON if name in fingerprints}
    first_data = study.user_attrs.get(_TRAINING_DATA)
    if first_data is None:
        study.set_user_attr(_TRAINING_DATA, data)
    elif first_data != data:
        raise InputError(
            f"study {settings.study} was started with other training data or another face model than those of "
            f"{settings.config}, so its trials are not comparable. Give another --study, or the original data."
        )
    if settings.confirm_seeds and "test_data" not in fingerprints:
        raise InputError(
            f"{settings.config}: sets no test data, which the confirmation needs. Set data.test.root there, or "
            "--confirm_seeds 0."
        )
