"""A picture of the 81 landmarks for the documentation: python -m benchmarks.landmarks_81 [OUT_JPG].

It shows a synthetic face, so that it can be distributed with the project.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch

from benchmarks.screenshots import PROJECT
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.images import read_image, warp_image, write_jpeg
from datamodules.geometry.crop import CropJitter, crop_matrix, crop_points, image_matrix, uncrop_points
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.readers.index_options import IndexOptions
from run import main as run

_SIZE = 900
_IBUG, _FOREHEAD = (40, 220, 60), (80, 170, 255)
_SAMPLES = 30  # the most frontal one is shown
_WIDER = CropJitter(scale=0.75, shift=(0.0, 0.08))  # wider than the plain crop, to show the whole forehead


def main(out: Path = PROJECT / "docs" / "landmarks_81.jpg") -> None:
    """Draws the landmarks with their numbers, which start at 0."""
    with TemporaryDirectory() as folder:
        run(["synthesize", f"--out={folder}/faces", f"--samples={_SAMPLES}", "--seed=0", "--image_size=512"])
        data = FaceDataModule(
            Path(folder) / "faces", index=IndexOptions(cache_dir=Path(folder) / "cache"), num_workers=0
        )
        data.prepare_data()
        faces = data.plain_faces()
        samples = [faces[0, position] for position in range(len(faces))]
        frontal = int(np.argmin([abs(float(sample.yaw_deg)) for sample in samples]))
        maps = data.complete(torch.utils.data.default_collate([samples[frontal]])).position_map
        row, col = data.uv_layout.landmark_texels.T
        matrix = image_matrix(crop_matrix(faces.box(frontal), _WIDER), _SIZE)
        in_image = uncrop_points(maps[0][:, row, col].T.numpy(), crop_matrix(faces.box(frontal)))
        points = crop_points(in_image, matrix)[:, :2]
        photograph = read_image(faces.index.record(int(faces.rows[frontal])).image_path)
        picture = warp_image(photograph, matrix, _SIZE)
    picture = np.asarray(picture * 0.6, np.uint8)
    for number, (x, y) in enumerate(np.rint(points).astype(int)):
        colour = _IBUG if number < LANDMARKS_68 else _FOREHEAD
        cv2.circle(picture, (int(x), int(y)), 3, colour, -1, cv2.LINE_AA)
        cv2.putText(
            picture,
            str(number),
            (int(x) + 4, int(y) - 4),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.36,
            (255, 255, 255),
            1,
            cv2.LINE_AA,
        )
    write_jpeg(out, picture)
    print(out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
