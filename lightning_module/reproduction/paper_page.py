"""Writes `paper.md` and `paper.html`: the tables and figures of the paper, as far as the downloads allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from datamodules.errors import cannot_write
from datamodules.files.atomic_files import whole_file, write_whole
from lightning_module.evaluation.nme import NMEReport
from lightning_module.reporting.figures import ced_figure
from lightning_module.reproduction.paper_document import (
    Block,
    Heading,
    Items,
    Paragraph,
    Picture,
    TableBlock,
    html_page,
    markdown_page,
)
from lightning_module.reproduction.paper_faces import chosen_faces, faces_figure
from lightning_module.reproduction.paper_tables import (
    MeasuredSystem,
    is_printed_beside,
    mean_face,
    pooled_reports,
    table_1,
    table_2,
)

TITLE = "Face Reconstruction with Specific Weight Mask: a reproduction"
_SHOWN_RATIOS = 2  # of which faces are drawn
_DPI = 110


@dataclass(frozen=True, eq=False)
class Results:
    """What a reproduction has measured.

    Attributes:
        ratios: The tests of each ratio over the same seeds, the first being the paper's.
        others: Tests of other systems on the same faces.
        networks: A checkpoint of each ratio, of the first seed.
        test: Folder of the test set.
        model: BFM.mat.
        is_smoke: Whether the trainings only show that every step works.
        florence: One sentence about the Florence scans.
        missing: One line for each part that could not be reproduced.
        commands: The command lines of the trainings and tests.
    """

    ratios: Sequence[MeasuredSystem]
    others: Sequence[MeasuredSystem]
    networks: Sequence[Path]
    test: Path
    model: Path
    is_smoke: bool
    florence: str
    missing: Sequence[str]
    commands: Sequence[str]


def write_paper(results: Results, out: Path) -> list[Path]:
    """Writes both pages and their pictures, and returns the paths of the pages.

    Raises:
        InputError: If they cannot be written.
    """
    pictures = out / "pictures"
    try:
        pictures.mkdir(parents=True, exist_ok=True)
        blocks = _blocks(results, pictures)
        pages = {out / "paper.md": markdown_page(TITLE, blocks, out), out / "paper.html": html_page(TITLE, blocks)}
        for path, text in pages.items():
            write_whole(path, text)
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    return list(pages)


def _blocks(results: Results, pictures: Path) -> list[Block]:
    first = results.ratios[0]
    baseline = mean_face(first.records[0])
    systems = [first, *results.others, *([baseline] if baseline is not None else [])]
    frame, comparison = table_1(systems)
    seeds = len(first.seeds)
    together = f"{seeds} seeds together" if seeds > 1 else "one seed"
    dataset = comparison.dataset
    by_system, by_ratio = pooled_reports(systems), pooled_reports(results.ratios)
    shown = dict(list(zip((own.name for own in results.ratios), results.networks, strict=True))[:_SHOWN_RATIOS])
    one_seed = {own.name: own.reports[0] for own in results.ratios}
    return [
        *_notices(results, dataset),
        Heading("Table 1: NME on the test faces by yaw"),
        Paragraph(f"{comparison.title}. Ours is the mean over the seeds; 95 % is its bootstrap interval over faces."),
        TableBlock(frame),
        *([Paragraph(comparison.note)] if comparison.note else []),
        Heading("Table 2: ratios of region weights"),
        Paragraph(
            f"NME %, {comparison.protocol.title}, on {dataset}; mean over the seeds, ± deviation between seeds where there "
            "are several. Paired rows are differences from the same seeds; above 0, the first ratio is better. Intervals are "
            "over faces."
        ),
        TableBlock(table_2(results.ratios)),
        Heading("Figure 7: cumulative errors by system"),
        _ced(by_system, f"CED, {dataset}, {together}", pictures / "ced_systems.png"),
        Heading("Figure 8: cumulative errors by ratio"),
        _ced(by_ratio, f"CED, {dataset}, {together}", pictures / "ced_ratios.png"),
        Heading("Figures 6 and 9: the best, the median and the worst face"),
        Paragraph(
            f"Chosen by the errors of {first.name} from its first seed. Red rings are landmarks that the photograph does not "
            "show. Shapes stand upright, and are seen from the front and from the side that the photograph shows."
        ),
        _faces(results, shown, one_seed, pictures / "faces.png"),
        Heading("Florence scans"),
        Paragraph(results.florence),
        Heading("What was not there"),
        Items(results.missing) if results.missing else Paragraph("Nothing that the tables and figures need."),
        Heading("Commands"),
        Paragraph("These commands of the project's folder do the same, one by one."),
        Items(results.commands, is_code=True),
    ]


def _notices(results: Results, dataset: str) -> list[Block]:
    first = results.ratios[0]
    notices = []
    if results.is_smoke:
        notices.append(
            "These figures are no results: a small network was trained for minutes on few faces (--budget smoke), to show "
            "that every step works."
        )
    if not is_printed_beside(first):
        count = len(first.reports[0].per_face)
        notices.append(
            f"The test set, {dataset} with {count} faces, is not the whole of AFLW2000-3D. Published figures are therefore "
            "not shown beside these."
        )
    return [Paragraph(text, is_notice=True) for text in notices]


def _ced(reports: Mapping[str, NMEReport], title: str, path: Path) -> Picture:
    return _saved(ced_figure(reports, title), path, f"Share of the faces below each error: {', '.join(reports)}.")


def _faces(results: Results, networks: Mapping[str, Path], reports: Mapping[str, NMEReport], path: Path) -> Picture:
    faces = chosen_faces(results.ratios[0].reports[0])
    figure = faces_figure(faces, networks, reports, results.test, results.model)
    return _saved(figure, path, f"The best, the median and the worst face by {' and '.join(networks)}.")


def _saved(figure: Figure, path: Path, caption: str) -> Picture:
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=_DPI, format="png")
    return Picture(path, caption)
