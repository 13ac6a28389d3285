"""Keeps passwords and tokens out of the configuration that a run writes and uploads."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from datamodules.addresses import without_credentials

_LOGGERS = (
    "trainer",
    "logger",
)  # whose arguments may be keys of their services, which they also read from the environment
_SECRET_ARGUMENTS = re.compile(r"api_?key|token|secret|password|credential", re.IGNORECASE)


def shareable(config: str) -> str:
    """The same configuration in YAML, whose addresses have no user, password or token, and whose loggers have no keys.

    A replay takes those of MLflow from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or from the address when it
    is given again.
    """
    options = yaml.safe_load(config)
    kept = _without_secrets(options, ())
    return config if kept == options else yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)


def _without_secrets(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_secrets(part, (*names, str(name))) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_secrets(part, names) for part in value]
    if not isinstance(value, str):
        return value
    is_key = names[:2] == _LOGGERS and _SECRET_ARGUMENTS.search(names[-1])
    return None if is_key else without_credentials(value)
