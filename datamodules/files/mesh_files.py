"""Meshes of faces: OBJ, PLY and GLB, through trimesh."""

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from datamodules.errors import InputError
from datamodules.files.listed_names import check_text, is_hidden
from datamodules.geometry.textured_mesh import Mesh, TexturedMesh

MESH_ENDINGS = (".obj", ".ply")

_DIGITS = 6  # decimals of pixels and texture coordinates
_WHITE = [1.0, 1.0, 1.0]  # colour of the material, which the texture is multiplied by


def read_mesh(path: Path) -> Mesh:
    """A mesh of a file, with its vertices in the unit of the file.

    Raises:
        InputError: If it cannot be read, or holds no triangle.
    """
    try:
        mesh = trimesh.load_mesh(path, process=False)
        surface = Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))
    # a damaged file can fail in many ways inside trimesh
    except Exception as error:
        raise InputError(f"{path}: is no mesh that can be read ({error}). Save it again.".replace("\n", " ")) from error
    if not len(surface.triangles) or not np.isfinite(surface.vertices).all():
        raise InputError(f"{path}: holds no triangles, or vertices that are no numbers. Save the mesh again.")
    return surface


def mesh_files(folder: Path) -> dict[str, Path]:
    """The meshes of a folder by stem, sorted, without hidden files.

    Raises:
        InputError: If there is no such folder, no mesh in it, two of one name, or a name that is no UTF-8.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder.")
    paths = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in MESH_ENDINGS and not is_hidden(path.name)
    )
    if not paths:
        raise InputError(f"{folder}: holds no {' or '.join(MESH_ENDINGS)} file.")
    by_stem: dict[str, Path] = {}
    for path in paths:
        check_text(path)
        if path.stem in by_stem:
            raise InputError(f"{path}: {by_stem[path.stem].name} has the same name. Keep one of them.")
        by_stem[path.stem] = path
    return by_stem


def write_textured(mesh: TexturedMesh, stem: Path) -> list[Path]:
    """Writes <stem>.obj with .mtl and .png, <stem>.ply and <stem>.glb, and returns their paths.

    OBJ and PLY are in pixels of the photograph, y upwards. GLB is in metres, as glTF requires, with the centre of the face
    at the origin. PLY has a property `visible` of the vertices: 1 where the photograph shows the vertex.
    """
    name = stem.name
    material = SimpleMaterial(
        Image.fromarray(mesh.texture), diffuse=_WHITE, ambient=_WHITE, specular=[0.0] * 3, glossiness=1.0, name=name
    )
    visual = TextureVisuals(mesh.uv, material=material)
    textured = trimesh.Trimesh(mesh.vertices, mesh.triangles, visual=visual, process=False)
    files, _ = material.to_obj()  # the .mtl and its .png
    files |= {f"{name}.obj": _obj_text(mesh, name).encode(), f"{name}.glb": _glb(mesh)}
    textured.vertex_attributes["visible"] = mesh.is_visible.astype(np.uint8)
    visual.vertex_attributes["uv"] = mesh.uv.astype(np.float32)  # MeshLab reads s and t as float only
    ply = trimesh.exchange.ply.export_ply(textured, vertex_normal=False)
    # MeshLab and trimesh find the texture by this comment
    files[f"{name}.ply"] = ply.replace(
        b"\nelement vertex", f"\ncomment TextureFile {name}.png\nelement vertex".encode(), 1
    )
    for file, data in files.items():
        (stem.parent / file).write_bytes(data)
    return [stem.parent / file for file in sorted(files)]


def _obj_text(mesh: TexturedMesh, name: str) -> str:
    """The text of an OBJ file, equal to that of trimesh but three times as fast."""
    number = f"%.{_DIGITS}f"
    corners = np.repeat(mesh.triangles + 1, 2, axis=1)  # a vertex and its texture coordinates have the same index
    tables = (
        (f"v {number} {number} {number}", mesh.vertices),
        (f"vt {number} {number}", mesh.uv),
        ("f %d/%d %d/%d %d/%d", corners),
    )
    lines = ("\n".join([line] * len(values)) % tuple(values.ravel().tolist()) for line, values in tables)
    return "\n".join([f"mtllib {name}.mtl", f"usemtl {name}", *lines, "\n"])


def _glb(mesh: TexturedMesh) -> bytes:
    scale = mesh.metres_per_pixel
    transform = np.diag([scale, scale, scale, 1.0])
    transform[:3, 3] = -scale * (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    # the default material of glTF is metallic
    skin = PBRMaterial(baseColorTexture=Image.fromarray(mesh.texture), metallicFactor=0.0, roughnessFactor=1.0)
    textured = trimesh.Trimesh(
        mesh.vertices, mesh.triangles, visual=TextureVisuals(mesh.uv, material=skin), process=False
    )
    scene = trimesh.Scene()
    scene.add_geometry(textured, transform=transform)
    return bytes(scene.export(file_type="glb"))
