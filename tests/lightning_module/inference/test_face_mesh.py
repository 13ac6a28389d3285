"""The mesh of a face in Python, in its files and on the page."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import trimesh

from datamodules.files.mesh_files import write_textured
from datamodules.geometry.crop import crop_matrix, crop_points, image_matrix
from lightning_module.inference.face import Face
from lightning_module.inference.face_mesh import textured_mesh
from lightning_module.inference.overlays import OVERLAY_SIZE, overlays
from tests.lightning_module.inference.truth import detection, map_layout
from tests.outlines import outlines

VALIDATOR = Path(__file__).parents[2] / "validate_glb.js"
ERROR, WARNING = 0, 1  # severities of the validator


@pytest.fixture
def face(made_once):
    """It looks at the camera."""
    return _face(made_once, 1)


def _face(made_once, number):
    (_, data, maps, crops), _, _ = made_once
    image = np.full((110, 120, 3), 40, np.uint8)
    return Face.of_map(maps[number], crops[number], map_layout(data), image, detection(crops[number]))


def test_files_hold_the_mesh_of_the_face(made_once, tmp_path):
    face = _face(made_once, 0)  # turned away, so that a half is hidden
    write_textured(textured_mesh(face, 128, fill_hidden=True), tmp_path / "face")
    for ending in (".obj", ".ply"):
        mesh = trimesh.load(tmp_path / f"face{ending}", process=False)
        np.testing.assert_allclose(mesh.vertices, face.vertices * [1, -1, 1] + [0, 109, 0], atol=1e-4)
        np.testing.assert_array_equal(mesh.faces, face.triangles)
    written = trimesh.load(tmp_path / "face.ply", process=False).metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(written["visible"].ravel(), face.visible)
    assert 0.3 < face.visible.mean() < 0.95


def test_the_mesh_of_a_face_ends_in_one_curve_and_texture_coordinates_follow_it(face):
    (curve,) = outlines(face.triangles)
    mesh = textured_mesh(face, 256, fill_hidden=True)
    steps = np.linalg.norm(np.diff(mesh.uv[curve], axis=0), axis=1) * 256
    assert steps.max() < 2  # texels
    assert mesh.uv.min() > 0
    assert mesh.uv.max() < 1
    # a vertex between two texels lies between their points
    surface = face.layout.surface
    is_between = surface.inner != surface.outer
    ends = face.map_px[surface.inner[is_between]], face.map_px[surface.outer[is_between]]
    apart = [np.linalg.norm(face.vertices[is_between] - end, axis=1) for end in ends]
    np.testing.assert_allclose(sum(apart), np.linalg.norm(ends[0] - ends[1], axis=1), rtol=1e-9)
    assert is_between.sum() > 500


def test_the_page_shows_the_same_outline_with_fewer_vertices(face):
    coarse = face.layout.coarse_surface(2)
    assert len(outlines(coarse.triangles)) == 1
    assert len(coarse.inner) < 0.3 * len(face.vertices)
    fine_box, coarse_box = (
        [points.min(axis=0), points.max(axis=0)] for points in (face.vertices, coarse.interpolated(face.map_px))
    )
    np.testing.assert_allclose(coarse_box, fine_box, atol=0.01 * np.ptp(face.vertices))


def test_the_picture_of_depth_ends_at_the_outline(face):
    is_face = np.ptp(overlays(face)["depth"].astype(int), axis=2) > 20  # on grey
    points = crop_points(face.vertices, image_matrix(crop_matrix(face.crop), OVERLAY_SIZE))[:, :2]
    box = np.clip([points.min(axis=0), points.max(axis=0)], 0, OVERLAY_SIZE - 1)
    rows, cols = np.nonzero(is_face)
    assert [[cols.min(), rows.min()], [cols.max(), rows.max()]] == pytest.approx(box, abs=1.5)


def test_khronos_validator_finds_no_error_and_no_warning(made_once, tmp_path):
    _, out, done = made_once
    damaged = tmp_path / "damaged.glb"
    whole = (out / "image00001.glb").read_bytes()
    damaged.write_bytes(whole.replace(b'"VEC3"', b'"VEC2"'))
    *reports, broken = _validated([*(out / f"{name}.glb" for name in done.faces), damaged])
    for report in reports:
        issues = [issue for issue in report["issues"]["messages"] if issue["severity"] in (ERROR, WARNING)]
        assert issues == []
        assert report["info"]["totalTriangleCount"] > 10_000
    assert broken["issues"]["numErrors"] > 0


def _validated(paths):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js (apt-get install nodejs npm)")
    npm = shutil.which("npm")
    root = subprocess.run([npm, "root", "--global"], capture_output=True, text=True, check=True).stdout if npm else ""
    places = os.pathsep.join(filter(None, [os.environ.get("NODE_PATH"), root.strip()]))
    result = subprocess.run(
        [node, str(VALIDATOR), *map(str, paths)],
        capture_output=True,
        text=True,
        env=os.environ | {"NODE_PATH": places},
        check=False,
    )
    if "Cannot find module 'gltf-validator'" in result.stderr:
        pytest.skip("needs Khronos' glTF validator (npm install --global gltf-validator)")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
