"""The real samples, one way to each of their facts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.face_datamodule import FaceDataModule
from datamodules.files.face_mat import read_face_mat
from datamodules.files.photographs import read_photograph
from tests.face_data import face_data


def real_landmarks(real: Path, names: Sequence[str]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Photograph and (68, 3) landmarks in its 0-based pixels."""
    for name in names:
        path = real / "aflw2000" / f"{name}.jpg"
        image = read_photograph(path)
        landmarks = read_face_mat(path.with_suffix(".mat")).landmarks_image_px
        assert landmarks is not None
        yield image, landmarks


def real_maps(real: Path) -> tuple[FaceDataModule, NDArray[np.float32], NDArray[np.float64]]:
    """The data module of the ten, their (10, 256, 256, 3) true maps and (10, 3) crops."""
    data = face_data(real / "aflw2000", real / "bfm" / "BFM.mat")
    data.prepare_data()
    faces = data.plain_faces()
    batch = torch.utils.data.default_collate([faces[0, position] for position in range(len(faces))])
    maps = data.complete(batch).position_map
    return data, maps.permute(0, 2, 3, 1).numpy(), np.stack([faces.box(position) for position in range(len(faces))])
