import numpy as np

from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.shading import shade

# a square of two triangles over pixels 0 to 7, its texture a ramp from left to right
VERTICES = np.array([[0.0, 0, 0], [7, 0, 0], [0, 7, 0], [7, 7, 0]])
TRIANGLES = np.array([[0, 2, 1], [1, 2, 3]], np.int32)
TEXELS = np.array([[0.0, 0], [0, 3], [3, 0], [3, 3]], np.float32)
RAMP = np.broadcast_to(np.arange(4, dtype=np.float32)[None, :, None], (4, 4, 3)).copy()


def _shade(light, supersampling=1, size=8):
    first = (supersampling - 1) / 2
    fine = VERTICES * [supersampling, supersampling, 1] + [first, first, 0]
    ids, barycentric = rasterize(fine, TRIANGLES, size * supersampling, size * supersampling)
    return shade(ids, barycentric, TRIANGLES, TEXELS, light, RAMP, supersampling)


def test_a_texture_is_read_between_its_texels():
    image, coverage = _shade(np.ones((4, 3), np.float32))
    np.testing.assert_allclose(image[3, :, 0], np.arange(8) * 3 / 7, atol=1e-5)
    assert (coverage == 1).all()


def test_light_multiplies_the_texture():
    light = np.ones((4, 3), np.float32) * [1.0, 0.5, 0.0]
    image, _ = _shade(light.astype(np.float32))
    np.testing.assert_allclose(image[..., 1], 0.5 * image[..., 0], atol=1e-6)
    assert (image[..., 2] == 0).all()


def test_supersampling_averages_and_softens_the_edge():
    image, coverage = _shade(np.ones((4, 3), np.float32), supersampling=2, size=9)
    np.testing.assert_allclose(image[3, 1:7, 0], np.arange(1, 7) * 3 / 7, atol=1e-5)
    assert coverage[3, 3] == 1
    assert 0 < coverage[7, 3] < 1
    assert coverage[8, 8] == 0
