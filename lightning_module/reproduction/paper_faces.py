"""The best, the median and the worst face of a test, as networks reconstruct them: Figs. 6 and 9 of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from datamodules.dataset import FaceDataset
from datamodules.face_datamodule import FaceDataModule
from datamodules.face_model import FaceModelOptions
from datamodules.files.images import warp_image
from datamodules.geometry.crop import crop_matrix, crop_points, image_matrix
from datamodules.test_set import FaceTestOptions
from lightning_module.evaluation.nme import NMEReport
from lightning_module.inference.crop_maps import crop_maps
from lightning_module.inference.crop_network import MapNetwork, load_network
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.face import Face
from lightning_module.inference.face_views import VIEW_PX, face_view
from lightning_module.inference.overlays import draw_landmarks

SIDE_DEG = 75.0  # of the view from the side
_DOT_PX = 1.6


@dataclass(frozen=True)
class ShownFace:
    """A face of the test.

    Attributes:
        title: Which it is, such as "best".
        position: Its place in the test set.
    """

    title: str
    position: int


def chosen_faces(report: NMEReport) -> list[ShownFace]:
    """The faces with the least, the median and the largest error."""
    order = np.argsort(report.per_face.numpy(), kind="stable")
    places = {"best": 0, "median": (len(order) - 1) // 2, "worst": len(order) - 1}
    return [ShownFace(title, int(order[place])) for title, place in places.items()]


def faces_figure(
    faces: Sequence[ShownFace], networks: Mapping[str, Path], reports: Mapping[str, NMEReport], test: Path, model: Path
) -> Figure:
    """A row for each face: its photograph with landmarks, and its shape from the front and the side by each network.

    Args:
        faces: The faces.
        networks: Checkpoints by name; the landmarks are those of the first.
        reports: The test errors of each network.
        test: Folder of the test set.
        model: BFM.mat.
    """
    data = FaceDataModule(test=FaceTestOptions(test), face_model=FaceModelOptions(model))
    data.prepare_data()
    data.setup("test")
    assert data.test_faces is not None  # set up
    loaded = {name: load_network(path) for name, path in networks.items()}
    figure = Figure((2.1 * (1 + 2 * len(loaded)), 2.35 * len(faces)), layout="constrained")
    grid = figure.subplots(len(faces), 1 + 2 * len(loaded), squeeze=False)
    for axes, shown in zip(grid, faces, strict=True):
        own = {name: _reconstructed(network, data.test_faces, shown.position) for name, network in loaded.items()}
        pictures = [_photograph(next(iter(own.values())))]
        titles = [f"{shown.title}: {Path(data.test_faces.keys[shown.position]).name}"]
        for name, face in own.items():
            # the half that the photograph shows
            side = SIDE_DEG if face.pose[1] >= 0 else -SIDE_DEG
            pictures += [face_view(face, 0.0), face_view(face, side)]
            titles += [f"{name}, {float(reports[name].per_face[shown.position]):.2f} %", "from the side"]
        for place, picture, title in zip(axes, pictures, titles, strict=True):
            place.imshow(picture)
            place.set_title(title, fontsize=8)
            place.axis("off")
    return figure


def _reconstructed(network: MapNetwork, faces: FaceDataset, position: int) -> Face:
    image, crop = faces.index.image(int(faces.rows[position])), faces.box(position)
    (position_map,) = crop_maps(network, image, crop[None])
    x, y, side = crop
    box = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2])
    return Face.of_map(position_map, crop, network.layout, image, DetectedFace(box, crop, "boxes"))


def _photograph(face: Face) -> NDArray[np.uint8]:
    matrix = image_matrix(crop_matrix(face.crop), VIEW_PX)
    points = crop_points(face.landmarks_81, matrix)
    return draw_landmarks(warp_image(face.image, matrix, VIEW_PX), points, face.landmarks_81_visible, _DOT_PX)
