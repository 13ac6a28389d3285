"""`run.py predict`: reconstructs the faces of photographs, and writes them as files."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from datamodules.errors import InputError, cannot_write, described
from datamodules.files.boxes import read_boxes
from datamodules.files.photographs import read_photograph
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.detectors import DetectorName, boxed_faces
from lightning_module.inference.face import Face
from lightning_module.inference.face_check import MIN_CONFIDENCE
from lightning_module.inference.face_files import write_face
from lightning_module.inference.network_file import find_network
from lightning_module.inference.page import PageFace, write_page
from lightning_module.inference.photo_list import Photo, collect_photos
from lightning_module.inference.reconstructor import Reconstructor

_log = logging.getLogger(__name__)

_TEXTURE_SIZES = (128, 256, 512, 1024, 2048, 4096)

Find = Callable[[Path, NDArray[np.uint8]], list[DetectedFace]]


@dataclass
class PredictedFiles:
    """The results of a prediction.

    Attributes:
        faces: Names of the faces, in order.
        faceless: Photographs without a face.
        faults: One line for each photograph or face that was left out.
        page: The page of the faces, or None if there are none.
    """

    faces: list[str] = field(default_factory=list)
    faceless: list[Path] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    page: Path | None = None


def predict(
    photos: list[Path],
    ckpt_path: Path,
    out: Path,
    boxes: Path | None = None,
    detector: DetectorName = "auto",
    mirror_average: bool | None = None,
    texture_size: int = 512,
    fill_hidden: bool = True,
    passes: int = 2,
    min_confidence: float = MIN_CONFIDENCE,
) -> PredictedFiles:
    """Reconstructs the faces of photographs: meshes, landmarks, head pose, pictures, and index.html to view them.

    Args:
        photos: Photographs, and folders of .jpg, .png, .bmp, .tif and .webp files.
        ckpt_path: Checkpoint of a fit, an ONNX file that `run.py export` wrote, or the name of a run.
        out: Folder for the results: for each face <name>.obj, .mtl, .png, .ply, .glb and .json, four pictures, and one
            index.html for all.
        boxes: File of face boxes, which replaces the detector: CSV with the columns photo,x1,y1,x2,y2, or JSON such as
            {"a.jpg": [[x1, y1, x2, y2]]}; pixels of the upright image, tight about brows, chin and jaw.
        detector: "face-alignment" finds faces in any pose, and downloads its weights once; "scikit-image" downloads
            nothing; "auto" uses the first if it can be loaded.
        mirror_average: Whether to average the maps of each face and its mirror image; by default the setting of the
            checkpoint.
        texture_size: Texels per side of a face's texture: 128, 256, 512, 1024, 2048 or 4096.
        fill_hidden: Whether hidden texels are filled from the other half of the face.
        passes: 1, or 2 to crop each face again by the landmarks of the first pass.
        min_confidence: Confidence from 0 to 1 below which a detected face is left out. The network must confirm each
            face; with 0, all that the detector finds is kept. Faces of --boxes are never left out.

    Raises:
        InputError: If an option is invalid, or no face is found.
    """
    if texture_size not in _TEXTURE_SIZES:
        raise InputError(f"--texture_size is {texture_size}: give one of {', '.join(map(str, _TEXTURE_SIZES))}.")
    out = out.expanduser()
    listed = collect_photos(photos, out)
    network = find_network(ckpt_path)
    reconstructor = Reconstructor.load(network, mirror_average, detector, passes, min_confidence)
    find = _marked_faces(boxes, listed) if boxes is not None else _detected_faces(reconstructor)
    try:
        with logging_redirect_tqdm():  # a warning stands above the progress bar
            made = write_faces(listed, find, reconstructor, network.name, out, texture_size, fill_hidden)
    except KeyboardInterrupt:
        _log.warning("Stopped. The faces made so far are in %s.", out)
        raise
    if made.faults:
        _log.warning("Left out of %d photographs:\n%s", len(listed), "\n".join(made.faults))
    if made.faceless:
        _log.warning("No face was found in %s. Mark faces with --boxes.", ", ".join(map(str, made.faceless)))
    if made.page is None and reconstructor.has_diverged:
        raise InputError(
            f"no face of {_count(len(listed), 'photograph')} was reconstructed with {network}; {out} holds nothing new. "
            f"{made.faults[0]}"
        )
    if made.page is None:
        raise InputError(f"no face was found in {len(listed)} photographs; {out} holds nothing new. See --boxes.")
    faces, photographs = _count(len(made.faces), "face"), _count(len(listed), "photograph")
    print(f"{faces} of {photographs} in {out}\nOpen {made.page.resolve().as_uri()}")
    return made


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
        network: Name of the network's file, for the JSON files.
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
                with _noted_fault(photo, made, OSError):  # which is about the folder of the results
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
    with _noted_fault(photo, made):
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
def _noted_fault(photo: Photo, made: PredictedFiles, *others: type[Exception]) -> Iterator[None]:
    """Notes what fails about a photograph, except for errors of other kinds, so that its neighbours are still processed."""
    try:
        yield
    except others:
        raise
    except InputError as fault:
        made.faults.append(str(fault) if str(photo.path) in str(fault) else f"{photo.path}: {fault}")
    # what detectors and other libraries raise depends on the photograph
    except Exception as error:  # noqa: BLE001
        made.faults.append(f"{photo.path}: its faces cannot be reconstructed ({described(error)}). Leave it out.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


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


def _detected_faces(reconstructor: Reconstructor) -> Find:
    """A function that detects the faces of a photograph; raises InputError if the detector cannot be loaded."""
    reconstructor.load_detector()
    return lambda _, image: reconstructor.detect(image)


def _marked_faces(path: Path, photos: Sequence[Photo]) -> Find:
    """A function that returns the faces that a file marks in a photograph."""
    boxes, unused = read_boxes(path.expanduser()).among(photo.path for photo in photos)
    if unused:
        _log.warning(
            "%s: marks faces of %s, which is not among the photographs. Name each by its file name, or the end of its path.",
            path,
            ", ".join(unused),
        )
    return lambda photo, _: boxed_faces(boxes.get(photo, np.empty((0, 4))))
