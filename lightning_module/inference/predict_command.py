"""What `run.py predict` does with photographs, once there is a network."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.boxes import FaceBoxes, read_boxes
from lightning_module.inference.detection import FoundFace
from lightning_module.inference.detectors import DetectorName, choose_detector, faces_of_boxes
from lightning_module.inference.photo_list import Photo, collect_photos
from lightning_module.inference.reconstruct import Making, MapNetwork, Reconstruction, reconstruct

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photographs:
    """Which photographs, and who finds the faces in them.

    Args:
        photos: Files, and folders of .jpg, .png, .bmp, .tif and .webp files.
        boxes: Where the faces are, instead of a detector: CSV with the columns photo,x1,y1,x2,y2, or JSON such as
            {"a.jpg": [[x1, y1, x2, y2]]}; pixels of the upright image, tight about brows, chin and jaw.
        detector: "face-alignment", any pose, whose weights are downloaded once; "scikit-image", faces that look at
            the camera, nothing to download; or "auto", the first where it can be had.
    """

    photos: list[Path]
    boxes: Path | None = None
    detector: DetectorName = "auto"


@dataclass(frozen=True)
class NetworkUse:
    """How the network is used.

    Args:
        mirror_average: Whether to average the map of each crop and that of its mirror image.
    """

    mirror_average: bool = False


def predict(
    ckpt_path: Path,
    out: Path,
    data: Photographs,
    make: Making = Making(),  # noqa: B008  # frozen
    model: NetworkUse = NetworkUse(),  # frozen
    *,
    load_network: Callable[[Path, bool], MapNetwork],
) -> Reconstruction:
    """Reconstructs the faces of photographs: meshes, landmarks, head pose, pictures, and index.html to look at them.

    With --data.test_root instead of --data.photos it writes the position maps of a data set's samples as <stem>.npy;
    python run.py predict --data.test_root DIR --help shows those options.

    Args:
        ckpt_path: Checkpoint of a fit, or an ONNX file that `run.py export` wrote.
        out: Folder for the results: for each face <name>.obj, .mtl, .png, .ply, .glb and .json, four pictures, and one
            index.html for all.
        data: Which photographs.
        make: What is made of a face.
        model: How the network is used.
        load_network: Loads it, given its file and whether to average mirror images.

    Raises:
        InputError: If there is nothing to do, or nothing could be done.
    """
    out = out.expanduser()
    photos = collect_photos(data.photos, out)
    network = load_network(ckpt_path.expanduser(), model.mirror_average)
    try:
        done = reconstruct(photos, _finder(data, photos), network, ckpt_path.name, out, make)
    except KeyboardInterrupt:
        _log.warning("Stopped. What was made is in %s.", out)
        raise
    if done.faults:
        _log.warning("Left out of %d photographs:\n%s", len(photos), "\n".join(done.faults))
    if done.faceless:
        _log.warning("No face was found in %s. Mark faces with --data.boxes.", ", ".join(map(str, done.faceless)))
    if done.page is None:
        raise InputError(f"no face was found in {len(photos)} photographs; {out} holds nothing new. See --data.boxes.")
    print(f"{len(done.faces)} faces of {len(photos)} photographs in {out}\nOpen {done.page.resolve().as_uri()}")
    return done


def _finder(photographs: Photographs, photos: list[Photo]) -> Callable[[Path, NDArray[np.uint8]], list[FoundFace]]:
    if photographs.boxes is not None:
        boxes: FaceBoxes = read_boxes(photographs.boxes.expanduser())
        if unused := boxes.unused(photo.path for photo in photos):
            _log.warning(
                "%s: marks faces of %s, which is none of the photographs.", photographs.boxes, ", ".join(unused)
            )
        return lambda path, _: faces_of_boxes(boxes, path)
    detector = choose_detector(photographs.detector)
    return lambda _, image: detector.detect(image)
