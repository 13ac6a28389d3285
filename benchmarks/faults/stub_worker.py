"""A worker of a sweep whose fits are formulas, and log figures to MLflow for a moment."""

import sys
import time
from dataclasses import replace

from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingPlace
from sweeps.training import TrainingRequest, TrainingResult
from sweeps.worker_process import work_for_parent
from tests.sweeps.stubs import formula, keep

FIGURES = 20  # of each run
METRIC = "train/loss"
_STEP_SECONDS = 0.1


def logged(request: TrainingRequest) -> TrainingResult:
    """A fit of seconds whose figures are known."""
    place = TrackingPlace(request.settings.tracking_uri, request.settings.folder, request.settings.experiment)
    tracker = Tracker(place, request.weights.ratio, request.tags)
    for step in range(FIGURES):
        tracker.log_metrics({METRIC: figure(step)}, step)
        time.sleep(_STEP_SECONDS)
    result = formula(request)
    keep(request, tracker.run.key)
    tracker.end("FINISHED")
    return replace(result, run=tracker.run.key)


def figure(step: int) -> float:
    """The figure of a step."""
    return 1.0 / (1 + step)


if __name__ == "__main__":
    work_for_parent(sys.argv[1], logged)  # type: ignore[arg-type]
