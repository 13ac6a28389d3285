"""What a sweep is asked to do, and which of that makes it another sweep."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from datamodules.errors import InputError
from sweeps.search_space import SearchSpace

Objective = Literal["mean", "worst", "both"]
Sampler = Literal["tpe", "gp", "random"]
Pruner = Literal["median", "hyperband", "wilcoxon", "none"]

# what every configuration departs from
_DEFAULTS = Path(__file__).resolve().parents[1] / "conf" / "default.yaml"
_CONFIRMATION_SEEDS_FROM = 1000  # beyond the search's seed: no network that was searched with is judged with
# where things lie and how many hands there are: differs between machines that share a sweep
_LOCAL_DATA = ("root", "test_root", "test_landmarks", "morphable_model", "uv_coordinates", "cache_dir", "num_workers")


@dataclass(frozen=True)
class SweepSettings:
    """A sweep, as its workers are told of it.

    Attributes:
        study: Name.
        storage: Optuna's database.
        tracking_uri: MLflow's tracking store.
        folder: mlruns/.
        experiment: Of MLflow.
        config: The fit that a trial varies.
        n_trials: Trials to finish in the search.
        objective: What is made small.
        sampler: What proposes ratios.
        pruner: What ends hopeless trials.
        seed: Of the search.
        search_seeds: From how many seeds each ratio is trained in the search.
        confirm_ratios: How many of the best are trained again.
        confirm_seeds: From how many fresh seeds.
        space: Which ratios there are.
    """

    study: str
    storage: str
    tracking_uri: str
    folder: Path
    experiment: str
    config: Path
    n_trials: int
    objective: Objective
    sampler: Sampler
    pruner: Pruner
    seed: int
    search_seeds: int
    confirm_ratios: int
    confirm_seeds: int
    space: SearchSpace

    def __post_init__(self) -> None:
        for option, value, least in (
            ("n_trials", self.n_trials, 1),
            ("search_seeds", self.search_seeds, 1),
            ("confirm_ratios", self.confirm_ratios, 1),
            ("confirm_seeds", self.confirm_seeds, 0),
        ):
            if value < least:
                raise InputError(f"--{option} is {value}: give at least {least}.")
        if not re.fullmatch(r"[\w.+-]+", self.study):
            raise InputError(f"--study {self.study!r}: give letters, digits and . _ + - only.")
        if self.pruner == "wilcoxon" and self.search_seeds < 2:
            raise InputError("--pruner wilcoxon compares seeds: give --search_seeds of at least 2, or another pruner.")
        if not self.config.is_file():
            raise InputError(f"{self.config}: there is no such file. Set --config to the configuration of a fit.")

    @property
    def prunes(self) -> bool:
        """Whether trials can be ended early; Optuna cannot where there are two objectives."""
        return self.pruner != "none" and self.objective != "both"

    @property
    def seeds_of_search(self) -> list[int]:
        """The same for all trials, so that they can be compared in pairs."""
        return list(range(self.seed, self.seed + self.search_seeds))

    @property
    def seeds_of_confirmation(self) -> list[int]:
        """None of which the search has seen."""
        first = self.seed + _CONFIRMATION_SEEDS_FROM
        return list(range(first, first + self.confirm_seeds))

    @property
    def results(self) -> Path:
        """Where logs, tables and pictures of the sweep go."""
        return self.folder / "sweeps" / self.study

    @property
    def identity(self) -> dict[str, str]:
        """What trials of one study share: others cannot be compared with them."""
        return {
            "space": self.space.signature,
            "objective": self.objective,
            "seed": str(self.seed),
            "search_seeds": str(self.search_seeds),
            "config": _digest(_said(_DEFAULTS), _said(self.config)),
        }

    def to_json(self) -> str:
        """For a worker."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "SweepSettings":
        """As a worker reads it."""
        said: dict[str, Any] = json.loads(text)
        space = {field.name: tuple(said["space"][field.name]) for field in fields(SearchSpace)}
        paths = {name: Path(said[name]) for name in ("folder", "config")}
        return cls(**{**said, **paths, "space": SearchSpace(**space)})


def objective_value(objective: Objective, by_bin: Mapping[str, float]) -> tuple[float, ...]:
    """What a sweep makes small, from NME by yaw bin; empty bins are NaN and do not count."""
    values = [value for value in by_bin.values() if value == value] or [float("nan")]
    mean, worst = float(np.mean(values)), max(values)
    return {"mean": (mean,), "worst": (worst,), "both": (mean, worst)}[objective]


def _said(config: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(config.read_text()) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{config}: cannot be read as a configuration ({str(error).splitlines()[0]}).") from error
    if not isinstance(said, dict):
        raise InputError(f"{config}: is no configuration: give a YAML file such as conf/trial.yaml.")
    data = said.get("data") or {}
    if data.get("test_holdout") and data.get("test_root") == data.get("root"):
        raise InputError(
            f"{config}: tests on the faces that validate, which a search has fitted to. Give another data.test_root."
        )
    return said


def _digest(*configs: dict[str, Any]) -> str:
    """Of what configurations say of network, training and data, each beginning where the one before ends."""
    kept: dict[str, Any] = {}
    for name in ("model", "data", "trainer"):
        merged = {key: value for config in configs for key, value in (config.get(name) or {}).items()}
        kept[name] = {key: value for key, value in merged.items() if key not in (*_LOCAL_DATA, "weights")}
    return blake2b(json.dumps(kept, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
