"""Converts model options and parameters of checkpoints that earlier versions wrote."""

import logging
from collections.abc import Mapping
from typing import Any

from torch import Tensor

_log = logging.getLogger(__name__)

_HOURGLASS = "lightning_module.networks.hourglass.Hourglass"
# Options of the module that belong to the hourglass now, by their old names.
NETWORK_OPTIONS = {
    "base_channels": "base_channels",
    "map_size": "map_size",
    "tail": "tail",
    "norm_momentum": "norm_momentum",
    "pairs": "pairs",
    "direct_rank": "bypass_rank",
}
_RADIUS = "landmark_radius_texels"
_REDUCTION = "loss_reduction"
_PARAMETERS = {"network.direct.": "network.bypass."}


def migrated_model_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `model:`, or the hyper-parameters of a checkpoint, under their current names.

    Args:
        options: Options of any version. In earlier ones, the options of the network were options of the module, and the
            radius of the landmarks was one of the region weights. Current options are returned unchanged.
    """
    migrated = {name: value for name, value in options.items() if name not in NETWORK_OPTIONS and name != _REDUCTION}
    network = {new: options[old] for old, new in NETWORK_OPTIONS.items() if old in options}
    if network:
        if "image_size" in options:  # checkpoints hold it, configuration files link it
            network["image_size"] = options["image_size"]
        migrated = {"network": {"class_path": _HOURGLASS, "init_args": network}, **migrated}
    if options.get(_REDUCTION) == "sum":
        _log.warning("loss_reduction sum was removed: the loss is the mean over texels, which is proportional to it.")
    weights = options.get("weights")
    if weights is not None and not isinstance(weights, Mapping):
        weights = vars(weights)  # modules that were constructed in Python stored an object
    if weights is not None:
        migrated["weights"] = {name: weight for name, weight in weights.items() if name != _RADIUS}
        if _RADIUS in weights:
            migrated[_RADIUS] = weights[_RADIUS]
    return migrated


def migrated_parameters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a module under the current names of its parameters."""
    migrated = {}
    for name, value in state.items():
        for old, new in _PARAMETERS.items():
            name = name.replace(old, new, 1) if name.startswith(old) else name
        migrated[name] = value
    return migrated
