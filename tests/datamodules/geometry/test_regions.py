from dataclasses import replace

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.geometry.face_areas import everywhere
from datamodules.geometry.regions import (
    RegionSpec,
    checked_table,
    draw_regions,
    face_labels,
    five_regions,
    regions_as_data,
    regions_from_data,
)
from datamodules.geometry.uv_layout import uv_to_texels
from tests.fakes import landmark_uv

TEXELS = np.rint(uv_to_texels(landmark_uv(), 64)).astype(np.int64)
LANDMARKS, EYES_NOSE, MOUTH, FACE, NECK = five_regions()


def test_the_five_regions_are_those_of_the_paper():
    assert [region.weight for region in five_regions()] == [16, 5, 4, 3, 0]
    assert face_labels(five_regions()) == [1, 2, 3, 4]
    assert [region.name for region in five_regions()] == ["landmarks", "eyes_nose", "mouth", "face", "neck"]


def test_an_earlier_region_wins_where_two_overlap():
    both = EYES_NOSE.draw(TEXELS, 64) & MOUTH.draw(TEXELS, 64)
    assert both.any()
    for first, second in ((EYES_NOSE, MOUTH), (MOUTH, EYES_NOSE)):
        labels = draw_regions((first, second, FACE, NECK), TEXELS, 64)
        assert (labels[both] == first.label).all()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ((FACE,), r"texels belong to no region: let the last region of the table, 'face', cover everything"),
        ((replace(NECK, draw=lambda texels, size: np.zeros((4, 4), np.bool_)),), r"bool of shape \(4, 4\)"),
        ((replace(NECK, draw=lambda texels, size: np.ones((size, size))),), "returns float64"),
    ],
)
def test_regions_that_do_not_fill_the_map_are_refused(table, message):
    with pytest.raises(InputError, match=message):
        draw_regions(table, TEXELS, 64)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ((), "returns no table of regions"),
        ((LANDMARKS,), "returns no table of regions"),
        ((3, 4), "returns no table of regions"),
        ((FACE, replace(NECK, label=4)), "two regions have the label 4"),
        ((FACE, replace(NECK, name="face")), "two regions have the name face"),
        ((LANDMARKS, replace(FACE, draw=None), NECK), "two regions have no draw function"),
    ],
)
def test_what_is_no_table_is_refused(table, message):
    with pytest.raises(InputError, match=message):
        checked_table(lambda: table)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"label": 0}, "label 0"), ({"name": "Jaw line"}, "give a name of"), ({"colour": "red"}, "has colour 'red'")],
)
def test_a_region_that_cannot_be_labelled_named_or_painted_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(MOUTH, **change)


def test_a_table_of_a_checkpoint_means_the_same_and_cannot_be_drawn():
    table = (LANDMARKS, RegionSpec(9, "skin", "skin", "#aabbcc", True, 2.0, None, everywhere))
    read = regions_from_data(regions_as_data(table))
    assert regions_as_data(read) == regions_as_data(table)
    with pytest.raises(InputError, match=r"Set --data\.regions"):
        draw_regions(read, TEXELS, 64)
