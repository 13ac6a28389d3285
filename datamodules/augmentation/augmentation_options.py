"""Ranges of the augmentations that keep a face's pose: crop jitter, colours, image quality, random erasing, occluders."""

from dataclasses import dataclass, fields

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
        tone: Range of the exponent of the tone curve: levels from 0 to 1 are raised to its power.
        contrast: Range of the factor of contrast.
        grey_probability: Probability that a crop loses its colours.
        blur_probability: Probability that a crop is blurred.
        noise_probability: Probability that a crop gets noise.
    """

    rotation_deg: float = 45.0
    scale: tuple[float, float] = (0.9, 1.2)
    shift: float = 0.1
    mirror_probability: float = 0.5
    colour_gain: tuple[float, float] = (0.6, 1.4)
    erase_probability: float = 0.3
    erase_area: tuple[float, float] = (0.02, 0.2)
    occluder_probability: float = 0.0
    tone: tuple[float, float] = (1.0, 1.0)
    contrast: tuple[float, float] = (1.0, 1.0)
    grey_probability: float = 0.0
    blur_probability: float = 0.0
    noise_probability: float = 0.0

    def __post_init__(self) -> None:
        for name in ("scale", "colour_gain", "tone", "contrast", "erase_area"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(f"augmentation.{name} is [{low:g}, {high:g}]: give two numbers, 0 < low <= high.")
        if self.erase_area[1] > 1:
            raise InputError(f"augmentation.erase_area ends at {self.erase_area[1]:g}: give a fraction of the crop.")
        for name in (each.name for each in fields(self) if each.name.endswith("_probability")):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"augmentation.{name} is {getattr(self, name):g}: give a number from 0 to 1.")

    @property
    def changes_tone(self) -> bool:
        """Whether tone curves differ from the plain one."""
        return (*self.tone, *self.contrast) != (1, 1, 1, 1)
