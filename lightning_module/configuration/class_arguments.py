"""Arguments of exchangeable classes: those of another class are left out, and those that the data decide are refused."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from datamodules.errors import InputError

EXCHANGEABLE = ("model.network", "data.reader")  # options that name a class

_GROUPS = ("model", "data", "trainer", "tracking")
_WEIGHTS = "--model.weights"
_CHECKPOINTS = ("--ckpt_path", "--init_from", "--branch_from")


def options_of_file(path: Path) -> dict[str, Any]:
    """The options in a configuration file.

    Raises:
        InputError: If it cannot be read, is no YAML, or holds something else than groups of options.
    """
    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path}: is no YAML file ({' '.join(str(error).split())}). Mend it, or leave it out."
        ) from error
    if not isinstance(options, dict):
        raise InputError(f"{path}: holds no options. Give lines such as those of conf/default.yaml, or leave it out.")
    weights = options["model"].get("weights", {}) if isinstance(options.get("model"), dict) else {}
    groups = {name: options[name] for name in _GROUPS if name in options} | {"model.weights": weights}
    for name, values in groups.items():
        if not isinstance(values, dict):
            raise InputError(f"{path}: {name} is {values!r}. Give options below it, or leave it out.")
    return options


def named_classes(config: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The exchangeable options of a configuration file, each with the class that the file names."""
    return {(option, spec["class_path"]) for option, spec in _specs(config) if isinstance(spec.get("class_path"), str)}


def is_other_class(named: str, chosen: str) -> bool:
    """Whether a class that a file names, with or without its module, is another than the chosen one."""
    return named != (chosen if "." in named else chosen.rpartition(".")[2])


def without_other_classes(config: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, Any]:
    """A configuration without the arguments of classes that are not used.

    Args:
        config: Options by group.
        chosen: The class that is used in the end, by option.
    """
    left = dict(config)
    for option, named in named_classes(config):
        if option in chosen and is_other_class(named, chosen[option]):
            group, _, name = option.partition(".")
            left[group] = {key: value for key, value in left[group].items() if key != name}
    return left


def without_network_arguments(args: Sequence[str]) -> list[str]:
    """A command line that names a checkpoint, without the arguments of the network, whose class the checkpoint names.

    A command line without a checkpoint is returned unchanged.
    """
    if not any(argument.partition("=")[0] in _CHECKPOINTS for argument in args):
        return list(args)
    left: list[str] = []
    rest = iter(args)
    for argument in rest:
        if not argument.startswith("--model.network."):
            left.append(argument)
        elif "=" not in argument:
            next(rest, None)
    return left


def refuse_image_size(config: Mapping[str, Any], source: str) -> None:
    """Raises InputError if a configuration sets the image size of a network, which data.image_size decides."""
    for option, spec in _specs(config):
        arguments = spec.get("init_args", spec)
        if option == "model.network" and isinstance(arguments, Mapping) and "image_size" in arguments:
            raise InputError(
                f"{source}: sets image_size of model.network. Set data.image_size, which the network takes."
            )


def plain_arguments(args: Sequence[str]) -> list[str]:
    """The command line with region weights that are given at once, as --model.weights '{mouth: 8}', one by one.

    Raises:
        InputError: If it sets the image size of the network, which --data.image_size decides.
    """
    plain: list[str] = []
    rest = iter(args)
    for argument in rest:
        name, _, value = argument.partition("=")
        if re.fullmatch(r"--model\.network\.(init_args\.)?image_size", name):
            raise InputError(f"{name}: the network takes its image size from --data.image_size. Set that alone.")
        if name not in (_WEIGHTS, "--model.network"):
            plain.append(argument)
            continue
        given = [argument] if "=" in argument else [argument, *([following] if (following := next(rest, None)) else [])]
        options = _mapping(value if "=" in argument else given[-1])
        if name == _WEIGHTS and options:
            plain += [f"{_WEIGHTS}.{region}={weight}" for region, weight in options.items()]
            continue
        refuse_image_size({"model": {"network": options}}, name)
        plain += given
    return plain


def _specs(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for option in EXCHANGEABLE:
        group, _, name = option.partition(".")
        options = config.get(group)
        spec = options.get(name) if isinstance(options, Mapping) else None
        if isinstance(spec, Mapping):
            yield option, spec


def _mapping(text: str) -> dict[str, Any]:
    """A YAML mapping, or an empty one where the text is something else."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return value if isinstance(value, dict) else {}
