"""Decides whether the faces of a data set are rendered at other poses, and which of them."""

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.fit_quality import doubtful_fits
from datamodules.augmentation.pose.pose_augmenter import PoseAugmenter
from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.readers.face_index import FaceIndex

_log = logging.getLogger(__name__)

PROBABILITY = 0.6  # where a data set lacks large poses
_LARGE_DEG = 60.0
_LARGE_FRACTION = 0.1  # fraction of large yaws above which a data set needs no others: 300W-LP, AFLW2000-3D


def choose_pose_augmenter(
    index: FaceIndex,
    rows: NDArray[np.intp],
    model: MorphableModel,
    options: PoseAugmentation = PoseAugmentation(),  # noqa: B008  # frozen
) -> PoseAugmenter | None:
    """The pose augmentation of a data set; None where all faces are shown at their own pose.

    Args:
        index: The data set.
        rows: (M,) rows that are trained on; textures and tones come from these faces only.
        model: The model that coefficients refer to.
        options: Ranges; without a probability, faces are rendered if few faces of the data set look to the side.
    """
    probability = options.probability
    if probability is None:
        probability = 0.0 if _has_large_poses(index, rows) else PROBABILITY
    if not probability:
        return None
    doubts = doubtful_fits(index, rows, model)
    trusted = rows[~np.isin(rows, list(doubts))]
    _log.info("%s: %d of %d faces can be rendered at other poses.", index.root, len(trusted), len(rows))
    if doubts:
        row, doubt = next(iter(doubts.items()))
        _log.warning(
            "%s: %d of %d faces are shown at their own pose only, since their fit is doubtful (the first, %s: %s).",
            index.root,
            len(doubts),
            len(rows),
            index.key(row),
            doubt,
        )
    return PoseAugmenter.of(index, trusted, model, replace(options, probability=probability)) if len(trusted) else None


def _has_large_poses(index: FaceIndex, rows: NDArray[np.intp]) -> bool:
    if index.samples.has_rendered_views:
        return True
    yaw_deg = np.rad2deg(index.poses[rows, 1])
    return bool((np.abs(yaw_deg) > _LARGE_DEG).mean() >= _LARGE_FRACTION)
