"""NME by yaw bin as a table: for the terminal, and for MLflow."""

from collections.abc import Mapping

from rich.table import Table

from lightning_module.nme import YAW_BINS, NMEReport

# Table 1 of Shi et al., as printed there; its own network and weights, on the whole of AFLW2000-3D.
PAPER_ROW = {"yaw_00_30": 2.69, "yaw_30_60": 3.48, "yaw_60_90": 4.58, "mean": 3.58}
AFLW2000_COUNTS = {"yaw_00_30": 1312, "yaw_30_60": 383, "yaw_60_90": 305}

PROTOCOL_TITLES = {
    "nme": "68 landmarks, x y",
    "nme_3d_mean_z": "68 landmarks, x y z, mean z removed",
    "nme_dense": "all face texels, x y",
    "nme_eyes_nose": "eyes and nose, x y",
    "nme_mouth": "mouth, x y",
    "nme_face": "rest of the face, x y",
    "nme_mean_map": "always the mean map: 68 landmarks, x y",
}
_BIN_TITLES = {"yaw_00_30": "0-30°", "yaw_30_60": "30-60°", "yaw_60_90": "60-90°"}


def nme_table(reports: Mapping[str, NMEReport], title: str, is_aflw2000: bool = False) -> Table:
    """Rows are protocols, columns yaw bins. An empty bin is a dash; the mean is that of the bins that are there.

    The paper's row stands beside the whole of AFLW2000-3D alone, which its name and its counts must both say.
    """
    counts = reports["nme"].counts
    table = Table(title=f"NME % by |yaw|, {title}", title_justify="left")
    table.add_column("protocol")
    for name in YAW_BINS:
        table.add_column(f"{_BIN_TITLES[name]}\nn = {counts[name]}", justify="right")
    table.add_column("mean\nof bins", justify="right")
    table.add_column("mean\nof faces", justify="right")
    for protocol, report in reports.items():
        figures = [*report.by_bin.values(), report.mean_of_bins, report.mean_of_faces]
        table.add_row(PROTOCOL_TITLES[protocol], *map(_percent, figures))
    if is_aflw2000 and counts == AFLW2000_COUNTS:
        table.add_row("Shi et al., Table 1, as printed", *map(_percent, PAPER_ROW.values()), _percent(float("nan")))
    return table


def nme_rows(reports: Mapping[str, NMEReport], stage: str, dataset: str) -> dict[str, list[str | int | float | None]]:
    """Columns of `nme_by_yaw.json`, one row a protocol and bin; an empty bin is null."""
    columns: dict[str, list[str | int | float | None]] = {
        name: [] for name in ("stage", "dataset", "protocol", "bin", "nme_percent", "faces")
    }
    for protocol, report in reports.items():
        figures = {**report.by_bin, "mean_of_bins": report.mean_of_bins, "mean_of_faces": report.mean_of_faces}
        for name, value in figures.items():
            row = (stage, dataset, protocol, name, None if value != value else value,
                   report.counts.get(name, len(report.per_face)))  # fmt: skip
            for column, cell in zip(columns.values(), row, strict=True):
                column.append(cell)
    return columns


def _percent(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"
