"""Whether a data set's faces are turned, and which."""

import logging

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.fit_quality import doubtful_fits
from datamodules.augmentation.pose.pose_augmentation import Profiler
from datamodules.augmentation.pose.view_sampling import Profiling
from datamodules.files.face_index import FaceIndex
from datamodules.geometry.morphable_model import MorphableModel

_log = logging.getLogger(__name__)

PROBABILITY = 0.6  # where a data set lacks large poses
_LARGE_DEG = 60.0
_LARGE_SHARE = 0.1  # of faces beyond, from which a data set has large poses of its own: 300W-LP, AFLW2000-3D


def choose_profiler(
    index: FaceIndex,
    rows: NDArray[np.intp],
    model: MorphableModel,
    probability: float | None = None,
    settings: Profiling = Profiling(),  # noqa: B008  # frozen
) -> Profiler | None:
    """What turns the faces of a data set; None where all are shown as they are.

    Args:
        index: The data set.
        rows: (M,) those of its rows that are trained on; no other face lends anything to them.
        model: What coefficients refer to.
        probability: How often a face is turned; by default 0.6 where few of them look to the side, else 0.
        settings: How.
    """
    if probability is None:
        probability = 0.0 if _has_large_poses(index, rows) else PROBABILITY
    if not probability:
        return None
    doubts = doubtful_fits(index, rows, model)
    turnable = rows[~np.isin(rows, list(doubts))]
    _log.info("%s: %d of %d faces can be turned to other poses.", index.root, len(turnable), len(rows))
    if doubts:
        row, reason = next(iter(doubts.items()))
        _log.warning(
            "%s: %d of %d faces are not turned to other poses, and shown as they are: their fit is doubtful "
            "(the first, %s: %s).",
            index.root,
            len(doubts),
            len(rows),
            index.key(row),
            reason,
        )
    return Profiler.of(index, turnable, model, probability, settings) if len(turnable) else None


def _has_large_poses(index: FaceIndex, rows: NDArray[np.intp]) -> bool:
    if index.layout == "300w-lp":  # which was made so
        return True
    yaw_deg = np.rad2deg(index.poses[rows, 1])
    return bool((np.abs(yaw_deg) > _LARGE_DEG).mean() >= _LARGE_SHARE)
