"""Ranges of the augmentations that keep a face's pose: crop jitter, colour jitter, random erasing, occluders."""

from dataclasses import dataclass

from datamodules.errors import InputError


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the augmentations; the defaults follow Feng et al. (2018), Section 3.3, except for mirroring.

    Args:
        rotation_deg: Largest in-plane rotation, in either direction.
        scale: Range of the face's size relative to the plain crop.
        shift: Largest shift, in either direction, as a fraction of the crop's side.
        mirror_probability: Probability that a face is mirrored.
        colour_gain: Range of the factor of each colour channel.
        erase_probability: Probability that a rectangle of noise covers part of the crop.
        erase_area: Range of the rectangle's area as a fraction of the crop.
        occluder_probability: Probability that glasses, fingers or strands of hair are drawn over the face.
    """

    rotation_deg: float = 45.0
    scale: tuple[float, float] = (0.9, 1.2)
    shift: float = 0.1
    mirror_probability: float = 0.5
    colour_gain: tuple[float, float] = (0.6, 1.4)
    erase_probability: float = 0.3
    erase_area: tuple[float, float] = (0.02, 0.2)
    occluder_probability: float = 0.0

    def __post_init__(self) -> None:
        for name in ("scale", "colour_gain", "erase_area"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(f"augmentation.{name} is [{low:g}, {high:g}]: give two numbers, 0 < low <= high.")
        if self.erase_area[1] > 1:
            raise InputError(f"augmentation.erase_area ends at {self.erase_area[1]:g}: give a fraction of the crop.")
        for name in ("mirror_probability", "erase_probability", "occluder_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"augmentation.{name} is {getattr(self, name):g}: give a number from 0 to 1.")
