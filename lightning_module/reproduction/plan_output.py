"""Prints what the downloads hold, and the steps of a reproduction with their time and room."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from lightning_module.reporting.table_printer import print_tables
from lightning_module.reproduction.inventory import Inventory
from lightning_module.reproduction.reproduction_plan import Plan
from lightning_module.reproduction.reproduction_steps import Outcome


def print_plan(found: Inventory, plan: Plan, done: Mapping[str, Outcome], out: Path) -> None:
    """Prints the downloads, the steps and what they take.

    Args:
        found: The downloads.
        plan: The steps.
        done: What the steps that are done came to, by their names.
        out: Folder of the reproduction.
    """
    print_tables(_downloads(found), _steps(plan, done))
    for line in found.missing:
        print(f"Left out: {line}")
    for line in found.faults:
        print(f"Not read: {line}")
    left = [step for step in plan.steps if step.name not in done]
    there = next(place for place in (out, *out.parents) if place.exists())
    seconds, room = sum(step.seconds or 0 for step in left), sum(step.room for step in left)
    free = shutil.disk_usage(there).free
    print(
        f"{len(left)} of {len(plan.steps)} steps to do: about {duration(seconds)} and {size(room)}; the disk of {out} has "
        f"{size(free)} free{'' if room < free else ', which is too little'}.\n"
        f"Trainings are estimated from a few steps of the network on {plan.cost.device}, "
        f"{1000 * plan.cost.image_seconds:,.1f} ms an image, without the reading of samples; {plan.cost.epochs} epochs each."
    )


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def size(count: float) -> str:
    """Bytes in the unit that suits them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _downloads(found: Inventory) -> Table:
    table = Table(title=f"Downloads in {found.root}", title_justify="left")
    for title in ("part", "found", "samples"):
        table.add_column(title, overflow="fold")
    for name, samples in (("to train on", found.training), ("to test on", found.test)):
        table.add_row(name, str(samples.place), f"{len(samples.samples):,}")
    if found.model:
        table.add_row("face model", str(found.model[0].place), "-")
    elif found.raw is not None:
        files = sorted({str(own[0].place) for own in found.raw.files.values() if own})
        table.add_row("face model, raw", "\n".join(files), "-")
    table.add_row("PRNet", str(found.prnet[0].place) if found.prnet else "-", "-")
    scans = found.florence
    table.add_row("Florence scans", str(scans.place) if scans else "-", f"{len(scans.names):,}" if scans else "-")
    return table


def _steps(plan: Plan, done: Mapping[str, Outcome]) -> Table:
    table = Table(title="Steps", title_justify="left")
    table.add_column("step", overflow="fold")
    for title in ("time", "room", "state"):
        table.add_column(title, justify="right", no_wrap=True)
    for step in plan.steps:
        time = "-" if step.seconds is None else duration(step.seconds)
        state = f"done in {duration(done[step.name]['seconds'])}" if step.name in done else "to do"
        table.add_row(step.title, time, size(step.room) if step.room else "-", state)
    return table
