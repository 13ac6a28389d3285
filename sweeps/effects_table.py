"""The table of what each weight does: the change of each region's error with a tenfold weight."""

import numpy as np
import pandas as pd

from lightning_module.evaluation.paired_seeds import Array
from sweeps.weight_effects import Effects


def effects_table(effects: Effects, reference: str, what_differs: str) -> str:
    """The table as Markdown with a sentence that explains it; empty if there are too few trials for a regression.

    Args:
        effects: The effects.
        reference: Name of the ratio of reference, such as "16:5:4:3:0".
        what_differs: What the noise is the deviation of, such as "one branch".
    """
    if effects.fit is None:
        return ""
    rows = [[name, *_cells(changes, ends)] for name, (changes, ends) in single_effects(effects).items()]
    noise = ""
    if np.isfinite(effects.noise).all():
        rows.append([f"noise: {what_differs}", *(f"± {value:.3f}" for value in effects.noise)])
        noise = f" The noise is the deviation over {effects.seeds} seeds."
    columns = ["weight", *(f"error of {measure.title}" for measure in effects.measures)]
    table = pd.DataFrame(rows, columns=columns).to_markdown(index=False, disable_numparse=True)
    return (
        f"Change of the validation NME, in % of the size of the face, if one weight of {reference} becomes ten times as "
        "large, on average over the range of the trials, with its 95 % interval. Estimated from "
        f"{len(effects.changes)} trials at once, by regression on the logarithms of all weights; the intervals come from a "
        f"bootstrap of trials and seeds and are not corrected for their number.{noise}\n\n{table}"
    )


def single_effects(effects: Effects) -> dict[str, tuple[Array, Array]]:
    """What a tenfold weight does, a weight instead of none, and each radius instead of that of the reference.

    Args:
        effects: The effects, with a regression.

    Returns:
        By name, in the order of the factors: (P,) percent of each measured error, and (2, P) the ends of its 95 % interval.

    Raises:
        ValueError: If there is no regression.
    """
    rows = {}
    for factor in effects.factors:
        if factor.levels:
            others = [level for level in factor.levels if level != factor.reference]
            for level in others:
                name = f"{factor.title} {level:g} instead of {factor.reference:g}"
                rows[name] = effects.curve(factor, np.array([level]))
            continue
        if factor.has_switch and not factor.reference:
            rows[f"{factor.title} {factor.middle:.2g} instead of 0"] = effects.curve(factor, np.array([factor.middle]))
        if effects.is_sloped(factor):
            where = ", where it is not 0" if factor.has_switch else ""
            rows[f"{factor.title} × 10{where}"] = effects.slope(factor)
    return {name: (changes[0], ends[:, 0]) for name, (changes, ends) in rows.items()}


def _cells(changes: Array, ends: Array) -> list[str]:
    """The cells of a row, from (P,) changes and (2, P) ends of their intervals."""
    return [f"{mean:+.3f} ({low:+.3f} to {high:+.3f})" for mean, low, high in zip(changes, *ends, strict=True)]
