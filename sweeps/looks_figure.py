"""The picture of a confirmation's looks: how clear each difference was, and how clear it had to be."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from lightning_module.evaluation.paired_seeds import Array
from lightning_module.evaluation.sequential import boundary, futility_limit, normal_scores
from sweeps.confirmation_course import Course
from sweeps.verdict import Verdict

COLOURS = {"better": "tab:green", "worse": "tab:red", "not distinguishable": "tab:grey", "diverged": "tab:orange"}
_MARKERS = "osD^vP*X"


def looks_figure(
    verdicts: Sequence[Verdict], differences: Mapping[str, Array], course: Course, reference: str
) -> Figure:
    """The score of each ratio at its looks, between the boundaries beyond which it is better or worse.

    Args:
        verdicts: One line each.
        differences: (S,) percent less the reference of each ratio, for the seeds that it was looked at.
        course: The confirmation.
        reference: The ratio that is subtracted.
    """
    figure = Figure((8, 4.8), layout="constrained")
    axes = figure.subplots()
    looks, ratios = course.design.looks, max(map(len, course.families))
    limits = [boundary(course.design, look, ratios) for look in looks]
    one = [boundary(course.design, look) for look in looks]
    for sign in (-1, 1):
        axes.plot(
            looks, [sign * limit for limit in limits], "-", color="black", label=f"significant, first of {ratios}"
        )
        axes.plot(looks, [sign * limit for limit in one], "--", color="black", label="significant, last of all")
    given_up = [futility_limit(course.design, look) for look in looks]
    axes.fill_between(looks, [-limit for limit in given_up], given_up, color="0.92", label="given up")
    for marker, verdict in zip(_MARKERS * len(verdicts), verdicts, strict=False):
        seen = [look for look in looks if look <= verdict.seeds]
        scores = [float(normal_scores(differences[verdict.ratio][:look])) for look in seen]
        label = f"{verdict.ratio}: {verdict.outcome}"
        axes.plot(seen, scores, f"{marker}-", color=COLOURS[verdict.outcome], label=label)
    axes.set_xticks(looks)
    axes.set(
        xlabel="seeds",
        ylabel=f"score of the difference from {reference}",
        title="below the lower lines better, above the upper ones worse",
    )
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(list(handles.values()), list(handles), fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
