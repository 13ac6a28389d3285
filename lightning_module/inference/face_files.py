"""Writes all files of a reconstructed face: mesh, pictures and JSON."""

from pathlib import Path

from datamodules.files.images import write_jpeg
from datamodules.files.mesh_files import write_textured
from lightning_module.inference.face import Face
from lightning_module.inference.face_json import as_json, face_record
from lightning_module.inference.face_mesh import textured_mesh
from lightning_module.inference.overlays import overlays
from lightning_module.inference.page import PageFace
from lightning_module.inference.photo_list import Photo


def write_face(
    face: Face, photo: Photo, out: Path, network: str, texture_size: int = 512, fill_hidden: bool = True
) -> PageFace:
    """Writes <name>.obj, .mtl, .png, .ply, .glb, .json and four pictures.

    Args:
        face: The face.
        photo: Its photograph, and the name of the files.
        out: Folder; existing files are overwritten.
        network: Name of the network's file.
        texture_size: Texels per side of its texture, a power of two.
        fill_hidden: Whether hidden texels are filled from the other half of the face.

    Returns:
        The face for the page.

    Raises:
        OSError: If a file cannot be written.
    """
    mesh = textured_mesh(face, texture_size, fill_hidden)
    write_textured(mesh, out / photo.name)
    pictures = {}
    for kind, picture in overlays(face).items():
        path = out / f"{photo.name}_{kind}.jpg"
        write_jpeg(path, picture)
        pictures[kind] = path.name
    (out / f"{photo.name}.json").write_text(as_json(face_record(face, photo.path, network)), encoding="utf-8")
    return PageFace(face, photo, mesh, pictures)
