"""Ranges of the pose augmentation."""

from dataclasses import dataclass

from datamodules.errors import InputError


@dataclass(frozen=True)
class PoseAugmentation:
    """How training faces are rendered at other poses.

    Args:
        probability: Probability that a training face is rendered at another pose; by default 0.6 where few of the data
            set's faces look to the side (300W-3D), 0 where many do (300W-LP).
        yaw_deg: Range of the new yaw, uniformly distributed.
        tilt_deg: Standard deviation of the change of pitch and roll.
        coefficients: Standard deviation of the factors that vary identity and expression coefficients.
        light: Largest change of brightness between one side of the face and its middle.
        crossover_probability: Probability that the skin's detail is combined with the tone of another face.
    """

    probability: float | None = None
    yaw_deg: tuple[float, float] = (-90.0, 90.0)
    tilt_deg: float = 8.0
    coefficients: float = 0.1
    light: float = 0.25
    crossover_probability: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.yaw_deg
        if not -90 <= low <= high <= 90:
            raise InputError(
                f"pose_augmentation.yaw_deg is [{low:g}, {high:g}]: give two angles, -90 <= low <= high <= 90."
            )
        for name, most in (
            ("probability", 1),
            ("tilt_deg", 45),
            ("coefficients", 1),
            ("light", 1),
            ("crossover_probability", 1),
        ):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                raise InputError(f"pose_augmentation.{name} is {value:g}: give a number from 0 to {most}.")
