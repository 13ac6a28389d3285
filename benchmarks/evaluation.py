"""Times all landmark protocols and their intervals: python -m benchmarks.evaluation."""

from time import perf_counter

import numpy as np

from benchmarks.measurements import save
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.landmark_sets import LandmarkSet, evaluate_landmarks
from lightning_module.evaluation.statistics import RESAMPLES

_FACES, _REPEATS = 2000, 3


def main() -> None:
    """Measures, and writes results/evaluation.json."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(_FACES, 68, 3)) * [40, 50, 30] + 225
    predicted = truth + rng.normal(size=truth.shape) * 4
    yaw_deg = rng.uniform(-90, 90, _FACES)
    protocols, intervals = [], []
    for _ in range(_REPEATS):
        start = perf_counter()
        reports = evaluate_landmarks(LandmarkSet(predicted, "predicted"), LandmarkSet(truth, "truth"), yaw_deg)
        protocols.append(perf_counter() - start)
        start = perf_counter()
        EvaluationRecord("faces", "faces", reports).summaries()
        intervals.append(perf_counter() - start)
    save(
        "evaluation",
        "python -m benchmarks.evaluation",
        {
            "faces": _FACES,
            "protocols": sorted(reports),
            "resamples": RESAMPLES,
            "errors_seconds": float(np.median(protocols)),
            "intervals_seconds": float(np.median(intervals)),
        },
    )


if __name__ == "__main__":
    main()
