"""Converts configurations of earlier versions to the current names of options."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from datamodules.errors import InputError
from lightning_module.legacy import NETWORK_OPTIONS, migrated_model_options

_log = logging.getLogger(__name__)

_READER = "datamodules.readers.reader_300w.Reader300W"
# Current names of options by their old ones; None for removed options.
_DATA_OPTIONS: dict[str, str | None] = {
    "morphable_model": "face_model.path",
    "uv_coordinates": "face_model.uv_coordinates",
    "test_root": "test.root",
    "test_landmarks": "test.landmarks",
    "test_landmarks_first_pixel": "test.landmarks_first_pixel",
    "test_holdout": "test.holdout",
    "verify": "index.verify",
    "max_bad_fraction": "index.max_bad_fraction",
    "cache_dir": "index.cache_dir",
    "folder_layout": "reader.folder_layout",
    "profile_probability": "pose_augmentation.probability",
    "profiling": "pose_augmentation",
    "map_size": None,  # the data module asks the network
}
_GONE = ("out", "weights_only", "verbose", "return_predictions")
RENAMED_OPTIONS: dict[str, str] = {
    **{f"data.{old}": f"data.{new}" for old, new in _DATA_OPTIONS.items() if new},
    **{f"model.{old}": f"model.network.{new}" for old, new in NETWORK_OPTIONS.items()},
    "model.weights.landmark_radius_texels": "model.landmark_radius_texels",
    "out": "maps",
}


def migrated_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration under the current names; one that has them already is returned unchanged.

    Raises:
        InputError: If it sets a removed option that has no replacement.
    """
    migrated = {name: value for name, value in config.items() if name not in _GONE}
    if isinstance(config.get("model"), Mapping):
        migrated["model"] = migrated_model_options(config["model"])
    if isinstance(config.get("data"), Mapping):
        migrated["data"] = _migrated_data(config["data"])
    return migrated


def read_with_notice(config: Mapping[str, Any], source: str) -> dict[str, Any]:
    """`migrated_config` of a file, with a warning if its options have been renamed."""
    migrated = migrated_config(config)
    old_names = [name for name in RENAMED_OPTIONS if name != "out" and _has(config, name)]
    if old_names:
        _log.warning(
            "%s was written by an earlier version; its options are converted to the current names (--%s is now --%s%s).",
            source,
            old_names[0],
            RENAMED_OPTIONS[old_names[0]],
            f", and {len(old_names) - 1} more" if len(old_names) > 1 else "",
        )
    return migrated


def refuse_old_names(message: str) -> None:
    """Replaces a parser's error about a renamed option.

    Raises:
        InputError: If the message names a renamed or removed option.
    """
    if re.search(r"--model\.loss_reduction\b", message):
        raise InputError("--model.loss_reduction was removed: the loss is the mean over texels. Leave it out.")
    for old, new in sorted(RENAMED_OPTIONS.items(), key=lambda pair: -len(pair[0])):
        if match := re.search(rf"--{re.escape(old)}(?P<rest>\.\w+)?(?=[=\s,]|$)", message):
            rest = match["rest"] or ""
            raise InputError(f"--{old}{rest} is now called --{new}{rest}.")


def _migrated_data(options: Mapping[str, Any]) -> dict[str, Any]:
    migrated: dict[str, Any] = {}
    for name, value in options.items():
        new = _DATA_OPTIONS.get(name, name)
        if name == "folder_layout":
            if value != "auto":
                migrated["reader"] = {"class_path": _READER, "init_args": {"folder_layout": value}}
        elif name == "profiling":
            migrated.setdefault("pose_augmentation", {}).update(value)
        elif new is not None:
            group, _, option = new.rpartition(".")
            (migrated.setdefault(group, {}) if group else migrated)[option] = value
    return migrated


def _has(config: Mapping[str, Any], name: str) -> bool:
    value: Any = config
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True
