"""Lightning's loggers in addition to MLflow: their options on the command line, and their construction."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from pytorch_lightning.cli import LightningArgumentParser
from pytorch_lightning.loggers import Logger

from datamodules.errors import InputError, OneLineErrors

RUN_FOLDER = "<run folder>"  # stands for the folder of the run in a configuration


class LoggerArguments(OneLineErrors, LightningArgumentParser):
    """Lightning's parser, whose loggers write into the run's folder unless they are given a save_dir."""

    def add_class_arguments(self, class_type: type, *args: Any, **kwargs: Any) -> list[str]:
        """Adds a class's arguments."""
        added: list[str] = super().add_class_arguments(class_type, *args, **kwargs)
        if inspect.isclass(class_type) and issubclass(class_type, Logger) and "save_dir" in added:
            self.set_defaults({"save_dir": RUN_FOLDER})
        return added


def make_loggers(chosen: Any, folder: Path, params: Mapping[str, Any]) -> list[Logger]:
    """The loggers of `--trainer.logger`, which a run uses in addition to MLflow.

    Args:
        chosen: The parsed option: None, true, a logger's class_path and init_args, or a list of these.
        folder: The run's folder.
        params: Hyperparameters to log, under the same names as in MLflow.

    Raises:
        InputError: If a logger cannot be constructed.
    """
    if chosen is None or isinstance(chosen, bool):
        return []
    loggers = [_make_logger(logger, folder) for logger in (chosen if isinstance(chosen, list) else [chosen])]
    for logger in loggers:
        logger.log_hyperparams(dict(params))
    return loggers


def _make_logger(chosen: Namespace, folder: Path) -> Logger:
    init_args: dict[str, Any] = chosen.init_args.as_dict() if chosen.get("init_args") else {}
    if init_args.get("save_dir") == RUN_FOLDER:
        init_args["save_dir"] = str(folder)
    parser = LoggerArguments()
    parser.add_subclass_arguments(Logger, "logger")
    parsed = parser.parse_object({"logger": {"class_path": chosen.class_path, "init_args": init_args}})
    try:
        logger: Logger = parser.instantiate_classes(parsed).logger
    except Exception as error:  # the exception depends on the logger
        raise InputError(f"--trainer.logger: {chosen.class_path} cannot be used ({error}).") from error
    return logger
