"""Checkpoints of TensorFlow: one that TensorFlow wrote, and what is damaged in many ways."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.prnet_numbers import random_weights, split_statistics
from datamodules.errors import InputError
from datamodules.files.crc32c import crc32c, masked_crc32c
from datamodules.files.tensor_bundle import TensorBundle
from tests.tensor_bundles import entry, table, write_bundle

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
WRITTEN = FIXTURES / "tensorflow_checkpoint"  # by TensorFlow: the tensors of PRNet's first layer with random numbers
ENDINGS = (".index", ".data-00000-of-00001")
HEADER = b"\x08\x01\x1a\x02\x08\x01"


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (b"", 0)],  # RFC 3720, B.4
)
def test_the_checksum_is_that_of_the_standard(data, expected):
    assert crc32c(data) == expected


def test_the_checksum_of_an_array_is_that_of_its_bytes():
    numbers = np.arange(7, dtype="<f4").reshape(7, 1)
    assert crc32c(numbers) == crc32c(numbers.tobytes())


def test_tensors_that_tensorflow_wrote_are_read():
    bundle = TensorBundle(WRITTEN)
    with np.load(FIXTURES / "prnet_maps.npz") as archive:
        expected = random_weights() | split_statistics(archive["statistics"])
    names = {name for name in expected if name.startswith("resfcn256/Conv/")}
    assert bundle.entries.keys() == names
    assert len(names) == 5
    for name in names:
        np.testing.assert_array_equal(bundle.read(name, expected[name].shape), expected[name])


def test_a_checkpoint_is_named_without_an_ending_or_by_any_of_its_files(tmp_path):
    for name in ("net", "net.index", "net.meta", "net.data-00000-of-00001"):
        assert TensorBundle.of(tmp_path / name).prefix == tmp_path / "net"
    assert TensorBundle.of(tmp_path / "net-1.data").prefix == tmp_path / "net-1.data"


def test_many_blocks_with_shared_prefixes_are_one_table(tmp_path):
    tensors = {f"scope/layer_{number}/weights": np.full((number % 3, 2), number, "f4") for number in range(90)}
    write_bundle(tmp_path / "net", tensors, per_block=7)
    bundle = TensorBundle(tmp_path / "net")
    assert list(bundle.entries) == sorted(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(bundle.read(name, array.shape), array)


def _read_all(prefix):
    bundle = TensorBundle(prefix)
    return {name: bundle.read(name, each.shape).tobytes() for name, each in bundle.entries.items()}


def _copies(folder):
    for ending in ENDINGS:
        shutil.copyfile(f"{WRITTEN}{ending}", folder / f"net{ending}")
    return {ending: (folder / f"net{ending}").read_bytes() for ending in ENDINGS}


def _require_line_or_same(prefix, whole):
    """Whether damage is one line; what is not noticed must not matter, as in the padding of the footer."""
    line = _line(lambda: _read_all(prefix))
    if line is None:
        assert _read_all(prefix) == whole
        return False
    assert "\n" not in line
    assert str(prefix) in line
    return True


def _line(read):
    """The message of an error of the user's, or None where there is none."""
    try:
        read()
    except InputError as error:
        return str(error)
    return None


def test_no_flipped_bit_is_read_as_something_else(tmp_path):
    contents, whole = _copies(tmp_path), _read_all(WRITTEN)
    assert whole
    noticed = {}
    for ending, step in ((".index", 1), (ENDINGS[1], 61)):
        path, content = tmp_path / f"net{ending}", contents[ending]
        places = range(0, len(content), step)
        noticed[ending] = 0
        for place in places:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
            noticed[ending] += _require_line_or_same(tmp_path / "net", whole)
        path.write_bytes(content)
    # unused are 40 bytes of the footer at most, and an empty block of 8 bytes with its checksum that it points to
    assert len(contents[".index"]) - noticed[".index"] <= 40 + 13
    assert noticed[ENDINGS[1]] == len(range(0, len(contents[ENDINGS[1]]), 61))


def test_a_truncated_file_is_one_line(tmp_path):
    contents, whole = _copies(tmp_path), _read_all(WRITTEN)
    for ending, step in ((".index", 3), (ENDINGS[1], 97)):
        path, content = tmp_path / f"net{ending}", contents[ending]
        for length in range(0, len(content), step):
            path.write_bytes(content[:length])
            assert _require_line_or_same(tmp_path / "net", whole)
        path.write_bytes(content)


def test_any_bytes_behind_a_valid_checksum_are_one_line(tmp_path):
    """What a checksum does not catch, since it fits: tables whose entries are random."""
    rng = np.random.default_rng(0)
    shutil.copyfile(f"{WRITTEN}{ENDINGS[1]}", tmp_path / f"net{ENDINGS[1]}")
    for length in range(200):
        message = rng.bytes(length % 24)
        (tmp_path / "net.index").write_bytes(table({b"": HEADER, b"x": message}))
        line = _line(lambda: TensorBundle(tmp_path / "net").read("x", (4,)))
        assert line is not None
        assert "\n" not in line


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (entry((2,), 0, 8, 0, dtype=2), r"x is of type 2 and shape \(2,\), expected float32 of shape \(2,\)"),
        (entry((3,), 0, 12, 0), r"of type 1 and shape \(3,\), expected float32 of shape \(2,\)"),
        (entry((2,), 0, 2**62, 0), "is damaged .the size or file of x"),
        (entry((2,), 2**62, 8, 0), "ends after 3328 bytes, before the end of x"),
        (entry((2,), 0, 8, 0, rest=b"\x18\x07"), "is damaged .the size or file of x"),
        (entry((2,), 0, 8, 0, rest=b"\x3a\x00"), "x is stored in parts"),
        (entry((2,), 0, 8, 0), "x does not have its checksum: the file is damaged, or that of another .index file"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused_before_anything_is_read(message, fault, tmp_path):
    shutil.copyfile(f"{WRITTEN}{ENDINGS[1]}", tmp_path / f"net{ENDINGS[1]}")
    (tmp_path / "net.index").write_bytes(table({b"": HEADER, b"x": message}))
    with pytest.raises(InputError, match=fault):
        TensorBundle(tmp_path / "net").read("x", (2,))


def test_without_verification_numbers_need_no_checksum(tmp_path):
    shutil.copyfile(f"{WRITTEN}{ENDINGS[1]}", tmp_path / f"net{ENDINGS[1]}")
    (tmp_path / "net.index").write_bytes(table({b"": HEADER, b"x": entry((2,), 4, 8, 0)}))
    assert TensorBundle(tmp_path / "net").read("x", (2,), verify=False).shape == (2,)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"<html>not found</html>", "it does not end as one"),
        (table({b"": b"\x08\x01\x10\x01"}), "its numbers are big-endian"),
        (table({b"\xff": b""}), "a name in it is no text"),
        (table({b"b": b"", b"a": b""}), "its names are not in order"),
        (table({b"x": b"\x0b"}), "unknown type 3"),
        (table({b"x": b"\x08" + b"\xff" * 12}), "a number in it does not end"),
        (table({b"x": b"\x12\x7f"}), "a field in it is cut off"),
        (table({b"x": b"\x10\x01"}), "a field in it is no message"),
        (table({b"x": b"\x0a\x00"}), "a field in it is no number"),
        (table({b"x": HEADER}, compression=1), r"its blocks are compressed \(type 1\)"),
    ],
)
def test_another_file_in_place_of_the_index_is_one_line(content, fault, tmp_path):
    (tmp_path / "net.index").write_bytes(content)
    with pytest.raises(InputError, match=rf"net\.index: is no table .*{fault}.*Copy or download it again") as error:
        _ = TensorBundle(tmp_path / "net").entries
    assert "\n" not in str(error.value)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"net\.index: there is no such file. Give the path of a TensorFlow"):
        _ = TensorBundle(tmp_path / "net").entries
    shutil.copyfile(f"{WRITTEN}.index", tmp_path / "net.index")
    with pytest.raises(InputError, match=r"net\.data-00000-of-00001: there is no such file. Put it beside net\.index"):
        _read_all(tmp_path / "net")
    with pytest.raises(InputError, match=r"has no tensor y\. Is it the checkpoint of another network"):
        TensorBundle(tmp_path / "net").read("y", ())
    (tmp_path / "dir.index").mkdir()
    with pytest.raises(InputError, match=r"dir\.index: cannot be read"):
        _ = TensorBundle(tmp_path / "dir").entries


def test_the_masked_checksum_is_the_stored_one():
    stored = TensorBundle(WRITTEN).entries["resfcn256/Conv/weights"]
    content = Path(f"{WRITTEN}{ENDINGS[1]}").read_bytes()[stored.offset : stored.offset + stored.size]
    assert masked_crc32c(content) == stored.checksum
