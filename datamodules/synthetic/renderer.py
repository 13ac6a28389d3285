"""Renders photographs of synthetic faces."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.shading import shade
from datamodules.synthetic.atlas import paint_atlas
from datamodules.synthetic.backdrop import draw_background
from datamodules.synthetic.exposure import develop
from datamodules.synthetic.faces import SyntheticFace
from datamodules.synthetic.lighting import draw_light, illuminate
from datamodules.synthetic.scene import build_scene

SUPERSAMPLING = 2


def render(face: SyntheticFace, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Renders a (S, S, 3) RGB photograph.

    Args:
        face: The face.
        rng: Draws light, background and camera.
    """
    size = face.image_size
    scene = build_scene(face, rng)
    received = illuminate(scene.normals, scene.exposure, draw_light(rng))
    first = (SUPERSAMPLING - 1) / 2  # the centre of a pixel is the centre of its subpixels
    fine = scene.vertices_px * [SUPERSAMPLING, SUPERSAMPLING, 1] + [first, first, 0]
    ids, barycentric = rasterize(fine, scene.triangles, size * SUPERSAMPLING, size * SUPERSAMPLING)
    atlas = paint_atlas(face.look, face.gaze, rng)
    colours, coverage = shade(ids, barycentric, scene.triangles, scene.texels, received, atlas, SUPERSAMPLING)
    behind = draw_background(size, rng) * (1 - coverage[..., None])
    return develop(behind + colours, coverage, rng)
