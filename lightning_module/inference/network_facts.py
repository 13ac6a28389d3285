"""What is known about the training of a network: from the run of its checkpoint, or from its network file."""

from pathlib import Path
from typing import Any

import yaml

from lightning_module.checkpoint import checkpoint_digest, read_facts
from lightning_module.evaluation.evaluation_record import FOLDER, read_record
from lightning_module.packed_network import is_packed
from lightning_module.reporting.evaluation_report import description
from lightning_module.tracking.run_folder import RunFolder

_TAGS = {
    "trained on": "dataset.train",
    "data's fingerprint": "fingerprint.data",
    "face model's fingerprint": "fingerprint.morphable_model",
    "code": "mlflow.source.git.commit",
}


def network_facts(path: Path) -> dict[str, str]:
    """Facts by name: "run", "seed", "epoch", "figures" of its own tests, and others; those that are not known are left out.

    Args:
        path: A checkpoint; or a network file or an imported checkpoint, which carry facts of their own.

    Raises:
        InputError: If a network file or a record of a test is damaged.
    """
    run = None if is_packed(path) else RunFolder.of_checkpoint(path)
    if run is None:
        return read_facts(path)
    tags, digest = run.tags(), checkpoint_digest(path)
    seed = run_options(run).get("seed_everything")
    tests = [name for name in tags if name.endswith(".checkpoint") and tags[name].endswith(digest)]
    epochs = [tags.get(f"{name.removesuffix('.checkpoint')}.epoch") for name in tests]
    known: dict[str, str | None] = {
        "run": run.key,
        **{name: tags.get(tag) for name, tag in _TAGS.items()},
        "seed": None if seed is None else str(seed),
        "epoch": epochs[0] if epochs else None,
        "figures": _figures(run, tests),
    }
    return {name: value for name, value in known.items() if value}


def run_options(run: RunFolder) -> dict[str, Any]:
    """The options that a run was trained with, or nothing if its configuration is missing or damaged."""
    try:
        options = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return options if isinstance(options, dict) else {}


def _figures(run: RunFolder, tests: list[str]) -> str:
    """The test figures of a checkpoint, in Markdown; those of other epochs of its run are left out."""
    slugs = {name.removeprefix("test.").removesuffix(".checkpoint") for name in tests}
    records = [read_record(path) for path in sorted((run.path / FOLDER).glob("*.json")) if path.stem in slugs]
    return "\n\n".join(description(record.summaries(), record.dataset) for record in records)
