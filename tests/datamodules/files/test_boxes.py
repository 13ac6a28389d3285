"""Boxes of faces, as people write them down."""

from pathlib import Path

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.boxes import read_boxes

CSV = "photo, x1, y1, x2, y2\na.jpg, 10, 20, 110, 140\nb/c.png,1,2,3,4\na.jpg,200,20,300,140\n"
JSON = '{"a.jpg": [[10, 20, 110, 140], [200, 20, 300, 140]], "b/c.png": [1, 2, 3, 4]}'


@pytest.mark.parametrize(("name", "text"), [("boxes.csv", CSV), ("boxes.json", JSON)])
def test_both_forms_say_the_same(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    boxes = read_boxes(tmp_path / name)
    np.testing.assert_array_equal(boxes.of(Path("x/a.jpg")), [[10, 20, 110, 140], [200, 20, 300, 140]])
    np.testing.assert_array_equal(boxes.of(Path("b/c.png")), [[1, 2, 3, 4]])
    assert len(boxes.of(Path("d/c.png"))) == 0
    assert len(boxes.of(Path("x/../b/c.png"))) == 1
    assert boxes.unused([Path("a.jpg")]) == ["b/c.png"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "photo,x1,y1,x2\na.jpg,1,2,3\n", "no column y2"),
        ("a.csv", "photo,x1,y1,x2,y2\na.jpg,1,2,three,4\n", "three"),
        ("a.csv", "x1,y1,x2,y2,photo\n1,2,3,4\n", "line 2 is not complete"),
        ("a.csv", "photo,x1,y1,x2,y2\na.jpg,5,2,3,4\n", "the box 5, 2, 3, 4 of a.jpg has no area"),
        ("a.json", '{"a.jpg": [[1, 2, NaN, 4]]}', "has no area"),
        ("a.json", '{"a.jpg": [[1, 2, 3]]}', "holds no boxes"),
        ("a.json", '{"a.jpg": 1', "holds no boxes"),
        ("a.json", "[1, 2]", "holds no boxes"),
        ("a.csv", None, "cannot be read"),
    ],
)
def test_a_fault_is_one_clear_line(name, text, said, tmp_path):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        read_boxes(tmp_path / name)
