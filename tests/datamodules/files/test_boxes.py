"""Boxes of faces, as people write them down."""

import unicodedata
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


_BOX = [[10.5, 20, 110, 140]]
_COMPOSED = unicodedata.normalize("NFC", "Zoë Müller.jpg")
_DECOMPOSED = unicodedata.normalize("NFD", "Zoë Müller.jpg")


@pytest.mark.parametrize(
    ("written", "photo"),
    [
        (_COMPOSED, f"album/{_DECOMPOSED}"),
        (_DECOMPOSED, f"album/{_COMPOSED}"),
        ("album\\a.jpg", "x/album/a.jpg"),
        (".\\album\\a.jpg", "x/album/a.jpg"),
        ("../album/a.jpg", "x/album/a.jpg"),
        ("../../x/./album/a.jpg", "x/album/a.jpg"),
        ("A.JPG", "album/a.jpg"),
        ("album/A.jpg", "ALBUM/a.JPG"),
        ("STRASSE.jpg", "straße.jpg"),
        ("a\\b.jpg", "a\\b.jpg"),
        (" a.jpg ", "a.jpg"),
    ],
)
def test_a_name_means_its_photograph_however_another_system_writes_it(written, photo, tmp_path):
    (tmp_path / "boxes.csv").write_text(f'photo,x1,y1,x2,y2\n"{written}",10.5,20,110,140\n', encoding="utf-8")
    boxes = read_boxes(tmp_path / "boxes.csv")
    np.testing.assert_array_equal(boxes.of(Path(photo)), _BOX)
    assert boxes.unused([Path("other/b.jpg"), Path(photo)]) == []
    assert boxes.unused([Path("album/other.jpg")]) == [written]


def test_bytes_that_are_no_utf_8_are_matched_by_the_letters_that_they_were(tmp_path):
    (tmp_path / "boxes.csv").write_text("photo,x1,y1,x2,y2\ncafé.jpg,10.5,20,110,140\n", encoding="utf-8")
    np.testing.assert_array_equal(read_boxes(tmp_path / "boxes.csv").of(Path("caf\udce9.jpg")), _BOX)


def test_capitals_count_where_two_names_differ_in_them_only(tmp_path):
    (tmp_path / "a.csv").write_text("photo,x1,y1,x2,y2\na.jpg,1,2,3,4\nA.jpg,5,6,7,8\n")
    boxes = read_boxes(tmp_path / "a.csv")
    np.testing.assert_array_equal(boxes.of(Path("A.jpg")), [[5, 6, 7, 8]])
    assert boxes.unused([Path("A.jpg")]) == ["a.jpg"]
    (tmp_path / "b.csv").write_text("photo,x1,y1,x2,y2\nA.JPG,1,2,3,4\n")
    with pytest.raises(
        InputError, match=r"A\.JPG: can be a\.jpg or A\.jpg\. Write the name in --boxes as the file has it"
    ):
        read_boxes(tmp_path / "b.csv").among([Path("a.jpg"), Path("A.jpg")])


def test_the_longest_name_decides_and_two_spellings_of_a_name_are_one(tmp_path):
    lines = ["photo,x1,y1,x2,y2", "a.jpg,1,2,3,4", "x/a.jpg,5,6,7,8", "x\\a.jpg,9,9,10,10", "y/b.jpg,1,1,2,2"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    boxes, unused = read_boxes(tmp_path / "a.csv").among([Path("x/a.jpg"), Path("z/a.jpg")])
    np.testing.assert_array_equal(boxes[Path("x/a.jpg")], [[5, 6, 7, 8], [9, 9, 10, 10]])
    np.testing.assert_array_equal(boxes[Path("z/a.jpg")], [[1, 2, 3, 4]])
    assert unused == ["y/b.jpg"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize(
    "text",
    [
        "photo;x1;y1;x2;y2\r\nMüller.jpg;10,5;20;110,0;140\r\n",
        "sep=;\r\nphoto;x1;y1;x2;y2\r\nMüller.jpg;10,5;20;110,0;140\r\n",
        "photo\tx1\ty1\tx2\ty2\nMüller.jpg\t10.5\t20\t110\t140\n",
        "note, photo, x1, y1, x2, y2\n1;2, Müller.jpg, 10.5, 20, 110, 140\n",
    ],
)
def test_tables_of_spreadsheets_are_read_in_any_country(text, encoding, tmp_path):
    (tmp_path / "boxes.csv").write_bytes(text.encode(encoding))
    np.testing.assert_array_equal(read_boxes(tmp_path / "boxes.csv").of(Path("Müller.jpg")), _BOX)


@pytest.mark.parametrize("content", [b"", b"\0" * 99, b"\x81\x8d", b"[" * 100_000, b'{"a.jpg": [[1, 2, 1e999, 4]]}'])
@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_bytes_that_are_no_table_are_one_clear_line(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: (holds no boxes that can be read|the box)") as caught:
        read_boxes(tmp_path / name)
    assert "\n" not in str(caught.value)
