"""Times pose augmentation on one core: a sample rendered at another pose against a plain one.

    python -m benchmarks.pose_augmentation AFLW2000_SAMPLES BFM.mat

The time is from the photograph on disk to the network's input, with all augmentations, 2 x 2 subpixels, a model with 228
components, and cached textures, as from the second epoch on.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one core is what is measured

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from benchmarks.full_model import read_full_model
from benchmarks.measurements import interleaved_medians, save
from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.augmentation.pose.face_texture import lift_texture
from datamodules.augmentation.pose.pose_augmenter import PoseAugmenter
from datamodules.crop_table import make_crops
from datamodules.dataset import FaceDataset
from datamodules.files.images import read_image
from datamodules.fitted_faces import FittedPlacement
from datamodules.readers.face_index import open_index
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.reader_300w import Reader300W
from datamodules.sample_maker import SampleMaker

SIZES = (256, 128, 64)
REPEATS = 9


def measure(root: str, model_file: str) -> None:
    """Times samples of all sizes, and the textures, which are made once per photograph."""
    cv2.setNumThreads(1)
    model = read_full_model(model_file)
    with TemporaryDirectory() as folder:
        index = open_index(Path(root), Reader300W(), IndexOptions(cache_dir=Path(folder)))
        crops = make_crops(index, model)
        augmenter = PoseAugmenter.of(index, crops.rows, model)

        def faces(size: int, is_augmented: bool) -> FaceDataset:
            placement = FittedPlacement(model, augmenter if is_augmented else None)
            return FaceDataset(index, crops.rows, crops.boxes, placement, SampleMaker(size, Augmentation()))

        def all_of(data: FaceDataset) -> None:
            for position in range(len(data)):
                data[1, position]

        records = [index.record(int(row)) for row in crops.rows]
        pixels = [read_image(record.image_path) for record in records]

        def textures() -> None:
            for record, image in zip(records, pixels, strict=True):
                lift_texture(image, augmenter.vertices_px(record), augmenter.surface.grid)

        contenders = {
            f"{name} {size}": partial(all_of, faces(size, name == "rendered"))
            for size in SIZES
            for name in ("rendered", "plain")
        }
        seconds = interleaved_medians({**contenders, "texture, once a photograph": textures}, REPEATS)
    ms = {name: round(1e3 * value / len(records), 2) for name, value in seconds.items()}
    figures = {
        "ms a sample": ms,
        "rendered / plain": {str(size): round(ms[f"rendered {size}"] / ms[f"plain {size}"], 2) for size in SIZES},
    }
    save("pose_augmentation", "python -m benchmarks.pose_augmentation AFLW2000_SAMPLES BFM.mat", figures)


if __name__ == "__main__":
    measure(*sys.argv[1:3])
