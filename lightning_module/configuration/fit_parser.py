"""The parser of fit, validate and test: one-line errors, configurations of earlier versions, loggers' folders."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml
from jsonargparse import ActionConfigFile, Namespace  # type: ignore[attr-defined]  # missing from its __all__

from lightning_module.configuration.class_arguments import (
    named_classes,
    options_of_file,
    refuse_image_size,
    without_other_classes,
)
from lightning_module.configuration.legacy_config import migrated_config, read_with_notice, refuse_old_names
from lightning_module.configuration.loggers import LoggerArguments

_WEIGHTS = "model.weights"


class _ConfigFile(ActionConfigFile):
    """The action of --config, which merges region weights by name into those of earlier files and options.

    A file that names a table of regions and their weights replaces the earlier weights, which are those of another table.
    """

    @staticmethod
    def apply_config(parser: Any, cfg: Namespace, dest: str, value: Any) -> None:
        """Merges a file into the previous options; jsonargparse alone would replace a dictionary as a whole."""
        options = options_of_file(Path(value)) if Path(value).is_file() else {}  # whose errors name the file
        has_table = "regions" in (options.get("data") or {})
        before = {} if has_table else cfg.get(_WEIGHTS) or {}
        ActionConfigFile.apply_config(parser, cfg, dest, value)
        if before and isinstance(cfg.get(_WEIGHTS), dict):
            cfg[_WEIGHTS] = {**before, **cfg[_WEIGHTS]}


class FitParser(LoggerArguments):
    """Lightning's parser as this project uses it.

    Attributes:
        chosen_classes: Class of each exchangeable option; files leave out arguments of other classes.
        named_classes: Exchangeable options with the classes that files name.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chosen_classes: Mapping[str, str] = {}
        self.named_classes: set[tuple[str, str]] = set()
        self._noticed: set[str] = set()  # files are read once more when they name another class

    def add_argument(self, *args: Any, **kwargs: Any) -> Any:
        """Adds an argument; that of a configuration file gets this project's action."""
        if kwargs.get("action") is ActionConfigFile:
            kwargs["action"] = _ConfigFile
        return super().add_argument(*args, **kwargs)

    def parse_string(self, content: str, path: Any = "", *args: Any, **kwargs: Any) -> Namespace:
        """Parses a configuration, whose options may have the names of an earlier version."""
        try:
            config = yaml.safe_load(content)
        except yaml.YAMLError:
            config = None  # the parser itself reports the error
        if isinstance(config, dict):
            source = str(path) or "the configuration"
            migrated = migrated_config(config) if source in self._noticed else read_with_notice(config, source)
            self._noticed.add(source)
            refuse_image_size(migrated, source)
            self.named_classes |= named_classes(migrated)
            migrated = without_other_classes(migrated, self.chosen_classes)
            if migrated != config:
                content = yaml.safe_dump(migrated, sort_keys=False)
        parsed: Namespace = super().parse_string(content, path, *args, **kwargs)
        return parsed

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raises an error of one line, which names the current option for a renamed one."""
        refuse_old_names(message)
        if "does not implement protocol SampleReader" in " ".join(message.split()):
            message += ". Give its methods the names, parameters and annotations of datamodules.readers.sample_reader."
        if "surrogates not allowed" in message:
            message += ". The locale of this terminal has no such letters: set LC_ALL=C.UTF-8"
        if "No module named" in message:
            message += ". Run from the folder that has the module, or name that folder in PYTHONPATH."
        if option := re.search(r'"model\.network":\s+Option \'(\w+)\' is not accepted', " ".join(message.split())):
            message = (
                f"--model.network.{option[1]}: the chosen network has no such option. Name the network that has it too, "
                "such as --model.network Hourglass."
            )
        message = re.sub(r"^Call to compute_fn of link .*? failed: ", "", message)
        super().error(re.sub(r" \(all options: [^)]*\)", "", message), ex)  # added by the parser of a class
