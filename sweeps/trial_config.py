"""The configuration that a sweep's trials vary: reading it, and telling it from others."""

import json
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from datamodules.errors import InputError
from datamodules.geometry.regions import RegionTable, checked_table, five_regions
from lightning_module.project import PROJECT

_DEFAULTS = PROJECT / "conf" / "default.yaml"  # what every configuration departs from
# where things lie and how many hands there are: differs between machines that share a sweep
_SEARCHED = ("weights", "landmark_radius_texels")
_LOCAL_DATA = ("root", "test_root", "test_landmarks", "morphable_model", "uv_coordinates", "cache_dir", "num_workers")


def read_trial_config(config: Path) -> dict[str, dict[str, Any]]:
    """The options of network, training and data that a configuration sets, with the defaults of conf/default.yaml.

    Raises:
        InputError: If it cannot be read, or tests on the faces that validate.
    """
    default, own = _read(_DEFAULTS), _read(config)
    data = own.get("data") or {}
    if data.get("test_holdout") and data.get("test_root") == data.get("root"):
        raise InputError(
            f"{config}: tests on the faces that validate, which a search has fitted to. Give another data.test_root."
        )
    return {name: {**(default.get(name) or {}), **(own.get(name) or {})} for name in ("model", "data", "trainer")}


def digest(options: dict[str, dict[str, Any]]) -> str:
    """The same for configurations whose trials compare: paths and the searched weights are left out."""
    kept = {
        group: {name: value for name, value in values.items() if name not in (*_LOCAL_DATA, *_SEARCHED)}
        for group, values in options.items()
    }
    return blake2b(json.dumps(kept, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def region_table(config: Path) -> RegionTable:
    """The table of regions that a configuration names as `data.regions`, or the five regions.

    Raises:
        InputError: If the function that returns the table cannot be imported.
    """
    path = read_trial_config(config)["data"].get("regions")
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
    return options
