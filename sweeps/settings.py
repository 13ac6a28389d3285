"""The settings of a sweep, and the identity that its trials share."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from datamodules.errors import InputError
from datamodules.geometry.regions import RegionTable
from lightning_module.evaluation.score import Score
from lightning_module.region_weights import RegionWeights
from sweeps.branching import Strategy, branching_epoch, training_length, weights_of_ratio
from sweeps.samplers import Pruner, Sampler
from sweeps.search_space import SearchSpace, held_region
from sweeps.trial_config import digest, read_trial_config, region_table

_CONFIRMATION_SEEDS_FROM = 1000  # offset from the search's seed, so that confirmation uses other seeds than the search
_EYES_NOSE = ({"eyes_nose"}, {"eyes", "brows", "nose"})  # in the five regions and in the fine ones
# Names in databases of the scores that earlier versions could search for.
_STORED_SCORES = {"nme:mean": "mean", "nme:worst": "worst", "nme:mean nme:worst": "both"}


@dataclass(frozen=True)
class SweepSettings:
    """The settings of a sweep, which its workers read too.

    Attributes:
        study: Name of the sweep.
        storage: Optuna's database.
        tracking_uri: MLflow's tracking store.
        folder: Folder of runs and results, mlruns/.
        experiment: Name of the MLflow experiment.
        config: Configuration of the fit that a trial varies.
        n_trials: Number of trials of the search.
        scores: One or two scores to minimise; the first also chooses checkpoints and is confirmed.
        sampler: Proposes ratios.
        pruner: Ends unpromising trials early.
        seed: Seed of the search.
        search_seeds: Number of seeds for each ratio in the search.
        confirm_ratios: Number of the best ratios that are confirmed.
        confirm_seeds: Most fresh seeds for each of them; 0 for no confirmation.
        space: The search space.
        strategy: Whether trials train in full, or branch from trunks.
        branch_at: Share of a training's length at which they branch.
        trunk_ratio: Ratio of the trunks, such as "16:5:4:3:0"; None for that of the reference.
        hours: Most hours of the confirmation; None for no limit.
        confirm_epochs: Length of the confirmation's trainings; None for that of the configuration.
    """

    study: str
    storage: str
    tracking_uri: str
    folder: Path
    experiment: str
    config: Path
    n_trials: int
    scores: tuple[Score, ...]
    sampler: Sampler
    pruner: Pruner
    seed: int
    search_seeds: int
    confirm_ratios: int
    confirm_seeds: int
    space: SearchSpace
    strategy: Strategy = "full"
    branch_at: float = 0.5
    trunk_ratio: str | None = None
    hours: float | None = None
    confirm_epochs: int | None = None

    def __post_init__(self) -> None:
        for option, value, least in (
            ("n_trials", self.n_trials, 1),
            ("search_seeds", self.search_seeds, 1),
            ("confirm_ratios", self.confirm_ratios, 1),
            ("confirm_seeds", self.confirm_seeds, 0),
        ):
            if value < least:
                raise InputError(f"--{option} is {value}: give at least {least}.")
        if self.confirm_epochs is not None and self.confirm_epochs < 1:
            raise InputError(f"--confirm_epochs is {self.confirm_epochs}: give at least 1.")
        if self.hours is not None and not self.hours > 0:
            raise InputError(f"--hours is {self.hours:g}: give more than 0.")
        if not re.fullmatch(r"[\w.+-]+", self.study):
            raise InputError(f"--study {self.study!r}: give letters, digits and . _ + - only.")
        if len(self.scores) not in (1, 2) or len(set(self.scores)) < len(self.scores):
            shown = " ".join(map(str, self.scores))
            raise InputError(f"--score {shown}: give one score, or two different ones, such as nme:mean nme:worst.")
        if self.pruner == "wilcoxon" and self.search_seeds < 2:
            raise InputError("--pruner wilcoxon compares seeds: give --search_seeds of at least 2, or another pruner.")
        if not self.config.is_file():
            raise InputError(f"{self.config}: there is no such file. Set --config to the configuration of a fit.")
        if self.is_branched:
            _ = self.branch_epoch, self.trunk_weights  # which raise an error if the options are wrong
        elif self.trunk_ratio is not None:
            raise InputError("--trunk_ratio is an option of --strategy branched. Give both, or none.")

    @property
    def score(self) -> Score:
        """The first score, by which checkpoints are chosen and ratios confirmed."""
        return self.scores[0]

    def values(self, by_protocol: Mapping[str, Mapping[str, float]]) -> tuple[float, ...]:
        """The scores of a validation, in percent.

        Args:
            by_protocol: For each protocol, the mean error by yaw bin; empty bins are NaN and do not count.
        """
        return tuple(score.value(by_protocol[score.protocol]) for score in self.scores)

    @property
    def prunes(self) -> bool:
        """Whether trials can be pruned; Optuna cannot prune with two scores."""
        return self.pruner != "none" and len(self.scores) == 1

    @cached_property
    def regions(self) -> RegionTable:
        """The table of regions of the configuration."""
        return region_table(self.config)

    @cached_property
    def baselines(self) -> tuple[RegionWeights, ...]:
        """The known ratios, which are trained in addition to the proposed ones; the first is the reference."""
        return known_weights(self.regions)

    @property
    def reference(self) -> RegionWeights:
        """The known ratio that the others are compared with."""
        return self.baselines[0]

    @property
    def known_ratios(self) -> frozenset[str]:
        """The known ratios by name, as in "16-5-4-3-0"."""
        return frozenset(weights.ratio for weights in self.baselines)

    @property
    def is_branched(self) -> bool:
        """Whether the trials of the search branch from trunks."""
        return self.strategy == "branched"

    @property
    def training_in_words(self) -> str:
        """What one training of the search is called in tables and pictures."""
        return "one branch" if self.is_branched else "one training"

    @cached_property
    def branch_epoch(self) -> int:
        """The epoch, counted from 1, at whose end the trials branch."""
        return branching_epoch(self.config, self.branch_at)

    @cached_property
    def trunk_weights(self) -> RegionWeights:
        """The weights of the trunks."""
        return self.reference if self.trunk_ratio is None else weights_of_ratio(self.regions, self.trunk_ratio)

    @property
    def seeds_of_search(self) -> list[int]:
        """The seeds of the search, the same for all trials, so that they can be paired."""
        return list(range(self.seed, self.seed + self.search_seeds))

    @property
    def seeds_of_confirmation(self) -> list[int]:
        """The seeds of the confirmation, which the search does not use."""
        first = self.seed + _CONFIRMATION_SEEDS_FROM
        return list(range(first, first + self.confirm_seeds))

    @property
    def results(self) -> Path:
        """Folder of the logs, tables and pictures of the sweep."""
        return self.folder / "sweeps" / self.study

    @property
    def identity(self) -> dict[str, str]:
        """The settings that all trials of a study share, since others are not comparable."""
        scores = " ".join(map(str, self.scores))
        return {
            "space": self.space.signature(self.regions),
            "objective": _STORED_SCORES.get(scores, scores),
            "seed": str(self.seed),
            "search_seeds": str(self.search_seeds),
            "configuration": digest(read_trial_config(self.config)),
            "strategy": self._strategy_in_words(),
        }

    def _strategy_in_words(self) -> str:
        if not self.is_branched:
            return self.strategy
        epochs = training_length(self.config)
        return f"{self.strategy} from {self.trunk_weights.ratio} after epoch {self.branch_epoch} of {epochs}"

    def to_json(self) -> str:
        """The settings as JSON, for a worker."""
        return json.dumps({**asdict(self), "scores": list(map(str, self.scores))}, default=str)

    @classmethod
    def from_json(cls, text: str) -> "SweepSettings":
        """The settings from JSON, in a worker."""
        options: dict[str, Any] = json.loads(text)
        ranges = {name: (low, high) for name, (low, high) in options["space"]["ranges"].items()}
        space = SearchSpace(ranges, tuple(options["space"]["landmark_radius_texels"]))
        paths = {name: Path(options[name]) for name in ("folder", "config")}
        scores = tuple(map(Score.parse, options["scores"]))
        return cls(**{**options, **paths, "scores": scores, "space": space})


def known_weights(regions: RegionTable) -> tuple[RegionWeights, ...]:
    """The known ratios, which every sweep is compared with.

    Returns:
        The default weights of the table, for the five regions the paper's r1 (Table 2); equal weights for all regions
        with a weight, the paper's r2; and those of PRNet if the table has the region of eyes and nose, or its parts.
    """
    equal = {region.name: held_region(regions).weight for region in regions if region.weight > 0}
    names = {region.name for region in regions}
    parts = next((parts for parts in _EYES_NOSE if parts <= names), set())
    prnet = dict.fromkeys(parts, 4.0)
    all_weights = [RegionWeights.of(regions, weights) for weights in ({}, equal, prnet)]
    return tuple({weights.ratio: weights for weights in all_weights}.values())
