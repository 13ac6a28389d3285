"""Writes what a demo shows of a face: the files of `run.py predict` for each network, and the pictures of their difference."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.files.images import write_jpeg, write_png
from lightning_module.inference.demo.difference_pictures import ColourScale, as_texture, in_uv_space, on_face
from lightning_module.inference.demo.map_difference import MapDifference, are_comparable
from lightning_module.inference.face import Face
from lightning_module.inference.face_files import write_face
from lightning_module.inference.face_mesh import textured_mesh
from lightning_module.inference.page import PageFace, write_page
from lightning_module.inference.photo_list import Photo

_TEXTURE = 512  # texels per side
_PREVIEW = 900  # most pixels of a side of the photograph as it is shown
_CHOSEN, _OTHER = (60, 230, 80), (255, 255, 255)


@dataclass(frozen=True)
class SeenFace:
    """A face as a network sees it.

    Attributes:
        name: Name of its files.
        network: Name of the network.
        face: The face.
    """

    name: str
    network: str
    face: Face


@dataclass(frozen=True)
class ShownDifference:
    """The difference of two networks.

    Attributes:
        difference: The distances.
        scale: Their colours.
        pictures: Names of the pictures by what they show.
    """

    difference: MapDifference
    scale: ColourScale
    pictures: dict[str, str]


@dataclass(frozen=True)
class ResultFiles:
    """The names of the files, relative to their folder.

    Attributes:
        pages: Pages on which the faces can be turned: one, or two if their maps cannot be compared.
        pictures: For each face, its overlays by kind.
        difference: The difference, or None where there is nothing to compare.
    """

    pages: list[str]
    pictures: list[dict[str, str]]
    difference: ShownDifference | None


def write_results(seen: list[SeenFace], photo: Path, out: Path) -> ResultFiles:
    """Writes the results of one or two networks for one face.

    Args:
        seen: The face as each network sees it.
        photo: Its photograph.
        out: An empty folder.
    """
    is_compared = len(seen) > 1 and are_comparable(seen[0].face.layout, seen[1].face.layout)
    # networks with other layouts have other meshes, and a page has one for all its faces
    places = [Path(), Path()] if is_compared else [Path(), Path("other")]
    on_pages: dict[Path, list[PageFace]] = {}
    pictures = []
    for one, place in zip(seen, places[: len(seen)], strict=True):
        (out / place).mkdir(exist_ok=True)
        face = write_face(one.face, Photo(photo, one.name), out / place, one.network, _TEXTURE)
        on_pages.setdefault(place, []).append(face)
        named = {kind: name for kind, name in face.content["pictures"].items() if kind != "texture"}
        pictures.append({kind: (place / name).as_posix() for kind, name in named.items()})
    shown = None
    if is_compared:
        shown, turned = _write_difference(seen[0].face, seen[1].face, photo, out)
        on_pages[places[0]].append(turned)
    pages = [write_page(faces, _TEXTURE, out / place, is_embedded=True) for place, faces in on_pages.items()]
    return ResultFiles([page.relative_to(out).as_posix() for page in pages], pictures, shown)


def _write_difference(first: Face, second: Face, photo: Path, out: Path) -> tuple[ShownDifference, PageFace]:
    difference = MapDifference.of(first, second)
    scale = ColourScale.of(difference)
    drawn = {
        "difference on the face": on_face(first, difference, scale),
        "difference in UV space": in_uv_space(first, difference, scale),
    }
    pictures = {title: f"{title.replace(' ', '_')}.png" for title in drawn}
    for title, picture in drawn.items():
        write_png(out / pictures[title], picture)
    texture = as_texture(difference, scale)
    write_png(out / "difference.png", texture)
    turned = PageFace(
        first, Photo(photo, "difference"), textured_mesh(first, _TEXTURE, True)._replace(texture=texture), pictures
    )
    turned.content["pose"] = f"distance from A to B: black 0, yellow {scale.end:g} % of the face's size"
    turned.content["files"] = []
    return ShownDifference(difference, scale, pictures), turned


def write_preview(image: NDArray[np.uint8], faces: list[Face], chosen: int, path: Path) -> None:
    """Writes a photograph with the boxes of its faces and their numbers, from 1."""
    scale = min(1.0, _PREVIEW / max(image.shape[:2]))
    picture = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image.copy()
    for number, face in enumerate(faces):
        left, top, right, bottom = (round(float(side) * scale) for side in face.detection.box_px)
        colour = _CHOSEN if number == chosen else _OTHER
        cv2.rectangle(picture, (left, top), (right, bottom), colour, 2, cv2.LINE_AA)
        if len(faces) > 1:
            cv2.putText(
                picture, str(number + 1), (left + 4, top + 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, colour, 2, cv2.LINE_AA
            )
    write_jpeg(path, np.asarray(picture, np.uint8))
