"""From true position maps back to faces: what is lost is lost after the network."""

import json

import numpy as np
import pytest
import trimesh
from PIL import Image

from datamodules.errors import InputError
from datamodules.files.images import warp_image
from datamodules.files.photographs import read_photograph
from datamodules.geometry.camera import HeadPose
from datamodules.geometry.crop import crop_matrix, crop_points, image_matrix
from lightning_module.inference.predict_command import predict
from lightning_module.inference.reconstructor import Reconstructor
from tests.lightning_module.inference.truth import TrueNetwork, detection, finder, run_truth, write_truth
from tests.real_faces import real_maps


def test_every_file_of_a_face_is_written_and_loads_with_its_texture(made_once):
    _, out, done = made_once
    assert done.faces == ["image00000", "image00001", "image00002"]
    for name in done.faces:
        stem = out / name
        made = {path.name.removeprefix(name) for path in out.glob(f"{name}*")}
        assert made == {
            ".obj",
            ".mtl",
            ".png",
            ".ply",
            ".glb",
            ".json",
            "_landmarks.jpg",
            "_mesh.jpg",
            "_depth.jpg",
            "_pose.jpg",
        }
        meshes = {
            ending: trimesh.load(f"{stem}{ending}", process=False, force="mesh") for ending in (".obj", ".ply", ".glb")
        }
        sizes = {(len(mesh.vertices), len(mesh.faces)) for mesh in meshes.values()}
        assert len(sizes) == 1
        for ending, mesh in meshes.items():
            assert mesh.visual.uv.shape == (len(mesh.vertices), 2), ending
            assert mesh.visual.uv.min() >= 0
            assert mesh.visual.uv.max() <= 1
            material = mesh.visual.material
            image = material.baseColorTexture if ending == ".glb" else material.image
            assert image.size == (128, 128), ending
        assert (
            b"property float s\nproperty float t" in (out / f"{name}.ply").read_bytes()[:500]
        )  # MeshLab reads no double
        assert meshes[".glb"].visual.material.metallicFactor == 0
        np.testing.assert_allclose(meshes[".ply"].vertices, meshes[".obj"].vertices, atol=1e-3)
        assert 0.1 < np.ptp(meshes[".glb"].vertices, axis=0).max() < 0.5  # metres
    assert done.page is not None
    assert done.page.name == "index.html"


def test_triangles_look_outwards(made_once):
    mesh = trimesh.load(made_once[1] / "image00001.ply", process=False)
    assert np.average(mesh.face_normals[:, 2], weights=mesh.area_faces) > 0.5


def test_numbers_in_the_file_are_those_of_the_photograph(made_once):
    (folder, data, maps, crops), out, _ = made_once
    rows, cols = data.uv_layout.landmark_texels.T
    for number in range(3):
        said = json.loads((out / f"image0000{number}.json").read_text())
        found = np.array(said["landmarks_81_px"])
        expected = maps[number][rows, cols]
        np.testing.assert_allclose(crop_points(found, crop_matrix(crops[number]))[:, :2], expected[:, :2], atol=0.01)
        assert said["landmarks_68_px"] == said["landmarks_81_px"][:68]
        assert said["image_size_px"] == list(Image.open(folder / f"image0000{number}.jpg").size)
        assert len(said["landmarks_81_visible"]) == 81
        assert said["network"] == "truth.ckpt"


def test_a_second_pass_crops_by_what_the_first_one_found(fakes, tmp_path):
    _, data, maps, crops = fakes
    wrong = crops * [1, 1, 1.3]
    seen = []

    class Network(TrueNetwork):
        def maps(self, images):
            number, is_second = divmod(len(seen), 2)
            seen.append(images[0])
            matrix = crop_matrix((crops if is_second else wrong)[number])
            return crop_points(_in_image(maps[number], crops[number]), matrix).reshape(1, 256, 256, 3)

    folder = fakes[0]
    write_truth([folder], finder(wrong), Network(data, maps), tmp_path / "out", passes=2)
    assert len(seen) == 6
    for number, crop in enumerate(crops):
        photograph = read_photograph(folder / f"image0000{number}.jpg")
        expected = warp_image(photograph, image_matrix(crop_matrix(crop), 64), 64)
        first, second = (np.abs(seen[2 * number + turn].astype(int) - expected).mean() for turn in (0, 1))
        assert second < 0.6 * first  # the network is shown what it saw in training
        said = json.loads((tmp_path / "out" / f"image0000{number}.json").read_text())["crop"]
        # landmarks are read at whole texels, so that a box of them is near that of the model's own
        np.testing.assert_allclose([*said["centre_px"], said["side_px"]], crop, atol=0.02 * crop[2])


def _in_image(map_, crop):
    from datamodules.geometry.crop import uncrop_points

    return uncrop_points(map_.reshape(-1, 3), crop_matrix(crop))


def test_what_cannot_be_read_is_left_out_and_the_rest_goes_on(fakes, tmp_path):
    folder, data, maps, crops = fakes
    (folder / "image00000.jpg").write_bytes(b"")
    done = write_truth([folder], finder(crops[1:]), TrueNetwork(data, maps[1:]), tmp_path / "out")
    assert done.faces == ["image00001", "image00002"]
    (fault,) = done.faults
    assert "image00000.jpg: is no image" in fault


def test_several_faces_of_a_photograph_have_names_of_their_own(fakes, tmp_path):
    folder, data, maps, crops = fakes
    (folder / "image00000.jpg").rename(folder / "image00001_1.jpg")
    faces = [detection(crop) for crop in crops]
    done = write_truth(
        [folder / "image00001.jpg", folder / "image00001_1.jpg"],
        lambda path, image: faces[:2] if path.stem == "image00001" else faces[2:],
        TrueNetwork(data, maps),
        tmp_path / "out",
    )
    assert done.faces == ["image00001_1_", "image00001_2", "image00001_1"]


def test_a_box_that_can_be_no_face_is_named_and_the_rest_goes_on(fakes, tmp_path):
    folder, data, maps, crops = fakes
    boxes = ([500, 500, 600, 600], [10, 10, 10.1, 10.1], [0, 0, 9000, 9000], [10, 10, 90, 90])
    faces = [detection(crops[1], box, "boxes") for box in boxes]
    done = write_truth(
        [folder / "image00001.jpg"], lambda path, image: faces, TrueNetwork(data, maps[1:]), tmp_path / "out"
    )
    assert done.faces == ["image00001"]
    assert len(done.faults) == 3
    assert "the box 500, 500, 600, 600 is no face of 120 x 110 pixels" in done.faults[0]


def test_what_was_made_before_someone_stopped_it_has_its_page(fakes, tmp_path):
    folder, data, maps, crops = fakes
    find = finder(crops)

    def stopped(path, image):
        if path.stem == "image00002":
            raise KeyboardInterrupt
        return find(path, image)

    with pytest.raises(KeyboardInterrupt):
        write_truth([folder], stopped, TrueNetwork(data, maps), tmp_path / "out")
    assert '"image00001"' in (tmp_path / "out" / "index.html").read_text()


def test_a_network_that_gives_no_numbers_is_named(fakes, tmp_path):
    folder, data, maps, crops = fakes
    done = write_truth([folder], finder(crops), TrueNetwork(data, np.nan * maps), tmp_path / "out")
    assert done.page is None
    assert len(done.faults) == 3
    assert "image00000.jpg: the network's position maps hold numbers that are not finite" in done.faults[0]


def test_a_folder_that_cannot_be_written_is_said(fakes, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match=r"out: cannot be written .* Set --out"):
        run_truth(fakes, tmp_path / "out")


def test_a_texture_size_or_a_number_of_passes_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(InputError, match="--texture_size is 100: give one of 128"):
        predict([tmp_path], tmp_path / "a.ckpt", tmp_path / "out", texture_size=100)
    with pytest.raises(InputError, match="--passes is 3: give 1 or 2"):
        Reconstructor(None, passes=3)


@pytest.mark.slow
def test_true_maps_of_ten_photographs_give_back_landmarks_and_pose(real, tmp_path):
    data, maps, crops = real_maps(real)
    network = TrueNetwork(data, maps)
    done = write_truth([real / "aflw2000"], finder(crops), network, tmp_path, texture_size=256)
    index = data.plain_faces().index
    errors, turns = [], []
    for row, name in enumerate(done.faces):
        said = json.loads((tmp_path / f"{name}.json").read_text())
        record = index.record(row)
        assert record.key == name
        true = record.landmarks_image_px
        size = np.sqrt(np.prod(np.ptp(true[:, :2], axis=0)))
        apart = np.array(said["landmarks_68_px"]) - true
        apart[:, 2] -= apart[:, 2].mean()
        errors.append([100 * np.linalg.norm(apart[:, :axes], axis=1).mean() / size for axes in (2, 3)])
        pose: HeadPose = record.pose
        turned = np.array([said["head_pose_deg"][angle] for angle in ("pitch", "yaw", "roll")])
        turns.append(np.abs(turned - np.rad2deg([pose.pitch_rad, pose.yaw_rad, pose.roll_rad])))
        if abs(pose.yaw_rad) < 0.2:
            assert np.mean(said["landmarks_81_visible"][17:68]) > 0.95, name  # of who looks at the camera
        if abs(pose.yaw_rad) > 0.5:
            far = slice(0, 6) if pose.yaw_rad > 0 else slice(11, 17)
            assert not any(said["landmarks_81_visible"][far]), name  # the jaw on the far side of who does not
        mesh = trimesh.load(tmp_path / f"{name}.obj", process=False)
        nearest = np.linalg.norm(mesh.vertices[:, None, :2] - _upwards(said, (30, 36, 45, 8)), axis=2).min(axis=0)
        assert nearest.max() < 0.01  # the mesh holds the landmarks
    flat, deep = np.mean(errors, axis=0)
    print(
        f"68 landmarks against pt3d_68: {flat:.2f} % of sqrt(w h) in x and y, {deep:.2f} % in x, y, z (mean of z taken from both)"
    )
    print(f"head pose against Pose_Para: {np.mean(turns):.2f} degrees on average, {np.max(turns):.2f} at most")
    assert flat <= 0.75
    assert np.mean(turns) <= 1
    assert np.max(turns) <= 3


def _upwards(said, numbers):
    points = np.array(said["landmarks_68_px"])[list(numbers), :2]
    return points * [1, -1] + [0, said["image_size_px"][1] - 1]
