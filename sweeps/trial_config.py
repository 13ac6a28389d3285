"""The configuration that a sweep's trials vary: reading it, and telling it from others."""

import json
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from datamodules.errors import InputError
from datamodules.geometry.regions import RegionTable, checked_table, five_regions
from lightning_module.configuration.legacy_config import migrated_config
from lightning_module.project import PROJECT
from lightning_module.tracking.logged_parameters import flat

_DEFAULTS = PROJECT / "conf" / "default.yaml"  # what every configuration departs from
_GROUPS = ("model", "data", "trainer")
# Options that may differ between machines that share a sweep: where files lie, and how many processes read them.
_LOCAL = {
    "data.root",
    "data.test.root",
    "data.test.landmarks",
    "data.face_model.path",
    "data.face_model.uv_coordinates",
    "data.index.cache_dir",
    "data.num_workers",
}
_ARGUMENTS = ".init_args."  # which may be left out of an option's name
_SEARCHED = ("model.weights.", "model.landmark_radius_texels")


def read_trial_config(config: Path) -> dict[str, Any]:
    """The options of network, data and training that a configuration sets, beside those of conf/default.yaml.

    Returns:
        Values by the options' names, such as "data.test.root".

    Raises:
        InputError: If it cannot be read, or tests on the faces that validate.
    """
    own = _read(config)
    if own.get("data.test.holdout") and own.get("data.test.root") == own.get("data.root"):
        raise InputError(
            f"{config}: tests on the faces that validate, which a search has fitted to. Give another data.test.root."
        )
    return {**_read(_DEFAULTS), **own}


def digest(options: dict[str, Any]) -> str:
    """The same for configurations whose trials compare: local paths and the searched weights are left out."""
    kept = {
        name: value
        for name, value in options.items()
        if name not in _LOCAL and not name.startswith(_SEARCHED) and name.partition(".")[0] in _GROUPS
    }
    return blake2b(json.dumps(kept, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def region_table(config: Path) -> RegionTable:
    """The table of regions that a configuration names as `data.regions`, or the five regions.

    Raises:
        InputError: If the function that returns the table cannot be imported.
    """
    path = read_trial_config(config).get("data.regions")
    if path is None:
        return five_regions()
    module, _, name = str(path).rpartition(".")
    try:
        make_table = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"{config}: data.regions {path} cannot be imported ({error}). Give the path of a function that returns a "
            "table of regions, such as datamodules.geometry.regions.five_regions."
        ) from error
    return checked_table(make_table)


def _read(config: Path) -> dict[str, Any]:
    try:
        options = yaml.safe_load(config.read_text()) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{config}: cannot be read as a configuration ({str(error).splitlines()[0]}).") from error
    if not isinstance(options, dict):
        raise InputError(f"{config}: is no configuration: give a YAML file such as conf/trial.yaml.")
    values = flat(migrated_config(options))
    return {name.replace(_ARGUMENTS, "."): value for name, value in values.items()}
