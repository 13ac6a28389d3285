"""What it costs to show a face from elsewhere: a turned sample beside a plain one, on one core.

    python -m benchmarks.pose_augmentation AFLW2000_SAMPLES BFM.mat

From the photograph on disk to the network's input, with all augmentation, 2 x 2 subpixels, and a model of 228
components; the textures are there, as from the second epoch on.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one core is what is measured

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from datamodules.augmentation.photometric import Augmentation
from datamodules.files.face_index import open_index

from benchmarks.full_model import read_full_model
from benchmarks.record import interleaved_medians, save
from datamodules.augmentation.pose.face_texture import lift_texture
from datamodules.augmentation.pose.pose_augmentation import Profiler
from datamodules.crop_table import make_crops
from datamodules.dataset import FaceDataset, SampleMaker
from datamodules.files.face_folders import scan
from datamodules.files.images import read_image

SIZES = (256, 128, 64)
REPEATS = 9


def measure(root: str, model_file: str) -> None:
    """Times samples of all sizes, and the texture that each photograph needs once."""
    cv2.setNumThreads(1)
    model = read_full_model(model_file)
    with TemporaryDirectory() as folder:
        index = open_index(scan(Path(root)), Path(folder))
        crops = make_crops(index, model)
        profiler = Profiler.of(index, crops.rows, model)

        def faces(size: int, turned: bool) -> FaceDataset:
            maker = SampleMaker(model, size, Augmentation(), 0, profiler if turned else None)
            return FaceDataset(index, crops.rows, crops, maker)

        def all_of(data: FaceDataset) -> None:
            for position in range(len(data)):
                data[1, position]

        records = [index.record(int(row)) for row in crops.rows]
        pixels = [read_image(record.image_path) for record in records]

        def textures() -> None:
            for record, image in zip(records, pixels, strict=True):
                lift_texture(image, profiler.vertices_px(record), profiler.surface.grid)

        contenders = {
            f"{'turned' if turned else 'plain'} {size}": partial(all_of, faces(size, turned))
            for size in SIZES
            for turned in (True, False)
        }
        seconds = interleaved_medians({**contenders, "texture, once a photograph": textures}, REPEATS)
    ms = {name: round(1e3 * value / len(records), 2) for name, value in seconds.items()}
    figures = {
        "ms a sample": ms,
        "turned / plain": {str(size): round(ms[f"turned {size}"] / ms[f"plain {size}"], 2) for size in SIZES},
    }
    save("profiling", "python -m benchmarks.pose_augmentation AFLW2000_SAMPLES BFM.mat", figures)


if __name__ == "__main__":
    measure(*sys.argv[1:3])
