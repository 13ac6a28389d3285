"""Whatever chance does to an input file, its reader reads it or says in one line what is wrong."""

import multiprocessing
import resource
import time

import cv2
import numpy as np
import pytest
import trimesh
from PIL import Image

from datamodules.errors import InputError
from datamodules.files.bfm import read_coefficient_deviations, read_morphable_model
from datamodules.files.boxes import read_boxes
from datamodules.files.dataset_card import DatasetCard, read_card, write_card
from datamodules.files.face_mat import read_face_mat
from datamodules.files.images import is_upright, read_image, read_image_size
from datamodules.files.landmark_arrays import read_landmarks, read_yaw
from datamodules.files.mesh_files import read_mesh
from datamodules.files.photographs import read_photograph
from datamodules.files.position_map_files import read_position_map, read_uv_layout, write_uv_layout
from datamodules.geometry.uv_layout import make_uv_layout
from lightning_module.weight_file import read_weight_map
from tests.fakes import fake_model, write_faces, write_model

_MOST_ADDED_BYTES = 3 * 2**29  # beside the half of a gigabyte that imports take: 2 GB in all


def _as_image(path):
    return [reader(path) for reader in (read_image, read_image_size, is_upright, read_photograph)]


def _as_model(path):
    return read_coefficient_deviations(path, read_morphable_model(path, path.with_name("BFM_UV.mat")))


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """A file of each format, and its reader."""
    folder = tmp_path_factory.mktemp("samples")
    write_faces(folder, [0.0], ["face"])
    write_model(folder)
    image = Image.open(folder / "face.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    for ending in ("png", "webp", "tif"):
        image.save(folder / f"photo.{ending}", exif=exif)
    pixels = np.asarray(image)
    cv2.imwrite(str(folder / "deep.png"), pixels.astype(np.uint16) * 16)
    cv2.imwrite(str(folder / "float.tif"), pixels.astype(np.float32) / 255)
    np.save(folder / "weights.npy", np.ones((256, 256), np.float32))
    np.save(folder / "map.npy", np.ones((256, 256, 3), np.float32))
    np.savez(folder / "landmarks.npz", landmarks=np.ones((4, 68, 3)))
    np.save(folder / "yaw.npy", np.ones(4))
    write_uv_layout(folder / "uv_layout.npz", make_uv_layout(fake_model()))
    (folder / "boxes.csv").write_text("photo,x1,y1,x2,y2\na.jpg,1,2,30,40\nb.jpg,1,2,30,40\n")
    (folder / "boxes.json").write_text('{"a.jpg": [[1, 2, 30, 40]], "b.jpg": [1, 2, 3, 4]}')
    for ending in ("obj", "ply"):
        trimesh.creation.icosphere(1).export(folder / f"mesh.{ending}")
    write_card(folder, DatasetCard("name", "kind", "0123", "BFM.mat"))
    return folder


_READERS = {
    "face.jpg": _as_image,
    "face.mat": read_face_mat,
    "BFM.mat": _as_model,
    "photo.png": _as_image,
    "photo.webp": read_photograph,
    "photo.tif": read_photograph,
    "deep.png": read_photograph,
    "float.tif": read_photograph,
    "weights.npy": read_weight_map,
    "map.npy": read_position_map,
    "landmarks.npz": read_landmarks,
    "yaw.npy": read_yaw,
    "uv_layout.npz": read_uv_layout,
    "boxes.csv": read_boxes,
    "boxes.json": read_boxes,
    "mesh.obj": read_mesh,
    "mesh.ply": read_mesh,
    "dataset.yaml": lambda path: read_card(path.parent),
}


def _damaged(content, rng):
    """Flips bits, cuts, overwrites with zeros, mixes, inserts, or changes the beginning."""
    data = bytearray(content)
    start = int(rng.integers(len(data)))
    stop = int(rng.integers(start, len(data)))
    match rng.integers(6):
        case 0:
            for place in rng.integers(0, len(data), 5):
                data[place] ^= 1 << rng.integers(8)
        case 1:
            del data[start:]
        case 2:
            data[start:stop] = bytes(stop - start)
        case 3:
            data[start:stop] = rng.permutation(np.frombuffer(data[start:stop], np.uint8)).tobytes()
        case 4:
            data[start:start] = rng.bytes(40)
        case 5:
            for place in rng.integers(0, min(256, len(data)), 3):
                data[place] = rng.integers(256)
    return bytes(data)


def _try_all(folder, tries, seed, sender):
    before = _peak_bytes()
    rng = np.random.default_rng(seed)
    unforeseen = []
    for name, read in _READERS.items():
        path = folder / name
        whole = path.read_bytes()
        for _ in range(tries):
            path.write_bytes(_damaged(whole, rng))
            started = time.monotonic()
            try:
                read(path)
            except InputError as error:
                if "\n" in str(error) or name not in str(error).replace("BFM_UV", "BFM"):
                    unforeseen.append(f"{name}: {error}")
            # what is looked for
            except BaseException as error:  # noqa: BLE001
                unforeseen.append(f"{name}: {error!r}")
            if time.monotonic() - started > 30:
                unforeseen.append(f"{name}: took {time.monotonic() - started:.0f} s")
        path.write_bytes(whole)
        read(path)
    sender.send((unforeseen, _peak_bytes() - before))


def _peak_bytes():
    """The most memory of this process so far; a forked one begins with what its parent has at that moment."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize(
    ("tries", "seed"), [(12, 0), *(pytest.param(200, seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]
)
def test_every_damaged_file_is_read_or_one_clear_line(tries, seed, samples):
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    reader = context.Process(target=_try_all, args=(samples, tries, seed, sender))  # which damage may end
    reader.start()
    sender.close()
    unforeseen, added_bytes = receiver.recv()
    reader.join()
    assert not unforeseen
    assert added_bytes < _MOST_ADDED_BYTES
