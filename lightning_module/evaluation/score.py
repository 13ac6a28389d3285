"""The score: the one figure that checkpoints, trials and confirmations are chosen by, such as `nme_mouth:worst`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from datamodules.errors import InputError
from lightning_module.evaluation.nme import BIN_TITLES, REDUCTIONS, YAW_BINS, reduce_bins
from lightning_module.evaluation.protocols import protocol_named

_PROTOCOL = re.compile(r"nme(_\w+)?")
_REDUCTION_TITLES = {
    "mean": "mean of bins",
    "worst": "worst bin",
    **{name: f"|yaw| {title}" for name, title in BIN_TITLES.items()},
}


@dataclass(frozen=True)
class Score:
    """A figure to minimise: a protocol, and a reduction of the means of its yaw bins to one number.

    Attributes:
        protocol: Name of a protocol that validation measures, such as "nme" or "nme_mouth".
        reduction: "mean" of the yaw bins, "worst" of them, or the name of one bin, such as "yaw_60_90".
    """

    protocol: str
    reduction: str

    @classmethod
    def parse(cls, text: str) -> "Score":
        """Reads `<protocol>:<reduction>`.

        Whether validation measures the protocol depends on the regions of the fit: see `require`.

        Raises:
            InputError: If the text has another form, or names a reduction that does not exist.
        """
        protocol, _, reduction = text.partition(":")
        if not _PROTOCOL.fullmatch(protocol) or reduction not in REDUCTIONS:
            raise InputError(
                f"--score {text}: give <protocol>:<reduction>, such as nme:mean or nme_mouth:worst. A protocol is nme, "
                f"nme_3d_mean_z, nme_dense, nme_dense_3d or nme_<region>; a reduction is {', '.join(REDUCTIONS)}."
            )
        return cls(protocol, reduction)

    def __str__(self) -> str:
        return f"{self.protocol}:{self.reduction}"

    @property
    def title(self) -> str:
        """Title in tables and pictures, such as "mouth, x y, worst bin"."""
        return f"{self.protocol_title}, {self.reduction_title}"

    @property
    def protocol_title(self) -> str:
        """Title of the protocol, such as "mouth, x y"."""
        return protocol_named(self.protocol).title

    @property
    def reduction_title(self) -> str:
        """Title of the reduction, such as "mean of bins"."""
        return _REDUCTION_TITLES[self.reduction]

    def metric(self, stage: str) -> str:
        """Name of its metric, such as "val/nme/mean" for the validation of `nme:mean`."""
        return f"{stage}/{self.protocol}/{self.reduction}"

    def value(self, by_bin: Mapping[str, float]) -> float:
        """The score of mean errors by yaw bin, in percent.

        Args:
            by_bin: Mean error by name of a yaw bin; bins that are missing or NaN do not count.

        Returns:
            Percent; NaN where no bin counts.
        """
        return float(reduce_bins(np.array([by_bin.get(name, np.nan) for name in YAW_BINS]), self.reduction))

    def require(self, measured: Iterable[str]) -> None:
        """Checks that validation measures the protocol of the score.

        Args:
            measured: Names of the measured protocols.

        Raises:
            InputError: If the protocol is not among them.
        """
        names = list(measured)
        if self.protocol not in names:
            raise InputError(
                f"--score {self}: validation does not measure {self.protocol}. Give one of {', '.join(names)}."
            )


DEFAULT_SCORE = Score("nme", "mean")
