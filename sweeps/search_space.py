"""Which ratios of region weights a search can try."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.errors import InputError

if TYPE_CHECKING:  # a command's help needs neither
    import optuna

    from datamodules.geometry.regions import RegionTable
    from lightning_module.region_weights import RegionWeights

FACE = 3.0  # what the others are relative to: only ratios matter
_HAS_NECK, _RADIUS = "has_neck", "landmark_radius_texels"


@dataclass(frozen=True)
class SearchSpace:
    """Ranges of the weights, log-uniform, where the rest of the face weighs 3.

    Args:
        landmarks: Single texels carry under 1 % of all weight at 16, so the range goes far up.
        eyes_nose: Lowest and highest.
        mouth: Lowest and highest.
        neck: Lowest and highest where the neck counts at all; whether it does is a switch of its own.
        landmark_radius_texels: Sizes of the landmarks' discs to choose from; 0 is a single texel.

    Raises:
        InputError: If a range does not run upwards from above 0, or there is no radius.
    """

    landmarks: tuple[float, float] = (1.0, 3000.0)
    eyes_nose: tuple[float, float] = (0.3, 100.0)
    mouth: tuple[float, float] = (0.3, 100.0)
    neck: tuple[float, float] = (0.01, 10.0)
    landmark_radius_texels: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        for name in ("landmarks", "eyes_nose", "mouth", "neck"):
            low, high = getattr(self, name)
            if not (0 < low < high < np.inf):
                raise InputError(
                    f"--space.{name} is [{low:g}, {high:g}]: give two numbers above 0, the lower one first."
                )
        if not self.landmark_radius_texels or min(self.landmark_radius_texels) < 0:
            raise InputError("--space.landmark_radius_texels: give at least one number, none below 0.")

    def suggest(self, trial: "optuna.Trial") -> "RegionWeights":
        """The weights of a trial, of three digits each, so that the ratio in a run's name is the whole truth."""
        from datamodules.geometry.regions import five_regions
        from lightning_module.region_weights import RegionWeights

        chosen = {
            name: _rounded(trial.suggest_float(name, *getattr(self, name), log=True))
            for name in ("landmarks", "eyes_nose", "mouth")
        }
        has_neck = trial.suggest_categorical(_HAS_NECK, [False, True])
        neck = _rounded(trial.suggest_float("neck", *self.neck, log=True)) if has_neck else 0.0
        radius = trial.suggest_categorical("landmark_radius_texels", list(self.landmark_radius_texels))
        return RegionWeights.of(five_regions(), {**chosen, "face": FACE, "neck": neck}, radius)

    def parameters(self, weights: "RegionWeights") -> dict[str, Any]:
        """What `suggest` is to be told for exactly these weights, up to a common factor.

        Raises:
            InputError: If they lie outside the space.
        """
        by_name = weights.by_name
        if not by_name["face"]:
            raise InputError(f"{weights.ratio}: the rest of the face weighs nothing, which no trial can.")
        factor = FACE / by_name["face"]
        found: dict[str, Any] = {name: by_name[name] * factor for name in ("landmarks", "eyes_nose", "mouth")}
        found[_HAS_NECK] = bool(by_name["neck"])
        if by_name["neck"]:
            found["neck"] = by_name["neck"] * factor
        found["landmark_radius_texels"] = weights.landmark_radius_texels
        for name, value in found.items():
            if name in (_HAS_NECK, "landmark_radius_texels"):
                continue
            low, high = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{weights.ratio}: {name} lies outside --space.{name} [{low:g}, {high:g}].")
        if weights.landmark_radius_texels not in self.landmark_radius_texels:
            raise InputError(f"{weights.ratio}: its radius is none of --space.landmark_radius_texels.")
        return found

    def holds(self, weights: "RegionWeights") -> bool:
        """Whether a search can try these weights."""
        try:
            self.parameters(weights)
        except InputError:
            return False
        return True

    @property
    def signature(self) -> str:
        """The same for equal spaces: a study belongs to one."""
        return " ".join(f"{field.name}={asdict(self)[field.name]}" for field in fields(self))


def stored_weights(weights: "RegionWeights") -> dict[str, float]:
    """What a trial keeps of its weights: numbers by name, which `weights_from_store` reads."""
    return {**weights.by_name, _RADIUS: weights.landmark_radius_texels}


def weights_from_store(regions: "RegionTable", values: Mapping[str, float]) -> "RegionWeights":
    """The weights that a trial kept."""
    from lightning_module.region_weights import RegionWeights

    by_name = {name: value for name, value in values.items() if name != _RADIUS}
    return RegionWeights.of(regions, by_name, values[_RADIUS])


def _rounded(weight: float) -> float:
    return float(f"{weight:.3g}")
