"""`run.py predict`: reconstructs the faces of photographs, and writes them as files."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm.contrib.logging import logging_redirect_tqdm

from datamodules.errors import InputError, cannot_write
from datamodules.files.boxes import read_boxes
from lightning_module.inference.detectors import DetectorName, boxed_faces
from lightning_module.inference.network_file import find_network
from lightning_module.inference.photo_faces import Find, PredictedFiles, noted_fault, write_faces
from lightning_module.inference.photo_list import Photo, collect_photos
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.inference.video.face_tracks import FaceTracker
from lightning_module.inference.video.video_faces import write_video_faces
from lightning_module.inference.video.video_list import NamedVideo, named_videos, sequence_video, videos_among
from lightning_module.pretrained_network import PRETRAINED, network_label

_log = logging.getLogger(__name__)

_TEXTURE_SIZES = (128, 256, 512, 1024, 2048, 4096)


def predict(
    photos: list[Path],
    ckpt_path: Path = Path(PRETRAINED),
    out: Path = Path("faces"),
    boxes: Path | None = None,
    detector: DetectorName = "auto",
    mirror_average: bool | None = None,
    texture_size: int = 512,
    fill_hidden: bool = True,
    passes: int = 2,
    min_confidence: float | None = None,
    smooth: bool = False,
    sequence_fps: float | None = None,
    crop_average: bool | None = None,
) -> PredictedFiles:
    """Reconstructs the faces of photographs and videos.

    Photographs give meshes, landmarks, head pose, pictures, and index.html to view them; videos give an overlay video, a
    table of landmarks, pose and confidence for each frame, and a page with a slider.

    Args:
        photos: Photographs and videos, and folders of them: .jpg, .png, .bmp, .tif and .webp files, and videos that
            FFmpeg decodes, such as .mp4, .mov, .avi, .mkv and .webm.
        ckpt_path: Checkpoint of a fit, an ONNX file that `run.py export` wrote, the name of a run, or `pretrained` for the
            network that comes with the project.
        out: Folder for the results: for each face of a photograph <name>.obj, .mtl, .png, .ply, .glb and .json, four
            pictures, and one index.html for all; for each video <name>.webm, .csv, .npz and .html.
        boxes: File of face boxes, which replaces the detector: CSV with the columns photo,x1,y1,x2,y2, or JSON such as
            {"a.jpg": [[x1, y1, x2, y2]]}; pixels of the upright image, tight about brows, chin and jaw.
        detector: "face-alignment" finds faces in any pose, and downloads its weights once; "scikit-image" downloads
            nothing; "auto" uses the first if it can be loaded.
        mirror_average: Whether to average the maps of each face and its mirror image; by default the setting of the
            checkpoint.
        texture_size: Texels per side of a face's texture: 128, 256, 512, 1024, 2048 or 4096.
        fill_hidden: Whether hidden texels are filled from the other half of the face.
        passes: 1, or 2 to crop each face again by the landmarks of the first pass.
        min_confidence: Confidence from 0 to 1 below which a detected face is left out. Above 0, the network must confirm
            each face, and scikit-image's detector also searches turned and mirrored copies of the photograph and a grid
            of crops. With 0, all that the detector finds is kept. By default 0.7 with the network that comes with the
            project, to which confidences are fitted, and 0 with others. Faces of --boxes are never left out.
        smooth: Whether the maps of a video are averaged over five frames: less jitter, at a lag of two frames.
        sequence_fps: Takes the photographs, in the order of their names, for the frames of one video, with so many
            frames per second.
        crop_average: Whether to average the maps of each crop as it is, turned by 10 degrees to either side, and 1.12 times
            as large and as small; by default those of photographs with the network that comes with the project, and the
            setting of the checkpoint with others.

    Raises:
        InputError: If an option is invalid, or no face is found.
    """
    if texture_size not in _TEXTURE_SIZES:
        raise InputError(f"--texture_size is {texture_size}: give one of {', '.join(map(str, _TEXTURE_SIZES))}.")
    out = out.expanduser()
    clips = videos_among(photos)
    videos = named_videos(clips, out)
    stills = [place for place in photos if place.expanduser() not in clips]
    listed = collect_photos(stills, out, is_needed=sequence_fps is not None or not clips)
    if sequence_fps is not None:
        videos, listed = [*videos, sequence_video(listed, sequence_fps)], []
    if boxes is not None and videos:
        raise InputError("--boxes marks faces of photographs; faces of videos are searched for. Leave one of them out.")
    network = find_network(ckpt_path)
    reconstructor = Reconstructor.load(network, mirror_average, detector, passes, min_confidence, crop_average)
    find = _marked_faces(boxes, listed) if boxes is not None else _detected_faces(reconstructor)
    made = PredictedFiles()
    try:
        with logging_redirect_tqdm():  # a warning stands above the progress bar
            if listed:
                made = write_faces(listed, find, reconstructor, network_label(network), out, texture_size, fill_hidden)
            for video in videos:
                _follow(video, reconstructor, smooth, out, made)
    except KeyboardInterrupt:
        _log.warning("Stopped. The faces made so far are in %s.", out)
        raise
    remedy = _remedy(len(listed), 0.0 if boxes is not None else reconstructor.min_confidence)
    _report(made, len(listed), len(videos), reconstructor.has_diverged, network, out, remedy)
    return made


def _follow(
    video: NamedVideo,
    reconstructor: Reconstructor,
    is_smoothed: bool,
    out: Path,
    made: PredictedFiles,
) -> None:
    """Follows the faces of one video; raises InputError if the folder of the results cannot be written."""
    # the crop of a frame comes from the frame before, as the second pass of a photograph does from the first
    tracker = FaceTracker(reconstructor.detect, reconstructor.for_frames().reconstruct, reconstructor.min_confidence)
    try:
        with noted_fault(video.path, made, OSError):  # which is about the folder of the results
            out.mkdir(parents=True, exist_ok=True)
            faces = write_video_faces(video.open_video(), tracker, out, video.name, is_smoothed)
            if faces.page is None:
                made.faceless.append(video.path)
            else:
                made.videos.append(faces)
            if faces.is_stopped:
                raise KeyboardInterrupt
    except OSError as error:
        raise cannot_write(out, error, "--out") from error


def _remedy(photographs: int, least: float) -> str:
    """What helps where no face is found; `least` is the smallest confidence, 0 where none is asked for."""
    ways = ["mark faces with --boxes"] if photographs else []
    ways += [f"lower --min_confidence, which is {least:g}"] if least > 0 else []
    return f"{', or '.join(ways).capitalize()}." if ways else ""


def _report(
    made: PredictedFiles, photographs: int, videos: int, has_diverged: bool, network: Path, out: Path, remedy: str
) -> None:
    """Prints what was made, and warns of what was not.

    Raises:
        InputError: If nothing was made.
    """
    kinds = [_count(number, noun) for number, noun in ((photographs, "photograph"), (videos, "video")) if number]
    inputs = " and ".join(kinds)
    if made.faults:
        _log.warning("Left out of %s:\n%s", inputs, "\n".join(made.faults))
    is_empty = made.page is None and not made.videos
    if made.faceless:  # the error about nothing at all has the remedy too
        advice = "" if is_empty else f" {remedy}"
        _log.warning("No face was found in %s.%s", ", ".join(map(str, made.faceless)), advice)
    if is_empty:
        if has_diverged:
            raise InputError(
                f"no face of {inputs} was reconstructed with {network}; {out} holds nothing new. {made.faults[0]}"
            )
        if made.faults and not made.faceless:
            raise InputError(f"{inputs} could not be read; {out} holds nothing new. {made.faults[0]}")
        raise InputError(f"no face was found in {inputs}; {out} holds nothing new. {remedy}".rstrip())
    if made.page is not None:
        print(f"{_count(len(made.faces), 'face')} of {_count(photographs, 'photograph')} in {out}")
        print(f"Open {made.page.resolve().as_uri()}")
    for video in made.videos:
        rate = video.frames / max(video.seconds, 1e-3)
        print(
            f"{_count(video.faces, 'face')} in {video.frames_with_faces} of {video.frames} frames, at {rate:.1f} frames per "
            "second"
        )
        print(f"Open {video.page.resolve().as_uri()}" if video.page is not None else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
