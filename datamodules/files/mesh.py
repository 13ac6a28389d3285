"""Meshes of faces: OBJ and PLY, through trimesh."""

from pathlib import Path

import numpy as np
import trimesh

from datamodules.errors import InputError
from datamodules.geometry.mesh import Mesh

MESH_ENDINGS = (".obj", ".ply")


def read_mesh(path: Path) -> Mesh:
    """A mesh, its vertices as they stand there.

    Raises:
        InputError: If it cannot be read, or holds no triangle.
    """
    try:
        mesh = trimesh.load_mesh(path, process=False)
        found = Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))
    # a damaged file can fail in many ways inside trimesh
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no mesh that can be read ({error}). Save it again.".replace("\n", " ")) from error
    if not len(found.triangles) or not np.isfinite(found.vertices).all():
        raise InputError(f"{path}: holds no triangles, or vertices that are no numbers. Save the mesh again.")
    return found


def mesh_files(folder: Path) -> dict[str, Path]:
    """The meshes of a folder by stem, sorted.

    Raises:
        InputError: If there is no such folder, no mesh in it, or two of one name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in MESH_ENDINGS)
    if not paths:
        raise InputError(f"{folder}: holds no {' or '.join(MESH_ENDINGS)} file.")
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise InputError(f"{path}: {found[path.stem].name} has the same name. Keep one of them.")
        found[path.stem] = path
    return found
