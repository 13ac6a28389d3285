"""Reads the configuration that the trials of a sweep vary, and identifies it."""

import json
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from datamodules.errors import InputError
from datamodules.geometry.regions import RegionTable, checked_table, five_regions
from lightning_module.configuration.legacy_config import migrated_config
from lightning_module.pretrained_network import is_pretrained, network_label, network_path
from lightning_module.project import PROJECT
from lightning_module.tracking.logged_parameters import flat

_DEFAULTS = PROJECT / "conf" / "default.yaml"  # the defaults of every configuration
_GROUPS = ("model", "data", "trainer")
# Options that may differ between the machines of a sweep: paths, and the number of processes that read files.
_LOCAL = {
    "data.root",
    "data.test.root",
    "data.test.landmarks",
    "data.face_model.path",
    "data.face_model.uv_coordinates",
    "data.index.cache_dir",
    "data.num_workers",
}
_ARGUMENTS = ".init_args."  # may be left out in the name of an option
_SEARCHED = ("model.weights.", "model.landmark_radius_texels")


def read_trial_config(config: Path) -> dict[str, Any]:
    """The options of a configuration, merged into those of conf/default.yaml.

    Returns:
        Values by the options' names, such as "data.test.root".

    Raises:
        InputError: If it cannot be read, or tests on the validation faces.
    """
    own = _read(config)
    if own.get("data.test.holdout") and own.get("data.test.root") == own.get("data.root"):
        raise InputError(
            f"{config}: tests on the validation faces, which the search is fitted to. Give another data.test.root."
        )
    return {**_read(_DEFAULTS), **own}


def digest(options: dict[str, Any]) -> str:
    """A digest that is equal for configurations with comparable trials: it ignores local paths and searched weights.

    Trials that start from the network that comes with the project are comparable as long as that is the same.

    Raises:
        InputError: If they start from that network, and it is missing.
    """
    kept = {
        name: value
        for name, value in options.items()
        if name not in _LOCAL and not name.startswith(_SEARCHED) and name.partition(".")[0] in _GROUPS
    }
    if is_pretrained(str(options.get("init_from"))):
        kept["init_from"] = network_label(network_path(options["init_from"]))
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
        options = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{config}: cannot be read as a configuration ({str(error).splitlines()[0]}).") from error
    if not isinstance(options, dict):
        raise InputError(f"{config}: is no configuration: give a YAML file such as conf/trial.yaml.")
    values = flat(migrated_config(options))
    return {name.replace(_ARGUMENTS, "."): value for name, value in values.items()}
