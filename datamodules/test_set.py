"""The test set: which folder it is, which landmarks are true, which of its faces are tested, what it is called."""

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
        landmarks: Other true landmarks for it, such as AFLW2000-3D's re-annotation: .npy, .npz or .mat of (N, 68, 3) or
            (N, 68, 2) or transposed, in the order of the sorted names of the complete folder.
        landmarks_first_pixel: What that file calls the first pixel: 0 for the re-annotation, 1 for `pt3d_68`.
        holdout: Whether only those of its faces are tested that validate a fit with the same val_fraction; set it to
            test on 300W-LP, whose other photographs were trained on.
    """

    root: Path | None = None
    landmarks: Path | None = None
    landmarks_first_pixel: Literal[0, 1] = 0
    holdout: bool = False

    @property
    def replaced_landmarks(self) -> ReplacedLandmarks | None:
        """The landmarks to use in place of the data set's own."""
        return None if self.landmarks is None else ReplacedLandmarks(self.landmarks, self.landmarks_first_pixel)

    def card(self, root: Path) -> DatasetCard:
        """Name and kind of the test set, as figures carry them."""
        card = read_card(root)
        if self.landmarks is not None:
            card = replace(card, name=f"{card.name}, {self.landmarks.stem}")
        return replace(card, name=f"{card.name}, hold-out") if self.holdout else card
