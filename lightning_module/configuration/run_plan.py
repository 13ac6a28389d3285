"""The plan of a command: its options, its checkpoint, and where its run is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonargparse import Namespace

from lightning_module.configuration.run_origin import Origin
from lightning_module.project import PROJECT
from lightning_module.tracking.tracking_place import TrackingOptions, TrackingPlace


@dataclass(frozen=True)
class RunPlan:
    """The plan of a command.

    Attributes:
        command: "fit", "validate" or "test".
        options: The parsed options of the command.
        values: The same options as plain values.
        config: YAML that repeats the command.
        origin: The checkpoint that it starts from, or None.
        evaluates_differently: Whether a test uses mirror averaging differently from the run that trained the network.
    """

    command: str
    options: Namespace
    values: Mapping[str, Any]
    config: str
    origin: Origin | None
    evaluates_differently: bool

    @property
    def tracking(self) -> TrackingOptions:
        """Where the run is kept."""
        return TrackingOptions(**self.options.tracking.as_dict())

    @property
    def place(self) -> TrackingPlace:
        """The same, with all defaults resolved."""
        return self.tracking.place(PROJECT)

    @property
    def is_tracked(self) -> bool:
        """Whether the command leaves a run."""
        return self.options.trainer.logger is not False and not self.options.trainer.fast_dev_run
