"""Photographs in, faces out: detection, crops, the network, and every file that is made of a face."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from datamodules.errors import InputError
from datamodules.files.images import warp_image, write_jpeg
from datamodules.files.mesh_files import write_textured
from datamodules.files.photographs import read_photograph
from datamodules.geometry.crop import crop_boxes, crop_matrix, image_matrix, uncrop_points
from datamodules.geometry.landmarks import LANDMARKS_68
from lightning_module.inference.detection import FoundFace
from lightning_module.inference.face_json import as_json, face_record
from lightning_module.inference.face_mesh import textured_mesh
from lightning_module.inference.overlays import overlays
from lightning_module.inference.page import PageFace, write_page
from lightning_module.inference.photo_list import Photo
from lightning_module.inference.reconstructed_face import MapMeaning, ReconstructedFace

_LEAST_PX = 8  # of a face's box
_LARGEST = 2.0  # such a box, in sides of the photograph
_MOST_AWAY = 0.5  # sides of a crop from its centre to the next pass's
_MOST_CHANGE = 2.0  # of a crop's side from one pass to the next: beyond that the network has lost the face


class MapNetwork(Protocol):
    """Gives maps of crops, and says what they mean."""

    image_size: int
    mean_map: NDArray[np.float32]
    regions: NDArray[np.uint8]
    landmark_texels: NDArray[np.int64]

    def maps(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 256, 256, 3) crop pixels of (N, image_size, image_size, 3) RGB."""
        ...


@dataclass(frozen=True)
class Making:
    """What is made of a face.

    Args:
        texture_size: Texels a side of its texture: 128, 256, 512, 1024, 2048 or 4096.
        fill_hidden: Whether what the photograph does not show is filled from the other half of the face.
        passes: 1, or 2 to crop again by the network's own landmarks.
        batch_size: Faces that the network sees at once.

    Raises:
        InputError: If one of them is something else.
    """

    texture_size: int = 512
    fill_hidden: bool = True
    passes: int = 2
    batch_size: int = 8

    def __post_init__(self) -> None:
        if self.texture_size not in (128, 256, 512, 1024, 2048, 4096):
            raise InputError(f"--make.texture_size is {self.texture_size}: give 128, 256, 512, 1024, 2048 or 4096.")
        if self.passes not in (1, 2) or self.batch_size < 1:
            raise InputError("--make.passes is 1 or 2, and --make.batch_size at least 1: give such numbers.")


@dataclass
class Reconstruction:
    """What came of the photographs.

    Attributes:
        faces: Names of what was made, in order.
        faceless: Photographs without a face.
        faults: One line for each photograph that could not be read.
        page: The page that shows them.
    """

    faces: list[str] = field(default_factory=list)
    faceless: list[Path] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    page: Path | None = None


class _Seen(NamedTuple):
    """A face before the network has seen it."""

    number: int  # of the photograph, counted from 1
    photo: Path
    name: str
    image: NDArray[np.uint8]
    found: FoundFace


def reconstruct(
    photos: Sequence[Photo],
    find: Callable[[Path, NDArray[np.uint8]], list[FoundFace]],
    network: MapNetwork,
    network_name: str,
    out: Path,
    making: Making,
) -> Reconstruction:
    """Everything that can be made of the faces of photographs, into a folder.

    Args:
        photos: Which.
        find: Says where the faces of a photograph are.
        network: Reconstructs them.
        network_name: As it stands in the faces' records.
        out: Folder; what has the same names there is overwritten.
        making: What is made of each face.

    Raises:
        InputError: If the folder cannot be written.
    """
    done = Reconstruction()
    meaning = MapMeaning.of(network.mean_map, network.regions, network.landmark_texels)
    shown: list[PageFace] = []
    faces = _faces(photos, find, done)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(out, error) from error
    try:
        with tqdm(total=len(photos), desc="Reconstructing", unit="photo") as bar:
            while batch := list(islice(faces, making.batch_size)):
                for face in _reconstructed(batch, network, meaning, making.passes, done):
                    shown.append(_write(face, out, network_name, making))
                    done.faces.append(face.name)
                bar.update(batch[-1].number - bar.n)
            bar.update(len(photos) - bar.n)
    except OSError as error:
        raise _cannot_write(out, error) from error
    finally:
        if shown:  # also of what there is when someone stops it
            done.page = write_page(shown, meaning, making.texture_size, out)
    return done


def _cannot_write(out: Path, error: OSError) -> InputError:
    return InputError(f"{out}: cannot be written ({error.strerror}). Set --out to a folder that can.")


def _faces(
    photos: Sequence[Photo], find: Callable[[Path, NDArray[np.uint8]], list[FoundFace]], done: Reconstruction
) -> Iterator[_Seen]:
    taken = {photo.name.lower() for photo in photos}
    for number, photo in enumerate(photos, start=1):
        try:
            image = read_photograph(photo.path)
        except InputError as fault:
            done.faults.append(str(fault))
            continue
        found = []
        for face in find(photo.path, image):
            if _can_be_seen(face, image):
                found.append(face)
            else:
                said = ", ".join(f"{number:g}" for number in face.box_px)
                done.faults.append(
                    f"{photo.path}: the box {said} is no face of {image.shape[1]} x {image.shape[0]} pixels. Mend it."
                )
        if not found:
            done.faceless.append(photo.path)
        for place, face in enumerate(found, start=1):
            name = photo.name if len(found) == 1 else f"{photo.name}_{place}"
            while len(found) > 1 and name.lower() in taken:  # another photograph is called so
                name += "_"
            taken.add(name.lower())
            yield _Seen(number, photo.path, name, image, face)


def _can_be_seen(face: FoundFace, image: NDArray[np.uint8]) -> bool:
    (left, top, right, bottom), (height, width) = face.box_px, image.shape[:2]
    sides = right - left, bottom - top
    meets = left < width and top < height and right > 0 and bottom > 0
    return bool(meets and min(sides) >= _LEAST_PX and max(sides) <= _LARGEST * max(width, height))


def _reconstructed(
    batch: list[_Seen], network: MapNetwork, meaning: MapMeaning, passes: int, done: Reconstruction
) -> Iterator[ReconstructedFace]:
    crops = np.stack([face.found.crop for face in batch])
    maps = _maps(batch, crops, network)
    if passes == 2:
        crops = _recropped(crops, maps, meaning)
        maps = _maps(batch, crops, network)
    for seen, position_map, crop in zip(batch, maps, crops, strict=True):
        if not np.isfinite(position_map).all():
            done.faults.append(f"{seen.photo}: the network gives no numbers for {seen.name}. Has it been trained?")
            continue
        yield ReconstructedFace.from_map(position_map, crop, meaning, seen.image, seen.found, seen.photo, seen.name)


def _maps(batch: list[_Seen], crops: NDArray[np.float64], network: MapNetwork) -> NDArray[np.float32]:
    size = network.image_size
    images = [
        warp_image(face.image, image_matrix(crop_matrix(crop), size), size)
        for face, crop in zip(batch, crops, strict=True)
    ]
    return network.maps(np.stack(images))


def _recropped(crops: NDArray[np.float64], maps: NDArray[np.float32], meaning: MapMeaning) -> NDArray[np.float64]:
    """(N, 3) crops about the landmarks that the network found, as in training; where it found none, the old ones."""
    row, col = meaning.landmark_texels[:LANDMARKS_68].T
    landmarks = [uncrop_points(map_[row, col], crop_matrix(crop)) for map_, crop in zip(maps, crops, strict=True)]
    again = crop_boxes(np.stack(landmarks))
    change = again[:, 2] / crops[:, 2]
    away = np.linalg.norm(again[:, :2] - crops[:, :2], axis=1) / crops[:, 2]
    is_kept = (change <= _MOST_CHANGE) & (change >= 1 / _MOST_CHANGE) & (away <= _MOST_AWAY)  # False for no number
    return np.where(is_kept[:, None], again, crops)


def _write(face: ReconstructedFace, out: Path, network: str, making: Making) -> PageFace:
    mesh = textured_mesh(face, making.texture_size, making.fill_hidden)
    write_textured(mesh, out / face.name)
    pictures = {}
    for kind, picture in overlays(face).items():
        path = out / f"{face.name}_{kind}.jpg"
        write_jpeg(path, picture)
        pictures[kind] = path.name
    record: dict[str, Any] = face_record(face, network)
    (out / f"{face.name}.json").write_text(as_json(record), encoding="utf-8")
    return PageFace(face, mesh, pictures)
