import numpy as np
import pytest

from datamodules.geometry.cut_surface import CutSurface
from datamodules.geometry.uv_grid import UVGrid
from tests.outlines import outlines, signed_areas, texels, turning_deg

SIZE = 64
GRID = UVGrid(np.ones((SIZE, SIZE), bool), 1)


def _disc(radius, centre):
    return radius - np.linalg.norm(texels(SIZE) - centre, axis=1)


@pytest.mark.parametrize("centre", [(31.5, 31.5), (32, 32), (30.3, 33.9)])
def test_a_disc_keeps_its_area_and_its_round_outline(centre):
    surface = CutSurface.of(GRID.triangles, _disc(20.0, centre))
    places = surface.interpolated(texels(SIZE))
    (curve,) = outlines(surface.triangles)
    np.testing.assert_allclose(np.linalg.norm(places[curve] - centre, axis=1), 20, atol=0.02)
    areas = signed_areas(places, surface.triangles)
    assert areas.sum() == pytest.approx(np.pi * 20**2, rel=0.003)
    turns = turning_deg(places[curve])
    assert turns.sum() < 370  # a circle turns by 360, and a staircase by 90 at each step
    assert turns.max() < 6


def test_no_cut_leaves_a_sliver_or_turns_a_triangle_over():
    rng = np.random.default_rng(0)
    for _ in range(30):
        u, v, shift = rng.normal(size=3)
        row, col = (texels(SIZE) - SIZE / 2).T
        wave = rng.uniform(0, 6) * np.sin(row * rng.uniform(0, 0.3)) + shift
        surface = CutSurface.of(GRID.triangles, (u * row + v * col) / np.hypot(u, v) + wave)
        areas = signed_areas(surface.interpolated(texels(SIZE)), surface.triangles)
        assert areas.min() > 0.03  # of a texel; a triangle that is not cut has 0.5
        assert areas.max() < 0.9


def test_triangles_that_the_curve_does_not_touch_stay_as_they_are():
    height = _disc(20.0, (31.5, 31.5))
    surface = CutSurface.of(GRID.triangles, height)
    is_texel = surface.inner == surface.outer
    kept = surface.inner[surface.triangles[is_texel[surface.triangles].all(axis=1)]]
    untouched = GRID.triangles[(height[GRID.triangles] > 1.5).all(axis=1)]  # the longest edge is 1.42
    assert {tuple(corners) for corners in untouched} <= {tuple(corners) for corners in kept}
    assert len(untouched) > 0.7 * len(surface.triangles)


def test_numbers_at_the_vertices_are_those_between_the_texels():
    surface = CutSurface.of(GRID.triangles, _disc(20.0, (31.5, 31.5)))
    row, col = texels(SIZE).T
    plane = surface.interpolated(3 * row - 2 * col)
    np.testing.assert_allclose(plane, surface.interpolated(texels(SIZE)) @ [3, -2], atol=1e-12)
    is_texel = surface.inner == surface.outer
    np.testing.assert_array_equal(plane[is_texel], (3 * row - 2 * col)[surface.inner[is_texel]])
    assert (surface.share[is_texel] == 0).all()
    assert (surface.share[~is_texel] > 0).all()


def test_a_curve_around_everything_cuts_nothing_and_one_around_nothing_leaves_nothing():
    everything = CutSurface.of(GRID.triangles, np.ones(SIZE * SIZE))
    np.testing.assert_array_equal(everything.inner, np.arange(SIZE * SIZE))
    np.testing.assert_array_equal(np.sort(everything.triangles, axis=0), np.sort(GRID.triangles, axis=0))
    assert len(CutSurface.of(GRID.triangles, -np.ones(SIZE * SIZE)).triangles) == 0


def test_a_coarse_surface_ends_at_the_same_curve():
    grid, height = UVGrid(np.zeros((SIZE, SIZE), bool), -1), _disc(20.0, (31.5, 31.5)).reshape(SIZE, SIZE)
    fine, coarse = grid.cut(height), grid.cut(height, 2)
    assert len(coarse.inner) < 0.3 * len(fine.inner)
    for surface in (fine, coarse):
        places = surface.interpolated(texels(SIZE))
        (curve,) = outlines(surface.triangles)
        np.testing.assert_allclose(np.linalg.norm(places[curve] - 31.5, axis=1), 20, atol=0.08)
        assert signed_areas(places, surface.triangles).max() < 0  # as a map that is seen from behind
