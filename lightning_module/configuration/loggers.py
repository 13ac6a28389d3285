"""Lightning's loggers in addition to MLflow: their options on the command line, and their construction."""

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from pytorch_lightning.cli import LightningArgumentParser
from pytorch_lightning.loggers import Logger

from datamodules.errors import InputError, OneLineErrors, complaint, described

_log = logging.getLogger(__name__)

_CALLS = ("log_hyperparams", "log_metrics", "log_graph", "save", "finalize", "after_save_checkpoint")
RUN_FOLDER = "<run folder>"  # stands for the folder of the run in a configuration


class LoggerArguments(OneLineErrors, LightningArgumentParser):
    """Lightning's parser, whose loggers write into the run's folder unless they are given a save_dir."""

    def add_class_arguments(self, class_type: type, *args: Any, **kwargs: Any) -> list[str]:
        """Adds a class's arguments."""
        added: list[str] = super().add_class_arguments(class_type, *args, **kwargs)
        if inspect.isclass(class_type) and issubclass(class_type, Logger) and "save_dir" in added:
            self.set_defaults({"save_dir": RUN_FOLDER})
        return added


def make_loggers(chosen: Any, folder: Path) -> list[Logger]:
    """The loggers of `--trainer.logger`, which a run uses in addition to MLflow.

    Args:
        chosen: The parsed option: None, true, a logger's class_path and init_args, or a list of these.
        folder: The run's folder.

    Raises:
        InputError: If a logger cannot be constructed.
    """
    if chosen is None or isinstance(chosen, bool):
        return []
    return [
        _set_aside_when_it_fails(_make_logger(logger, folder))
        for logger in (chosen if isinstance(chosen, list) else [chosen])
    ]


def log_parameters(loggers: Iterable[Logger], params: Mapping[str, Any]) -> None:
    """Logs hyperparameters, under the same names as in MLflow."""
    for logger in loggers:
        logger.log_hyperparams(dict(params))


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
        raise InputError(f"--trainer.logger: {chosen.class_path} cannot be used ({complaint(str(error))}).") from error
    return logger


def _set_aside_when_it_fails(logger: Logger) -> Logger:
    """The same logger, which is not called again after an error: the fit goes on, and MLflow has its figures."""
    has_failed = False

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal has_failed
            if has_failed:
                return None
            try:
                return method(*args, **kwargs)
            except Exception as error:  # noqa: BLE001  # whatever a logger's service raises
                has_failed = True
                _log.warning(
                    "--trainer.logger %s: fails and is left out from here on; MLflow has all figures (%s).",
                    type(logger).__name__,
                    described(error),
                )

        return call

    for name in _CALLS:
        setattr(logger, name, guarded(getattr(logger, name)))
    return logger
