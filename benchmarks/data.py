"""Times the way from a photograph and its .mat to a position map, and the usual way of the field, by stage.

    python -m benchmarks.data AFLW2000_SAMPLES BFM.mat

The usual way warps with scikit-image, computes all 53 215 vertices from 228 coefficients, rasterises them into UV space,
and writes an .npy file that training reads later. Both sides use the same rasteriser and a model with 228 components:
those of the file, repeated, since the time of a matrix product does not depend on its values.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import skimage.io
import skimage.transform
import torch
from numpy.typing import NDArray

from benchmarks.full_model import read_full_model
from benchmarks.measurements import interleaved_medians, save
from datamodules.crop_table import make_crops
from datamodules.files.images import read_image, warp_image
from datamodules.geometry.camera import project
from datamodules.geometry.crop import crop_matrix, crop_projection
from datamodules.geometry.interpolation import interpolate
from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.uv_layout import MAP_SIZE, cover_uv, uv_to_texels
from datamodules.position_map import PositionMapper
from datamodules.readers.face_index import open_index
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.reader_300w import Reader300W
from datamodules.types import FaceRecord

BATCH = 32
REPEATS = 9


def measure(root: str, model_file: str) -> None:
    """Times every stage, and adds the stages up."""
    model = read_full_model(model_file)
    triangle_ids, barycentric = cover_uv(model, MAP_SIZE)
    with TemporaryDirectory() as folder:
        index = open_index(Path(root), Reader300W(), IndexOptions(cache_dir=Path(folder)))
        boxes = make_crops(index, model).boxes
        records = [index.record(row) for row in range(len(index))]
        matrices = [crop_matrix(box) for box in boxes]
        projections = [
            crop_projection(record.pose.projection(record.image_size[1]), matrix)
            for record, matrix in zip(records, matrices, strict=True)
        ]
        images = [read_image(record.image_path) for record in records]
        mapper = PositionMapper(model)
        rows = np.arange(BATCH) % len(records)
        coefficients = torch.from_numpy(np.stack([_coefficients(records[row]) for row in rows]))
        batch = torch.from_numpy(np.stack([projections[row] for row in rows]).astype(np.float32))
        unmirrored = torch.zeros(BATCH, dtype=torch.bool)
        uv = uv_to_texels(model.uv, MAP_SIZE)[:, ::-1]
        flat = np.column_stack([uv, np.zeros(len(uv))])
        basis = model.basis.reshape(-1, 228)
        vertices = [
            project(model.vertices(record.identity, record.expression), matrix)
            for record, matrix in zip(records, projections, strict=True)
        ]
        target = Path(folder) / "map.npy"

        def each(function):
            return lambda: [function(i) for i in range(len(records))]

        def move_vertices(i):
            shape = model.mean + (basis @ _coefficients(records[i])).reshape(-1, 3)
            return project(shape, projections[i])

        def rasterized_map(i):
            ids, weights = rasterize(flat, model.triangles, 256, 256)
            return interpolate(vertices[i], model.triangles[ids], weights)

        a_map = rasterized_map(0)
        contenders = {
            "decode, ours (OpenCV)": each(lambda i: read_image(records[i].image_path)),
            "decode, usual (scikit-image)": each(lambda i: skimage.io.imread(records[i].image_path)),
            "warp, ours (OpenCV)": each(lambda i: warp_image(images[i], matrices[i], 256)),
            "warp, usual (scikit-image)": each(
                lambda i: skimage.transform.warp(
                    images[i] / 255.0,
                    skimage.transform.AffineTransform(np.vstack([matrices[i], [0, 0, 1]])).inverse,
                    output_shape=(256, 256),
                )
            ),
            "vertices, usual": each(move_vertices),
            "map, usual (rasterised)": each(rasterized_map),
            "map, gathered through a table": each(
                lambda i: interpolate(vertices[i], model.triangles[triangle_ids], barycentric)
            ),
            "map, ours (batched product, no vertices)": lambda: mapper(coefficients, batch, unmirrored),
            "write, usual (.npy)": each(lambda i: np.save(target, a_map)),
            "read back, usual (.npy)": each(lambda i: np.load(target)),
        }
        seconds = interleaved_medians(contenders, REPEATS)
    size = {name: BATCH if "batched" in name else len(records) for name in seconds}
    ms = {name: round(1e3 * value / size[name], 3) for name, value in seconds.items()}

    def total(*names: str) -> float:
        return round(sum(ms[name] for name in names), 2)

    ours = total("decode, ours (OpenCV)", "warp, ours (OpenCV)", "map, ours (batched product, no vertices)")
    usual = total(
        "decode, usual (scikit-image)",
        "warp, usual (scikit-image)",
        "vertices, usual",
        "map, usual (rasterised)",
        "write, usual (.npy)",
        "read back, usual (.npy)",
    )
    fair = total("decode, ours (OpenCV)", "warp, ours (OpenCV)", "vertices, usual", "map, gathered through a table")
    figures = {
        "ms a sample": ms,
        "whole, ms a sample": {"ours": ours, "fair (OpenCV, table, no files)": fair, "usual": usual},
        "ratio": {"fair / ours": round(fair / ours, 2), "usual / ours": round(usual / ours, 2)},
        "bytes a sample on disk": {"ours": 4 * (228 + 7), "usual": 256 * 256 * 3 * 4 + 128},
        "floor of the product": {"MFLOP a map": round(2 * 3 * 65536 * 228 / 1e6, 1)},
    }
    save("data", "python -m benchmarks.data AFLW2000_SAMPLES BFM.mat", figures)


def _coefficients(record: FaceRecord) -> NDArray[np.float32]:
    return np.concatenate([record.identity, record.expression])


if __name__ == "__main__":
    measure(*sys.argv[1:3])
