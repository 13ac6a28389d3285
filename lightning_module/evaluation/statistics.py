"""Statistics of errors over faces: distribution, and confidence intervals of means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap
from torch import Tensor

from lightning_module.evaluation.nme import YAW_BINS, NMEReport, yaw_bin

Array = NDArray[np.float64]

CED_THRESHOLD = 7.0  # percent; Bulat and Tzimiropoulos, ICCV 2017, with the same size of a face
RESAMPLES = 10_000
LEVEL = 0.95
_BATCH_NUMBERS = 4_000_000  # numbers resampled at a time, 32 MB


class Interval(NamedTuple):
    """A 95 % confidence interval; NaN if there are too few faces."""

    low: float
    high: float


_UNKNOWN = Interval(float("nan"), float("nan"))


@dataclass(frozen=True)
class Summary:
    """The figures of a method's errors under one protocol, in percent of the size of a face.

    Attributes:
        title: Title of the protocol.
        counts: Faces in each yaw bin.
        by_bin: Mean of each bin; NaN for an empty one.
        mean_of_bins: The field's "Mean".
        mean_of_faces: Mean of all faces.
        balanced: Mean of a random subset with equally many faces in each bin.
        balanced_faces: Number of faces in that subset.
        auc: Area under the CED up to the threshold, in percent of the largest possible area.
        failures: Percentage of faces with errors beyond the threshold.
        threshold: Percent.
        intervals: 95 % bootstrap intervals by name of a bin, "mean_of_bins" and "mean_of_faces"; faces are resampled
            within their bins. They cover the choice of faces, not that of training seeds.
    """

    title: str
    counts: dict[str, int]
    by_bin: dict[str, float]
    mean_of_bins: float
    mean_of_faces: float
    balanced: float
    balanced_faces: int
    auc: float
    failures: float
    threshold: float
    intervals: dict[str, Interval]

    @property
    def figures(self) -> dict[str, float]:
        """All figures except the intervals, by their names in metrics and files."""
        return {
            **self.by_bin,
            "mean_of_bins": self.mean_of_bins,
            "mean_of_faces": self.mean_of_faces,
            "balanced": self.balanced,
            f"auc_{self.threshold:g}": self.auc,
            f"failures_{self.threshold:g}": self.failures,
        }


def summarize(
    report: NMEReport, title: str = "", seed: int = 0, resamples: int = RESAMPLES, threshold: float = CED_THRESHOLD
) -> Summary:
    """Summarises a report.

    Args:
        report: The errors.
        title: Title of their protocol.
        seed: Seed of the balanced subset and the intervals.
        resamples: Number of resamples of each interval.
        threshold: Percent; errors beyond it are failures.
    """
    subset = balanced_subset(report.yaw_deg, seed)
    errors = report.per_face.double()
    return Summary(
        title,
        report.counts,
        report.by_bin,
        report.mean_of_bins,
        report.mean_of_faces,
        float(errors[subset].mean()) if len(subset) else float("nan"),
        len(subset),
        ced_auc(errors, threshold),
        failure_rate(errors, threshold),
        threshold,
        confidence_intervals(report, seed, resamples),
    )


def null_if_nan(value: float) -> float | None:
    """A figure for JSON, where one that does not exist is null."""
    return None if value != value else value


def ced_auc(errors: Tensor, threshold: float = CED_THRESHOLD) -> float:
    """Area under the cumulative error distribution up to the threshold, in percent of the largest possible area."""
    return float((1 - errors.double() / threshold).clamp_min(0).mean() * 100)


def failure_rate(errors: Tensor, threshold: float = CED_THRESHOLD) -> float:
    """Percent of the faces whose error is larger than the threshold."""
    return float((errors > threshold).double().mean() * 100)


def balanced_subset(yaw_deg: Tensor, seed: int) -> NDArray[np.intp]:
    """Positions of a random subset with equally many faces from each yaw bin that has any."""
    bins = _bins(yaw_deg)
    if not bins:
        return np.empty(0, np.intp)
    size = min(len(faces) for faces in bins)
    rng = np.random.default_rng(seed)
    return np.concatenate([np.sort(rng.choice(faces, size, replace=False)) for faces in bins])


def confidence_intervals(report: NMEReport, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Interval]:
    """95 % bootstrap intervals of the means; faces are resampled within their yaw bins."""
    return _mean_intervals(report.per_face.double().numpy(), report.yaw_deg, seed, resamples)


def paired_differences(
    errors: Tensor, reference: Tensor, yaw_deg: Tensor, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """95 % intervals of the mean difference of two methods on the same faces, by bin and over all faces.

    Args:
        errors: (N,) percent.
        reference: (N,) percent, of the same faces in the same order.
        yaw_deg: (N,) of both.
        seed: Seed of the resampling.
        resamples: Number of resamples.
    """
    return _mean_intervals((errors.double() - reference.double()).numpy(), yaw_deg, seed, resamples)


def _mean_intervals(values: Array, yaw_deg: Tensor, seed: int, resamples: int) -> dict[str, Interval]:
    bins = [values[faces] for faces in _bins(yaw_deg)]
    shares = np.array([len(faces) for faces in bins]) / max(len(values), 1)
    names = [name for name, count in NMEReport(yaw_deg, yaw_deg).counts.items() if count]
    intervals = dict.fromkeys(YAW_BINS, _UNKNOWN)
    for name, faces in zip(names, bins, strict=True):
        intervals[name] = _bootstrap([faces], [1.0], seed, resamples)
    # equal weights give the "mean" of `reduce_bins`; each one is multiplied, as the weights of the faces are
    intervals["mean_of_bins"] = _bootstrap(bins, [1 / len(bins)] * len(bins) if bins else [], seed, resamples)
    intervals["mean_of_faces"] = _bootstrap(bins, shares.tolist(), seed, resamples)
    return intervals


def _bootstrap(samples: Sequence[Array], shares: Sequence[float], seed: int, resamples: int) -> Interval:
    """Interval of a weighted sum of the means of samples, which are resampled independently."""
    if not samples or min(len(sample) for sample in samples) < 2:
        return _UNKNOWN

    def statistic(*resampled: Array, axis: int) -> Any:
        return sum(share * sample.mean(axis=axis) for share, sample in zip(shares, resampled, strict=True))

    weighted: Callable[..., Any] = statistic
    batch = max(1, _BATCH_NUMBERS // max(len(sample) for sample in samples))
    result = bootstrap(
        samples,
        weighted,
        n_resamples=resamples,
        batch=batch,
        vectorized=True,
        axis=-1,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return Interval(float(result.confidence_interval.low), float(result.confidence_interval.high))


def _bins(yaw_deg: Tensor) -> list[NDArray[np.intp]]:
    """Positions of the faces of each yaw bin that has any."""
    places = yaw_bin(yaw_deg).numpy()
    return [faces for i in range(len(YAW_BINS)) if len(faces := np.flatnonzero(places == i))]
