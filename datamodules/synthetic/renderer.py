"""Renders photographs of synthetic faces."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.shading import shade
from datamodules.synthetic.atlas import paint_atlas
from datamodules.synthetic.backdrop import draw_background
from datamodules.synthetic.exposure import photograph
from datamodules.synthetic.faces import SyntheticFace
from datamodules.synthetic.glazing import Drawn, glaze
from datamodules.synthetic.harsh_light import draw_harsh_light
from datamodules.synthetic.head import Array
from datamodules.synthetic.lighting import draw_light, illuminate
from datamodules.synthetic.scene import build_scene
from datamodules.synthetic.scenery import draw_scenery
from datamodules.synthetic.shadows import cast_shadows
from datamodules.synthetic.surfaces import Surface
from datamodules.synthetic.variety import occurrence, option_generator

SUPERSAMPLING = 2


def render(face: SyntheticFace, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Renders a (S, S, 3) RGB photograph.

    Args:
        face: The face.
        rng: Draws light, background and camera.
    """
    size = face.image_size
    scene = build_scene(face, rng)
    light = draw_light(rng)
    if own := occurrence(rng, face.variety, "harsh_light"):
        light = draw_harsh_light(own)
    lit = None
    if own := occurrence(rng, face.variety, "cast_shadows"):
        lit = cast_shadows(scene, light, own)
    received = illuminate(scene.normals, scene.exposure, light, lit)
    fine = _subpixels(scene.vertices_px)
    ids, barycentric = rasterize(fine, scene.triangles, size * SUPERSAMPLING, size * SUPERSAMPLING)
    atlas = paint_atlas(face.look, face.gaze, rng, scene.places)
    colours, coverage = shade(ids, barycentric, scene.triangles, scene.texels, received, atlas, SUPERSAMPLING)
    background = draw_background(size, rng)
    if own := occurrence(rng, face.variety, "scenery"):
        background = draw_scenery(size, own)
    behind = background * (1 - coverage[..., None])
    image = behind + colours
    if face.look.spectacles and scene.lenses_px:
        fine_lenses = Surface(_subpixels(scene.lenses_px.points), scene.lenses_px.texels)
        drawn = Drawn(fine[:, 2], scene.triangles, ids, barycentric)
        image = glaze(image, fine_lenses, drawn, face.look.spectacles, option_generator(rng, "reflections"))
    return photograph(image, coverage, rng, face.variety)


def _subpixels(points_px: Array) -> Array:
    """(..., 3) points in subpixels."""
    first = (SUPERSAMPLING - 1) / 2  # the centre of a pixel is the centre of its subpixels
    return np.asarray(points_px * [SUPERSAMPLING, SUPERSAMPLING, 1] + [first, first, 0])
