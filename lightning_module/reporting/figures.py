"""Pictures of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from datamodules.geometry.regions import RegionTable, is_drawn
from lightning_module.evaluation.nme import BIN_TITLES, YAW_BINS, NMEReport


@dataclass(frozen=True, eq=False)
class FacePicture:
    """A face with its landmarks.

    Attributes:
        image: (H, W, 3) RGB in [0, 1].
        predicted_px: (68, 3) in crop pixels, 0 to 255 over the image.
        true_px: (68, 3).
        title: Caption of the picture.
    """

    image: NDArray[np.float32]
    predicted_px: NDArray[np.float32]
    true_px: NDArray[np.float32]
    title: str


def region_weights_figure(
    weight_map: NDArray[np.float32],
    labels: NDArray[np.uint8],
    landmark_texels: NDArray[np.int64],
    regions: RegionTable,
    name: str,
) -> Figure:
    """Weights over UV space, and the regions that they belong to.

    Args:
        weight_map: (S, S).
        labels: (S, S) labels of the regions.
        landmark_texels: (81, 2) row, col.
        regions: The table of the regions.
        name: Name of the weights, such as "16-5-4-3-0".
    """
    figure = Figure((11, 4.8), layout="constrained")
    areas, weight_axes = figure.subplots(1, 2)
    colours = np.zeros((*labels.shape, 3))
    landmarks_title = f"{len(landmark_texels)} landmarks"
    for region in regions:
        if not is_drawn(region):
            landmarks_title = region.title
            continue
        colours[labels == region.label] = [int(region.colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        areas.plot([], [], "s", color=region.colour, label=region.title)
    areas.imshow(colours)
    areas.plot(
        landmark_texels[:, 1],
        landmark_texels[:, 0],
        ".w",
        markersize=4,
        markeredgecolor="k",
        markeredgewidth=0.3,
        label=landmarks_title,
    )
    areas.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, fontsize=8)  # below, to hide no region
    areas.set_title("regions in UV space")
    picture = weight_axes.imshow(weight_map, cmap="viridis")
    weight_axes.set_title(f"weights {name}, scaled to mean 1")
    figure.colorbar(picture, ax=weight_axes)
    texels = tuple(landmark_texels.T)
    share = weight_map[texels].sum() / weight_map.sum()
    weight_axes.set_xlabel(f"the 81 landmark texels carry {share:.2%} of all weight")
    return figure


def landmarks_figure(faces: Mapping[str, Sequence[FacePicture]]) -> Figure:
    """Predicted and true landmarks, one row for each yaw bin with faces."""
    columns = max(len(row) for row in faces.values())
    figure = Figure((2.6 * columns, 2.9 * len(faces)), layout="constrained")
    grid = figure.subplots(len(faces), columns, squeeze=False)
    for axes_row, (name, row) in zip(grid, faces.items(), strict=True):
        for axes in axes_row:
            axes.axis("off")
        for axes, face in zip(axes_row, row, strict=False):
            _draw_face(axes, face)
        axes_row[0].set_title(f"|yaw| {BIN_TITLES[name]}: true green, predicted red", loc="left", fontsize=9)
    return figure


def ced_figure(reports: Mapping[str, NMEReport], title: str) -> Figure:
    """Cumulative error distribution: the share of faces below each NME, overall and by yaw bin."""
    figure = Figure((7, 5), layout="constrained")
    axes = figure.subplots()
    for name, report in reports.items():
        draw_ced(axes, report.per_face.numpy(), f"{name} (mean of bins {report.mean_of_bins:.2f} %)")
    finish_ced(axes, title)
    return figure


def draw_ced(axes: Axes, errors: NDArray[np.float32], label: str) -> None:
    """Draws the curve of (N,) errors in percent."""
    ordered = np.sort(errors)
    axes.step(
        np.r_[0, ordered], np.r_[0, np.arange(1, len(ordered) + 1) / len(ordered) * 100], where="post", label=label
    )


def finish_ced(axes: Axes, title: str) -> None:
    """Labels the axes of a CED picture."""
    axes.set(xlabel="NME %", ylabel="faces %", ylim=(0, 102), title=title)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)


def bin_order(names: Mapping[str, Sequence[FacePicture]]) -> dict[str, Sequence[FacePicture]]:
    """The bins that have faces, from frontal to profile."""
    return {name: names[name] for name in YAW_BINS if names.get(name)}


def _draw_face(axes: Axes, face: FacePicture) -> None:
    axes.imshow(face.image, extent=(-0.5, 255.5, 255.5, -0.5), interpolation="bilinear")
    axes.plot(face.true_px[:, 0], face.true_px[:, 1], ".", color="#35d435", markersize=3)
    axes.plot(face.predicted_px[:, 0], face.predicted_px[:, 1], ".", color="#ff4040", markersize=2)
    axes.set(xlim=(-0.5, 255.5), ylim=(255.5, -0.5))
    axes.text(4, 250, face.title, color="white", fontsize=7, backgroundcolor=(0, 0, 0, 0.5))
