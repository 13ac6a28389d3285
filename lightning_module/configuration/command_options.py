"""The options of `run.py fit`, `validate` and `test`, and the network and data that they describe."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from jsonargparse import Namespace
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from datamodules.errors import InputError, complaint, described
from datamodules.face_datamodule import FaceDataModule
from datamodules.geometry.regions import checked_table, five_regions
from lightning_module.configuration.class_arguments import (
    EXCHANGEABLE,
    is_other_class,
    named_classes,
    plain_arguments,
    without_network_arguments,
    without_other_classes,
)
from lightning_module.configuration.fit_parser import FitParser
from lightning_module.configuration.null_options import refuse_nulls
from lightning_module.configuration.run_origin import STARTS, Origin, find_origin
from lightning_module.configuration.run_plan import RunPlan
from lightning_module.configuration.secret_options import shareable
from lightning_module.configuration.trainer_options import refuse_useless_options
from lightning_module.evaluation.protocols import validation_protocols
from lightning_module.evaluation.score import DEFAULT_SCORE, Score
from lightning_module.face_module import FaceModule
from lightning_module.networks.hourglass import Hourglass
from lightning_module.pretrained_network import is_pretrained
from lightning_module.project import PROJECT
from lightning_module.region_weights import RegionWeights
from lightning_module.tracking.tracking_place import TrackingOptions
from lightning_module.weight_file import read_weight_map

_DEFAULTS = PROJECT / "conf" / "default.yaml"
_NETWORK, _HOURGLASS = "model.network", f"{Hourglass.__module__}.{Hourglass.__name__}"
_LARGEST_SEED = 2**32 - 1  # of numpy
_DESCRIPTIONS = {
    "fit": "Trains a network, and tests its best epoch if there is test data.",
    "validate": "Evaluates a checkpoint on the validation faces.",
    "test": "Evaluates a checkpoint on the test faces.",
}


class FaceCLI(LightningCLI):
    """The options of fit, validate and test, and the objects that they describe.

    Args:
        command: "fit", "validate" or "test".
        args: Its options.

    Attributes:
        origin: The checkpoint that the command starts from.

    Raises:
        InputError: If an option is unknown or cannot be used.
    """

    def __init__(self, command: str, args: Sequence[str]) -> None:
        self.command = command
        self.origin: Origin | None = None
        self._args = plain_arguments(args)
        super().__init__(
            FaceModule,
            FaceDataModule,
            save_config_callback=None,
            seed_everything_default=0,
            parser_class=FitParser,
            auto_configure_optimizers=False,
            parser_kwargs={
                "prog": f"run.py {command}",
                "description": _DESCRIPTIONS[command],
                "allow_abbrev": False,
                "default_config_files": [str(_DEFAULTS)],
            },
            args=self._args,
            run=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Adds the options of this project, and links those that network and data share."""
        parser.add_argument("--tracking", type=TrackingOptions, default=TrackingOptions())
        for name, text in (
            (
                "ckpt_path",
                "checkpoint to test, or to continue the run of; `last` is that of the newest run; `pretrained`, to test "
                "only, is the network that comes with the project",
            ),
            ("init_from", "fit: checkpoint whose weights a new run starts from, or `pretrained`"),
            ("branch_from", "fit: checkpoint that a new run continues with other options, such as region weights"),
            ("maps", "test: folder for the predicted position maps"),
        ):
            parser.add_argument(f"--{name}", type=Path | None, default=None, help=text)
        parser.add_argument(
            "--test_at_end", type=bool, default=True, help="fit: test the best epoch if there is test data"
        )
        parser.add_argument(
            "--score",
            type=str,
            default=str(DEFAULT_SCORE),
            help="fit: validation figure that chooses the best epoch, as <protocol>:<reduction>, such as nme_mouth:worst",
        )
        parser.link_arguments("seed_everything", "data.seed", compute_fn=_whole_number)
        parser.link_arguments("data.image_size", "model.image_size")
        parser.link_arguments("data.crop_margin", "model.crop_margin")
        # ignored by networks without this argument
        parser.link_arguments("data.image_size", "model.network.init_args.image_size")
        parser.link_arguments("data.regions", "model.regions")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parses the options; they are merged into those of the checkpoint, or of the run to continue."""
        self.config = self._parsed(parser, without_network_arguments(self._args))
        runs = TrackingOptions(**self.config.tracking.as_dict()).place(PROJECT).runs
        self.origin = find_origin(self.command, self.config, runs)
        if self.origin is not None:
            with TemporaryDirectory() as folder:
                base = Path(folder) / "base.yaml"
                options = self.origin.base_config()
                if self.config.data.regions is not five_regions:  # the checkpoint's table need not be importable then
                    options.get("data", {}).pop("regions", None)
                base.write_text(yaml.safe_dump(options), encoding="utf-8")
                self.config = self._parsed(parser, ["--config", str(base), *self._args])
            self.config[self.origin.start] = self.origin.named
        regions = checked_table(self.config.data.regions)
        Score.parse(self.config.score).require(protocol.name for protocol in validation_protocols(regions))
        weights = RegionWeights.of(regions, self.config.model.weights, self.config.model.landmark_radius_texels)
        for name, value in weights.options.items():  # the configuration of a run lists all weights
            self.config.model[name] = value
        if self.origin is not None:
            self.origin.refuse_changes(self.plain_options()["model"])

    def before_instantiate_classes(self) -> None:
        """Makes paths absolute, so that a run's configuration repeats it from any folder."""
        for name, value in list(self.config.items()):
            if isinstance(value, Path) and not (name in STARTS and is_pretrained(value)):
                self.config[name] = value.expanduser().absolute()

        if self.command != "fit":
            return
        # faulty options end the command before a run is made
        refuse_useless_options(self.config.trainer)
        TrackingOptions(**self.config.tracking.as_dict()).check_epochs(self.config.trainer.max_epochs)
        if self.config.model.weight_map is not None:
            read_weight_map(self.config.model.weight_map)

    def instantiate_classes(self) -> None:
        """Constructs the module and the data module; the trainer and its loggers need a run first."""
        config = self.config.clone()
        config.trainer.logger = None
        try:
            self.config_init = self.parser.instantiate_classes(config)
        except InputError:
            raise
        # what the constructor of a class that an option names raises depends on the class
        except Exception as error:
            raise InputError(
                f"an object that the options describe cannot be made ({complaint(described(error))})."
            ) from error
        self.datamodule = self.config_init.data
        self.model = self.config_init.model

    @staticmethod
    def _parsed(parser: LightningArgumentParser, args: Sequence[str]) -> Namespace:
        """The parsed options; arguments that files give for another network or reader than the chosen one do not count.

        jsonargparse keeps those that the new class happens to have too, such as a default width of the hourglass.
        """
        assert isinstance(parser, FitParser)
        defaults = yaml.safe_load(_DEFAULTS.read_text(encoding="utf-8"))
        parser.named_classes, parser.chosen_classes = named_classes(defaults), {}
        parser.set_defaults({_NETWORK: {"class_path": _HOURGLASS}})
        config: Namespace = parser.parse_args(list(args))
        refuse_nulls(parser, config)
        chosen = {option: config[option].class_path for option in EXCHANGEABLE if "class_path" in config[option]}
        if not any(is_other_class(named, chosen.get(option, named)) for option, named in parser.named_classes):
            return config
        parser.chosen_classes = chosen
        parser.set_defaults({_NETWORK: {"class_path": chosen[_NETWORK]}})
        with TemporaryDirectory() as folder:
            path = Path(folder) / _DEFAULTS.name
            path.write_text(yaml.safe_dump(without_other_classes(defaults, chosen)), encoding="utf-8")
            parser.default_config_files = [str(path)]
            config = parser.parse_args(list(args))
            parser.default_config_files = [str(_DEFAULTS)]
        refuse_nulls(parser, config)
        return config

    def plain_options(self) -> dict[str, Any]:
        """All options as plain values of YAML."""
        text = self.parser.dump(self.config, skip_link_targets=False, skip_none=False)
        options: dict[str, Any] = yaml.safe_load(text)
        return options

    def plan(self) -> RunPlan:
        """The plan of the command."""
        repeated = self.config.clone()
        if self.origin is not None and self.origin.is_resumed:
            repeated.ckpt_path = None
        values = self.plain_options()
        differs = self.origin is not None and self.origin.evaluates_differently(values["model"])
        config = shareable(self.parser.dump(repeated, skip_none=False))
        return RunPlan(self.command, self.config, values, config, self.origin, differs)


def _whole_number(seed: bool | int) -> int:
    if isinstance(seed, bool):
        raise InputError(f"--seed_everything is {str(seed).lower()}: give a number, the seed of the whole run.")
    if not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"--seed_everything is {seed}: give a whole number from 0 to {_LARGEST_SEED}.")
    return seed
