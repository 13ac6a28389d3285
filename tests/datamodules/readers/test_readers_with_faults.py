"""Readers with faults: an InputError of one line that names the reader or the sample."""

from dataclasses import replace

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.readers.face_index import open_index
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.reader_300w import Reader300W
from datamodules.readers.sample_reader import SampleList
from tests.face_data import face_index


class Reader:
    """The usual reader, with a change."""

    def __init__(self, listing=lambda samples: samples, parameters=lambda parameters: parameters) -> None:
        self._change_listing, self._change = listing, parameters

    def list_samples(self, root):
        return self._change_listing(Reader300W().list_samples(root))

    def image_path(self, root, key):
        return Reader300W().image_path(root, key)

    def read(self, root, key):
        return self._change(Reader300W().read(root, key))


def _index(faces, cache, **changes):
    return open_index(faces, Reader(**changes), IndexOptions(cache_dir=cache))


@pytest.mark.parametrize(
    ("listing", "fault"),
    [
        (lambda samples: None, "returns NoneType"),
        (lambda samples: replace(samples, keys=[], photographs=[]), "lists no samples"),
        (lambda samples: replace(samples, photographs=samples.photographs[1:]), "12 keys and 11 photographs"),
        (lambda samples: replace(samples, keys=list(range(12))), "no text"),
        (lambda samples: replace(samples, keys=["a"] * 12), "lists a more than once"),
        (lambda samples: 1 / 0, "cannot list its samples .ZeroDivisionError"),
    ],
)
def test_a_listing_that_is_none_is_one_line(listing, fault, faces, tmp_path):
    with pytest.raises(InputError, match=f"--data.reader Reader.*{fault}") as caught:
        _index(faces, tmp_path, listing=listing)
    assert "\n" not in str(caught.value)


def test_the_order_of_samples_is_that_of_their_names(faces, tmp_path):
    def backwards(samples: SampleList) -> SampleList:
        return replace(samples, keys=samples.keys[::-1], photographs=samples.photographs[::-1])

    mixed, usual = _index(faces, tmp_path, listing=backwards), face_index(faces, tmp_path / "usual")
    assert mixed.keys.tolist() == usual.keys.tolist()
    assert mixed.photographs.tolist() == usual.photographs.tolist()
    assert mixed.fingerprint == usual.fingerprint


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        (lambda face: None, "AttributeError"),
        (lambda face: {}["Shape"], r"KeyError: 'Shape', .*test_readers_with_faults\.py"),
        (lambda face: face._replace(identity=face.identity[:, None]), r"shapes \(199, 1\) and \(29,\)"),
        (lambda face: face._replace(identity=np.full(199, np.nan)), "NaN or infinite"),
        (lambda face: face._replace(pose=["a"] * 7), "ValueError"),
    ],
)
def test_samples_that_cannot_be_read_name_the_first_and_the_fault(parameters, fault, faces, tmp_path):
    with pytest.raises(InputError, match=f"none of its 12 samples can be read.*image00000.*{fault}") as caught:
        _index(faces, tmp_path, parameters=parameters)
    assert "\n" not in str(caught.value)


def test_a_file_that_a_reader_cannot_open_is_that_samples_fault(faces, tmp_path):
    def fail_once(face, failed=[]):  # noqa: B006
        if not failed:
            failed.append(face)
            raise PermissionError(13, "denied")
        return face

    index = _index(faces, tmp_path, parameters=fail_once)
    assert len(index) == 11
    assert "image00000: cannot be read by --data.reader Reader (PermissionError" in index.faults[0]
