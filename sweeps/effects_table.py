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
    rows = []
    for factor in effects.factors:
        if factor.levels:
            others = [level for level in factor.levels if level != factor.reference]
            for level in others:
                name = f"{factor.title} {level:g} instead of {factor.reference:g}"
                rows.append([name, *_cells(*effects.curve(factor, np.array([level])))])
        else:
            where = "" if factor.reference else ", where it is not 0"
            rows.append([f"{factor.title} × 10{where}", *_cells(*effects.slope(factor))])
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


def _cells(changes: Array, ends: Array) -> list[str]:
    """The cells of a row, from (1, P) changes and (2, 1, P) ends of their intervals."""
    (means,), ((lows,), (highs,)) = changes, ends
    return [f"{mean:+.3f} ({low:+.3f} to {high:+.3f})" for mean, low, high in zip(means, lows, highs, strict=True)]
