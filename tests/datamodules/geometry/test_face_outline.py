from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest

from datamodules.files.bfm import read_morphable_model
from datamodules.geometry.cut_surface import CutSurface
from datamodules.geometry.face_areas import everywhere
from datamodules.geometry.face_outline import outline_height
from datamodules.geometry.fine_regions import fine_regions
from datamodules.geometry.landmarks import JAW
from datamodules.geometry.regions import RegionSpec, draw_regions, face_labels, five_regions
from datamodules.geometry.uv_grid import UVGrid
from datamodules.geometry.uv_layout import UVLayout, make_uv_layout
from datamodules.synthetic.head_model import synthetic_model
from tests.fakes import fake_model
from tests.outlines import outlines, signed_areas, texels, turning_deg

CASES = [("synthetic", 256, five_regions), ("synthetic", 128, fine_regions), ("schematic", 256, fine_regions)]
CASES += [("real", 256, five_regions)]


class Case:
    """A layout, its face regions, and the mesh that is cut from them."""

    def __init__(self, layout: UVLayout, is_face):
        self.layout, self.is_face, self.size = layout, is_face, len(is_face)
        self.grid = UVGrid.of(layout.mean_map, is_face)
        self.height = outline_height(is_face, layout.landmark_texels)
        self.surfaces = {step: self.grid.cut(self.height, step) for step in (1, 2)}
        self.surface = self.surfaces[1]

    def places(self, surface: CutSurface):
        return surface.interpolated(texels(self.size))

    @cached_property
    def curves(self):
        return outlines(self.surface.triangles)


@cache
def _case(name, size, regions, real):
    model = {"synthetic": lambda: synthetic_model().face, "schematic": fake_model}.get(
        name, lambda: read_morphable_model(real / "bfm" / "BFM.mat")
    )()
    layout = make_uv_layout(model, size, regions())
    return Case(layout, np.isin(layout.regions, face_labels(regions())))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]} {case[1]} {case[2].__name__}")
def case(request, real_or_none: Path | None) -> Case:
    if request.param[0] == "real" and real_or_none is None:
        pytest.skip("needs the real face model")
    return _case(*request.param, real_or_none)


@pytest.fixture(scope="module")
def synthetic() -> Case:
    return _case(*CASES[0], None)


@pytest.mark.parametrize("step", [1, 2])
def test_a_mesh_has_one_outline_and_no_hole(case, step):
    surface = case.surfaces[step]
    (curve,) = case.curves if step == 1 else outlines(surface.triangles)
    edges = (3 * len(surface.triangles) + len(curve)) / 2
    assert len(surface.inner) - edges + len(surface.triangles) == 1  # Euler's number of a disc


def test_the_outline_is_smooth_where_that_of_whole_texels_is_a_staircase(case):
    (curve,) = case.curves
    smooth = turning_deg(case.places(case.surface)[curve])
    (steps,) = outlines(case.grid.triangles)
    staircase = turning_deg(texels(case.size)[steps])
    assert smooth.sum() < 620  # a convex outline has 360
    assert smooth.max() < 20
    assert staircase.sum() > 5 * smooth.sum()
    assert staircase.max() >= 90


def test_no_triangle_is_turned_over_or_a_sliver(case):
    areas = case.grid.outward * signed_areas(case.places(case.surface), case.surface.triangles)
    assert areas.min() > 0.03  # of a texel; a triangle that is not cut has 0.5
    assert areas.max() < 0.9


def test_all_81_landmarks_are_vertices_within_the_outline(case):
    rows, cols = case.layout.landmark_texels.T
    whole = case.surface.inner[case.surface.inner == case.surface.outer]
    assert set(rows * case.size + cols) <= set(whole)


@pytest.mark.parametrize("step", [1, 2])
def test_vertices_lie_between_texels_that_networks_are_trained_on(case, step):
    surface = case.surfaces[step]
    assert case.is_face.ravel()[surface.inner].all()
    assert case.is_face.ravel()[surface.outer].all()


def test_most_of_the_face_stays(case):
    areas = np.abs(signed_areas(case.places(case.surface), case.surface.triangles))
    assert areas.sum() > 0.75 * case.is_face.sum()


@pytest.mark.parametrize("name", ["synthetic", "real"])
def test_no_stub_of_an_ear_stands_out(name, real_or_none):
    """Beside the jaw line, the mesh is no wider than the face there; an ear sticks out by a tenth of the eye distance."""
    if name == "real" and real_or_none is None:
        pytest.skip("needs the real face model")
    case = _case(name, 256, five_regions, real_or_none)
    x = case.layout.mean_map[..., 0].astype(np.float64)
    rows, cols = case.layout.landmark_texels[JAW[:4]].T
    eyes = np.abs(np.subtract(*x[tuple(case.layout.landmark_texels[[36, 45]].T)]))
    beside = (case.places(case.surface)[:, 0] >= rows.min()) & (case.places(case.surface)[:, 0] <= rows.max())
    jaw = x[rows, cols].min()
    assert case.surface.interpolated(x.ravel())[beside].min() > jaw - 0.03 * eyes
    in_rows = case.is_face & (np.arange(256)[:, None] >= rows.min())
    assert x[in_rows].min() < jaw - 0.1 * eyes  # the stub that was left of the ear


def test_whole_ears_stay(synthetic):
    """Where a table counts the whole head as face, nothing of the ears is cut off."""
    height = outline_height(np.ones((256, 256), bool), synthetic.layout.landmark_texels)
    ear = synthetic.layout.landmark_texels[1] - [0, 12]
    assert height[tuple(ear)] > 0
    assert synthetic.height[tuple(ear)] < 0


def test_a_part_that_a_table_leaves_out_of_the_face_is_a_hole_with_a_smooth_outline(synthetic):
    (landmarks, eyes, *others) = five_regions()
    table = (landmarks, RegionSpec(2, "eyes_nose", "eyes and nose", "#d95f5f", False, 0, None, eyes.draw), *others)
    is_face = np.isin(draw_regions(table, synthetic.layout.landmark_texels[:68], 256), face_labels(table))
    surface = synthetic.grid.cut(outline_height(is_face, synthetic.layout.landmark_texels))
    curves = outlines(surface.triangles)
    assert len(curves) == 2
    for curve in curves:
        assert turning_deg(synthetic.places(surface)[curve]).max() < 20
    assert is_face.ravel()[surface.inner].all()


@pytest.mark.parametrize("rows", [slice(100, 103), slice(100, 101), slice(30, 200)])
def test_face_regions_of_any_shape_make_a_mesh(synthetic, rows):
    is_face = np.zeros((256, 256), bool)
    is_face[rows, 60:180] = True
    surface = synthetic.grid.cut(outline_height(is_face, synthetic.layout.landmark_texels))
    assert len(outlines(surface.triangles)) == 1
    places = synthetic.places(surface)
    assert np.abs(signed_areas(places, surface.triangles)).sum() > 0.6 * is_face.sum()
    assert places.min(axis=0)[1] >= 59.4


def test_a_region_of_everything_ends_before_the_border_of_the_map(synthetic):
    labels = draw_regions(five_regions()[-1:], synthetic.layout.landmark_texels[:68], 256)
    assert five_regions()[-1].draw is everywhere
    height = outline_height(labels > 0, synthetic.layout.landmark_texels)
    assert height[[0, -1]].max() <= 0
    assert height[:, [0, -1]].max() <= 0
