"""The model card of the network that comes with the project: recipe, data, seeds, figures, limits and licence."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodules.errors import InputError
from lightning_module.face_module import FaceModule

LICENCE = """\
MIT, as the code. The network was trained on faces that are computed from formulas, and on no photograph, scan or face
model of others, whose terms could extend to it."""

_GROUPS = """\
Synthetic faces are those of the run's own test, which vary as in training. Photographs are the samples that the command
names, described in docs/results.md; odd and even are their ranks in the order of names. Those of odd rank have served
to choose the recipe. All figures are those of the checkpoints, in single precision."""

_FIGURES, _LIMITS = "## Figures", "## Limits"  # titles

_NOT_MEASURED = "Not measured."
_UNKNOWN = "not known"


@dataclass(frozen=True, eq=False)
class Package:
    """A network as the project distributes it.

    Attributes:
        path: Its file.
        module: The network in single precision.
        options: The options that its run was trained with.
        facts: What is known about its training, by name.
        size: Bytes of the file.
        digest: The sha256 of the file, in hexadecimal digits.
        apart_px: Mean distance between the maps of file and checkpoint, in pixels of a crop of 256.
    """

    path: Path
    module: FaceModule
    options: Mapping[str, Any]
    facts: Mapping[str, str]
    size: int
    digest: str
    apart_px: float


def package_card(package: Package, measured: Mapping[str, Any]) -> str:
    """The text of the card, in Markdown.

    Args:
        package: The network.
        measured: "command", "date", "machine" and "figures" as the benchmarks save them; of the figures, "recipe" is
            the command that trains the network, and "networks" holds a mapping of figures for each of its trainings.
            Empty if nothing was measured.

    Raises:
        InputError: If the figures have another form.
    """
    facts, module = package.facts, package.module
    data, trainer = package.options.get("data", {}), package.options.get("trainer", {})
    faces = data.get("synthetic") or {}
    of_predict = "" if module.averages.crops else "; `predict` also averages five crops of a photograph"
    parameters = sum(parameter.numel() for parameter in module.network.parameters())
    kind = "new faces for every epoch" if faces.get("stream") else "faces, the same ones in every epoch"
    rows = {
        "network": f"{type(module.network).__name__}, {parameters:,} parameters, crops of {module.image_size} pixels",
        "trained on": f"{facts.get('trained on', _UNKNOWN)}: {faces.get('samples', _UNKNOWN)} {kind}",
        "data's fingerprint": facts.get("data's fingerprint", _UNKNOWN),
        "epochs": f"{facts.get('epoch', _UNKNOWN)} of {trainer.get('max_epochs', _UNKNOWN)}, the best of the validation",
        "seed": facts.get("seed", _UNKNOWN),
        "region weights": module.region_weights.ratio.replace("-", ":"),
        "averages over": f"{module.averages.in_words}{of_predict}",
        "code": facts.get("code", _UNKNOWN),
        "file": f"`{package.path.name}`, {package.size / 1e6:.1f} MB, safetensors in half precision",
        "sha256": package.digest,
        "half precision": f"moves a point by {package.apart_px:.2g} px on average, in crops of 256 pixels",
    }
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
    return f"""# The network that comes with weightmask

It reconstructs 3-D faces from photographs: a crop to a UV position map. `python run.py predict me.jpg` uses it, and the
name `pretrained` stands for it wherever a network is chosen.

{table}

The crop is a square about the face, its side {module.crop.margin:g} times the mean of width and height of the box of the 68
landmarks.

## Recipe

{_recipe(measured)}

{_FIGURES}

{_figures(measured, facts)}

{_LIMITS}

The network was trained on no photograph; photographs have only served to choose its recipe and the confidence that
`predict` asks for, and to test it. Heads that look far up or down are turned too little, brows are marked too high on
some faces, and the pose depends on the crop by a few degrees; averages over crops help. It expects one face in the
middle of each crop, found by a detector or marked by hand. It measures nobody: the shape that it returns is a likely
one, without scale, and must not be used to recognise or judge people.

## Licence

{LICENCE}
"""


def with_figures(card: str, measured: Mapping[str, Any]) -> str:
    """A card with other figures, which are those of `package_card`.

    Raises:
        InputError: If the figures have another form, or the card has no such section.
    """
    before, figures, rest = card.partition(f"{_FIGURES}\n")
    _, limits, after = rest.partition(f"\n{_LIMITS}\n")
    if not (figures and limits):
        raise InputError(f'the card has no "{_FIGURES}" before "{_LIMITS}". Pack the network again.')
    return f"{before}{_FIGURES}\n\n{_figures(measured, {})}\n\n{_LIMITS}\n{after}"


def _recipe(measured: Mapping[str, Any]) -> str:
    recipe = _of(measured, "recipe", str) or _UNKNOWN
    return f"```bash\n{recipe}\n```" if recipe != _UNKNOWN else "Not known."


def _figures(measured: Mapping[str, Any], facts: Mapping[str, str]) -> str:
    """A table of all trainings, and the figures that the run itself recorded."""
    networks: Mapping[str, Any] = _of(measured, "networks", Mapping) or {}
    own = facts.get("figures", "")
    if not networks:
        return own or _NOT_MEASURED
    if not all(isinstance(figures, Mapping) for figures in networks.values()):
        raise InputError(f"the figures of the networks are {networks}. Give the file of benchmarks.pretrained_recipe.")
    names = dict.fromkeys(name for figures in networks.values() for name in figures)
    lines = [
        f"| NME % of the 68 landmarks, unless otherwise said | {' | '.join(networks)} |",
        "|---" * (len(networks) + 1) + "|",
        *(f"| {name} | {' | '.join(_cell(figures.get(name)) for figures in networks.values())} |" for name in names),
    ]
    machine = measured.get("machine") or {}
    where = machine.get("gpu") or f"{machine.get('cores', _UNKNOWN)} cores of {machine.get('processor', _UNKNOWN)}"
    source = f"`{measured.get('command', _UNKNOWN)}`, {measured.get('date', _UNKNOWN)}, {where}."
    table = "\n".join(lines)
    return f"{table}\n\n{source}\n\n{_GROUPS}"


def _of(measured: Mapping[str, Any], name: str, kind: type) -> Any:
    """An entry of the figures, or None if it is missing."""
    figures = measured.get("figures", {})
    value = figures.get(name) if isinstance(figures, Mapping) else figures
    if value is not None and not isinstance(value, kind):
        raise InputError(f"the figures have {name} {value!r}. Give the file of benchmarks.pretrained_recipe.")
    return value


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
