"""The parser of fit, validate and test: one-line errors, configurations of earlier versions, loggers' folders."""

import re
from typing import Any, NoReturn

import yaml
from jsonargparse import ActionConfigFile, Namespace  # type: ignore[attr-defined]  # missing from its __all__

from lightning_module.configuration.legacy_config import read_with_notice, refuse_old_names
from lightning_module.configuration.loggers import LoggerArguments

_WEIGHTS = "model.weights"


class _ConfigFile(ActionConfigFile):
    """The action of --config, which merges region weights by name into those of earlier files and options."""

    @staticmethod
    def apply_config(parser: Any, cfg: Namespace, dest: str, value: Any) -> None:
        """Merges a file into the previous options; jsonargparse alone would replace a dictionary as a whole."""
        before = cfg.get(_WEIGHTS) or {}
        ActionConfigFile.apply_config(parser, cfg, dest, value)
        if before and isinstance(cfg.get(_WEIGHTS), dict):
            cfg[_WEIGHTS] = {**before, **cfg[_WEIGHTS]}


class FitParser(LoggerArguments):
    """Lightning's parser with this project's rules for configuration files and errors."""

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
            migrated = read_with_notice(config, str(path) or "the configuration")
            if migrated != config:
                content = yaml.safe_dump(migrated, sort_keys=False)
        parsed: Namespace = super().parse_string(content, path, *args, **kwargs)
        return parsed

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raises an error of one line, which names the current option for a renamed one."""
        refuse_old_names(message)
        super().error(re.sub(r" \(all options: [^)]*\)", "", message), ex)  # added by the parser of a class
