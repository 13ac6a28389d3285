"""Options of the test set, and its name."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from datamodules.files.dataset_card import DatasetCard, read_card
from datamodules.replaced_landmarks import ReplacedLandmarks


@dataclass(frozen=True)
class FaceTestOptions:
    """The test set.

    Args:
        root: Its folder.
        landmarks: Ground-truth landmarks that replace its own, such as the re-annotation of AFLW2000-3D: .npy, .npz or
            .mat of (N, 68, 3) or (N, 68, 2) or transposed, in the order of the sorted names of the complete folder.
        landmarks_first_pixel: Coordinate of the first pixel in that file: 0 for the re-annotation, 1 for `pt3d_68`.
        holdout: Whether to test only on the validation faces of a fit with the same val_fraction, for example on
            300W-LP after training on its other photographs.
    """

    root: Path | None = None
    landmarks: Path | None = None
    landmarks_first_pixel: Literal[0, 1] = 0
    holdout: bool = False

    @property
    def replaced_landmarks(self) -> ReplacedLandmarks | None:
        """The landmarks that replace those of the data set, or None."""
        return None if self.landmarks is None else ReplacedLandmarks(self.landmarks, self.landmarks_first_pixel)

    def card(self, root: Path) -> DatasetCard:
        """The card of the test set, whose name includes replaced landmarks and hold-out."""
        card = read_card(root)
        if self.landmarks is not None:
            card = replace(card, name=f"{card.name}, {self.landmarks.stem}")
        return replace(card, name=f"{card.name}, hold-out") if self.holdout else card
