"""`run.py reproduce`: from the downloads to the tables and figures of the paper."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.errors import InputError
from datamodules.files.unpacking import require_room
from lightning_module.reproduction.budgets import BUDGETS, Budget, BudgetName, checked_ratios, ratio_title
from lightning_module.reproduction.florence_error import florence_sentence
from lightning_module.reproduction.inventory import Inventory, take_inventory
from lightning_module.reproduction.paper_page import Results, write_paper
from lightning_module.reproduction.paper_tables import MeasuredSystem
from lightning_module.reproduction.plan_output import print_plan
from lightning_module.reproduction.reproduced_runs import best_network
from lightning_module.reproduction.reproduction_folder import STEPS, held_folder, require_budget
from lightning_module.reproduction.reproduction_plan import FLORENCE, PRNET_TEST, Plan, make_plan
from lightning_module.reproduction.reproduction_steps import Markers, Outcome
from lightning_module.reproduction.training_time import time_training


def reproduce(
    downloads: Path,
    out: Path,
    ratios: list[str] | None = None,
    seeds: int | None = None,
    budget: BudgetName = "paper",
    dry_run: bool = False,
) -> Path | None:
    """Makes the tables and figures of the paper from the downloads: Tables 1 and 2, and Figs. 6 to 9.

    It looks for 300W-LP.zip, AFLW2000-3D.zip, the Basel Face Model or the files that it is made of, PRNet's weights and the
    Florence scans, by their content, in folders and archives. It unpacks them, trains 16:5:4:3:0, 1:1:1:1:0 and the ratios
    that are asked for from the same seeds, tests them, and writes paper.md and paper.html. The same command goes on where
    it was interrupted.

    Args:
        downloads: Folder of the downloads.
        out: Folder of the data, the runs and the pages.
        ratios: Further ratios to train, such as 16:4:4:3:0.
        seeds: Trainings of each ratio, from the seeds 0, 1, ...; by default 3, and 1 for --budget smoke.
        budget: `paper` trains as conf/paper.yaml says on all samples; `smoke` runs every step in minutes, with a small
            network on a few samples.
        dry_run: Only say what was found, what would be done, how long it takes on this machine, and how much room.

    Returns:
        paper.html; None for a dry run.

    Raises:
        InputError: If something that is needed is missing or damaged, or the disk has no room.
    """
    chosen, weights = BUDGETS[budget], checked_ratios(ratios or [])
    count = chosen.seeds if seeds is None else seeds
    if count < 1:
        raise InputError(f"--seeds is {count}: give at least 1.")
    downloads, out = downloads.expanduser().absolute(), out.expanduser().absolute()  # commands of the page name both
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file. Set --out to a folder.")
    found = take_inventory(downloads, out)
    plan = make_plan(found, chosen, weights, count, out, time_training(chosen.config))
    markers = Markers(out / STEPS)
    require_budget(out, chosen)
    done = {step.name: outcome for step in plan.steps if (outcome := markers.outcome(step)) is not None}
    print_plan(found, plan, done, out)
    if dry_run:
        return None
    require_room(out, sum(step.room for step in plan.steps if step.name not in done))
    try:
        with held_folder(out, chosen):
            pages = _made(found, plan, chosen, markers, out)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.")
        raise
    print(
        f"{' and '.join(map(str, pages))}\nCompare runs: python run.py compare --tracking.folder {plan.data.tracking}"
    )
    return pages[-1]


def _made(found: Inventory, plan: Plan, budget: Budget, markers: Markers, out: Path) -> list[Path]:
    """Does what is not done yet, and writes the pages."""
    outcomes = {step.name: markers.do(step) for step in plan.steps}
    results = Results(
        _ratios(plan, outcomes),
        _others(plan, outcomes),
        _networks(plan, outcomes),
        plan.data.test,
        plan.data.model,
        budget.name == "smoke",
        florence_sentence(outcomes.get(FLORENCE)),
        found.missing + found.faults,
        [step.command for step in plan.steps if step.command],
    )
    return write_paper(results, out)


def _ratios(plan: Plan, outcomes: dict[str, Outcome]) -> list[MeasuredSystem]:
    by_ratio: dict[str, list[tuple[int, Outcome]]] = {}
    for training in plan.trainings:
        by_ratio.setdefault(ratio_title(training.weights), []).append((training.seed, outcomes[training.step.name]))
    return [
        MeasuredSystem(
            title,
            [plan.data.record(outcome) for _, outcome in runs],
            [outcome["run"] for _, outcome in runs],
            [seed for seed, _ in runs],
        )
        for title, runs in by_ratio.items()
    ]


def _others(plan: Plan, outcomes: dict[str, Outcome]) -> list[MeasuredSystem]:
    tested = outcomes.get(PRNET_TEST)
    return [] if tested is None else [MeasuredSystem("PRNet", [plan.data.record(tested)], [tested["run"]])]


def _networks(plan: Plan, outcomes: dict[str, Outcome]) -> Sequence[Path]:
    """The network of each ratio from the first seed."""
    first = [training for training in plan.trainings if training.seed == 0]
    found = [best_network(plan.data.run(outcomes[training.step.name])) for training in first]
    return [path for path in found if path is not None]
