"""Reconstructs the faces of photographs one by one, each of which can fail alone, and writes them as files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from datamodules.errors import InputError, cannot_write, described
from datamodules.files.photographs import read_photograph
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.face import Face
from lightning_module.inference.face_files import write_face
from lightning_module.inference.page import PageFace, write_page
from lightning_module.inference.photo_list import Photo
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.inference.video.video_faces import VideoFaces

Find = Callable[[Path, NDArray[np.uint8]], list[DetectedFace]]


@dataclass
class PredictedFiles:
    """The results of a prediction.

    Attributes:
        faces: Names of the faces, in order.
        faceless: Photographs and videos without a face.
        faults: One line for each photograph, face or video that was left out.
        page: The page of the faces of photographs, or None if there are none.
        videos: What was made of videos.
    """

    faces: list[str] = field(default_factory=list)
    faceless: list[Path] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    page: Path | None = None
    videos: list[VideoFaces] = field(default_factory=list)


def write_faces(
    photos: Sequence[Photo],
    find: Find,
    reconstructor: Reconstructor,
    network: str,
    out: Path,
    texture_size: int = 512,
    fill_hidden: bool = True,
) -> PredictedFiles:
    """Reconstructs the faces of photographs one by one, and writes all files of each into a folder.

    Args:
        photos: The photographs, and the names of their results.
        find: Returns the faces of a photograph.
        reconstructor: Reconstructs them.
        network: Name of the network, for the JSON files.
        out: Folder; existing files are overwritten.
        texture_size: Texels per side of a face's texture, a power of two.
        fill_hidden: Whether hidden texels are filled from the other half of the face.

    Raises:
        InputError: If the folder cannot be written.
    """
    made = PredictedFiles()
    shown: list[PageFace] = []
    taken = {photo.name.lower() for photo in photos}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for photo in tqdm(photos, desc="Reconstructing", unit="photo", disable=None):
            faces = _faces(photo, find, reconstructor, made)
            for face, name in zip(faces, _names(photo.name, len(faces), taken), strict=True):
                with noted_fault(photo.path, made, OSError):  # which is about the folder of the results
                    shown.append(write_face(face, Photo(photo.path, name), out, network, texture_size, fill_hidden))
                    made.faces.append(name)
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    finally:
        if shown:  # also after an interruption, the finished faces get their page
            made.page = write_page(shown, texture_size, out)
    return made


def _faces(photo: Photo, find: Find, reconstructor: Reconstructor, made: PredictedFiles) -> list[Face]:
    """The faces of a photograph."""
    faces: list[Face] = []
    with noted_fault(photo.path, made):
        image = read_photograph(photo.path)
        detections = find(photo.path, image)
        plausible = [face for face in detections if face.fits(image)]
        made.faults += [
            f"{photo.path}: {face.misfit(image)}. Correct it." for face in detections if not face.fits(image)
        ]
        if not plausible:
            made.faceless.append(photo.path)
        faces += reconstructor.reconstruct(image, plausible)
    return faces


@contextmanager
def noted_fault(path: Path, made: PredictedFiles, *others: type[Exception]) -> Iterator[None]:
    """Notes what fails about a photograph or a video, so that its neighbours are still processed.

    Args:
        path: The photograph or the video.
        made: Where the fault is noted.
        others: Kinds of errors that are raised.
    """
    try:
        yield
    except others:
        raise
    except InputError as fault:
        made.faults.append(str(fault) if str(path) in str(fault) else f"{path}: {fault}")
    # what detectors and other libraries raise depends on the photograph
    except Exception as error:  # noqa: BLE001
        made.faults.append(f"{path}: its faces cannot be reconstructed ({described(error)}). Leave it out.")


def _names(name: str, count: int, taken: set[str]) -> list[str]:
    """Unique names for the faces of a photograph."""
    if count == 1:
        return [name]
    names = []
    for place in range(1, count + 1):
        own = f"{name}_{place}"
        while own.lower() in taken:
            own += "_"
        taken.add(own.lower())
        names.append(own)
    return names
