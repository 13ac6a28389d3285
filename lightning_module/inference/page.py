"""Writes an HTML page with all faces in 3-D, which needs neither a network nor a server."""

import base64
import json
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.files.images import encode_jpeg
from datamodules.geometry.cut_surface import CutSurface
from datamodules.geometry.textured_mesh import TexturedMesh
from lightning_module.inference.face import Face, MapLayout
from lightning_module.inference.face_mesh import texture_coordinates
from lightning_module.inference.photo_list import Photo

_NAME = "index.html"
_STEP = 2  # every second row and column of texels has vertices: 11 000 per face, a tenth of a megabyte
_TEXTURE = 512  # largest number of texels per side
_LARGEST = 32767  # largest 16-bit integer


class PageFace:
    """The data of a face in the page; compact, so that hundreds fit into memory.

    Args:
        face: The face.
        photo: Its photograph, and the name of its files.
        mesh: Its mesh.
        pictures: Names of its overlays by kind.
    """

    def __init__(self, face: Face, photo: Photo, mesh: TexturedMesh, pictures: dict[str, str]) -> None:
        self.layout = face.layout
        points = _surface(face.layout).interpolated(face.map_px) * [1, -1, 1]
        middle, half = (points.max(axis=0) + points.min(axis=0)) / 2, np.ptp(points, axis=0).max() / 2
        texture = mesh.texture
        if len(texture) > _TEXTURE:
            texture = np.asarray(cv2.resize(texture, (_TEXTURE, _TEXTURE), interpolation=cv2.INTER_AREA), np.uint8)
        pitch, yaw, roll = (f"{angle:+z.1f}°" for angle in face.pose)
        self.content: dict[str, Any] = {
            "name": photo.name,
            "photo": photo.path.name,
            "found_by": face.detection.detector,
            "confidence": None if face.confidence is None else f"{face.confidence:.2f}",
            "pose": f"pitch {pitch}, yaw {yaw}, roll {roll}",
            "pictures": pictures | {"texture": f"{photo.name}.png"},
            "files": [f"{photo.name}{ending}" for ending in (".obj", ".ply", ".glb", ".png", ".json")],
            "points": _packed(np.rint((points - middle) / half * _LARGEST), np.int16),
            "texture": base64.b64encode(encode_jpeg(texture)).decode(),
        }


@lru_cache(maxsize=1)
def _surface(layout: MapLayout) -> CutSurface:
    """The mesh that all faces of a page share."""
    return layout.coarse_surface(_STEP)


def write_page(faces: list[PageFace], texture_size: int, out: Path, is_embedded: bool = False) -> Path:
    """Writes the page of at least one face of one network, into the folder of their files.

    Args:
        faces: The faces.
        texture_size: Texels per side of their textures.
        out: The folder.
        is_embedded: Whether the page is part of another one, which compares its faces: all turn together, and links open
            pages of their own.
    """
    layout = faces[0].layout
    surface = _surface(layout)
    # texture coordinates are those of the original size, since resizing a texture does not change them
    uv = surface.interpolated(texture_coordinates(layout.grid, texture_size))
    content = {
        "triangles": _packed(surface.triangles, np.uint16),
        "uv": _packed(np.rint(uv * (2 * _LARGEST + 1)), np.uint16),
        "faces": [face.content for face in faces],
        "embedded": is_embedded,
    }
    template = (files("lightning_module.inference") / "page.html").read_text(encoding="utf-8")
    # a name that holds </script> must not end the script
    page = template.replace("@CONTENT@", json.dumps(content).replace("<", "\\u003c"))
    path = out / _NAME
    path.write_text(page, encoding="utf-8")
    return path


def _packed(numbers: NDArray[np.number], kind: type[np.integer]) -> str:
    little = np.dtype(kind).newbyteorder("<")
    return base64.b64encode(np.ascontiguousarray(numbers, little).tobytes()).decode()
