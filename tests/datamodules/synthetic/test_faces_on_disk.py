import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from datamodules.errors import InputError
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.bfm import read_morphable_model
from datamodules.files.dataset_card import read_card
from datamodules.files.face_mat import read_face_mat
from datamodules.files.mat import read_mat
from datamodules.geometry.camera import HeadPose, project
from datamodules.synthetic import faces_on_disk
from datamodules.synthetic.faces_on_disk import MODEL_FILE, SyntheticSettings, make_data_set
from datamodules.synthetic.population import Population
from datamodules.synthetic.synthesize import synthesize
from run import main
from tests.map_reading import read_texels

PROJECT = Path(__file__).resolve().parents[3]
SETTINGS = SyntheticSettings(14, seed=1, image_size=96)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    place = tmp_path_factory.mktemp("synthetic") / "faces"
    make_data_set(SETTINGS, place)
    return place


def _files(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.suffix == ".jpg"}


def test_a_data_set_is_read_like_a_real_one(root):
    assert str(read_card(root)) == "faces by formula (synthetic)"
    data = FaceDataModule(root, num_workers=0, image_size=64, augment=False, val_fraction=0.3)
    data.check("fit")
    data.prepare_data()
    data.setup("fit")
    assert len(data.train_faces) + len(data.val_faces) == 14
    people = [{part.index.key(row)[:12] for row in part.rows} for part in (data.train_faces, data.val_faces)]
    assert people[0].isdisjoint(people[1])
    assert all(people)


def test_a_mat_file_holds_what_the_real_ones_do(root):
    arrays = read_mat(root / "person000000_0.mat")
    shapes = {name: arrays[name].shape for name in ("Shape_Para", "Exp_Para", "Pose_Para", "pt2d", "pt3d_68", "roi")}
    assert shapes == {
        "Shape_Para": (199, 1),
        "Exp_Para": (29, 1),
        "Pose_Para": (1, 7),
        "pt2d": (2, 68),
        "pt3d_68": (3, 68),
        "roi": (1, 4),
    }


def test_the_files_return_the_vertices_that_were_drawn(root):
    model = read_morphable_model(root / MODEL_FILE)
    for person, view in ((0, 0), (1, 3), (2, 1)):
        face, _ = Population(SETTINGS.seed, SETTINGS.image_size).face(person, view)
        stored = read_face_mat(root / f"person{person:06d}_{view}.mat")
        read = project(
            model.vertices(stored.identity.astype(np.float64), stored.expression),
            HeadPose.from_pose_para(stored.pose).projection(96),
        )
        from datamodules.synthetic.head_model import synthetic_model

        drawn = project(synthetic_model().face.vertices(face.identity, face.expression), face.head_pose.projection(96))
        assert np.abs(read - drawn).max() < 1e-3


def test_landmarks_agree_with_those_read_off_the_position_map(root):
    data = FaceDataModule(root, num_workers=0, augment=False, val_fraction=0)
    data.prepare_data()
    data.setup("fit")
    batch = data.complete(default_collate([data.train_faces[0, i] for i in range(14)]))
    texels = torch.from_numpy(data.uv_layout.landmark_texels[:68])
    read = read_texels(batch.position_map, texels)
    rows, cols = texels.unbind(dim=1)
    maps = batch.position_map[:, :2]
    # the length of a texel on the face: what the map moves by from one to the next
    step = torch.maximum(
        (maps[:, :, rows, cols + 1] - maps[:, :, rows, cols]).norm(dim=1),
        (maps[:, :, rows + 1, cols] - maps[:, :, rows, cols]).norm(dim=1),
    )
    distance = (read - batch.landmarks_crop_px)[..., :2].norm(dim=-1)
    assert (distance <= step + 0.05).all()


@pytest.mark.slow
def test_any_number_of_processes_makes_the_same_files(tmp_path, monkeypatch):
    monkeypatch.setattr(faces_on_disk, "_CHUNK", 1)
    settings = SyntheticSettings(14, seed=3, image_size=64)
    make_data_set(settings, tmp_path / "one", processes=1)
    make_data_set(settings, tmp_path / "two", processes=2)
    assert len(_files(tmp_path / "one")) == 14
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_an_interrupted_command_goes_on(root, tmp_path, monkeypatch):
    place = tmp_path / "faces"
    drawn = []

    def interrupted(path, image, real=faces_on_disk.write_jpeg):
        if len(drawn) == 5:
            raise KeyboardInterrupt
        drawn.append(path)
        real(path, image)

    with monkeypatch.context() as patch:
        patch.setattr(faces_on_disk, "write_jpeg", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_data_set(SETTINGS, place)
    assert not place.exists()
    assert make_data_set(SETTINGS, place) == 14 - 5
    assert _files(place) == _files(root)
    assert make_data_set(SETTINGS, place) == 0


@pytest.mark.slow
def test_a_command_killed_outright_leaves_nothing_that_looks_whole(tmp_path):
    settings = SyntheticSettings(96, seed=1, image_size=96)  # enough that none is done before it is killed
    place = tmp_path / "faces"
    command = [
        sys.executable,
        str(PROJECT / "run.py"),
        "synthesize",
        f"--out={place}",
        "--samples=96",
        "--seed=1",
        "--image_size=96",
        "--processes=2",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while len(list(tmp_path.glob(".faces-*/*.jpg"))) < 8 and process.poll() is None:  # some are whole by then
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not place.exists()
    assert make_data_set(settings, place) < 96  # it goes on
    make_data_set(settings, tmp_path / "at once")
    assert _files(place) == _files(tmp_path / "at once")


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(path, image):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(faces_on_disk, "write_jpeg", full)
    with pytest.raises(InputError, match=r"No space left on device.*with room") as error:
        make_data_set(SETTINGS, tmp_path / "faces")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "faces").exists()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that refuses even root: Linux has one")
def test_a_folder_that_cannot_be_written_is_one_line():
    with pytest.raises(InputError, match="cannot be written"):
        make_data_set(SETTINGS, Path("/proc/self/faces"))


def test_a_folder_with_other_faces_is_refused(root, tmp_path):
    other = SyntheticSettings(14, seed=2, image_size=96)
    with pytest.raises(InputError, match="holds something else"):
        make_data_set(other, root)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        make_data_set(SETTINGS, tmp_path / "file")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--samples=0", "--samples is 0: give at least 1"),
        ("--image_size=8", "--image_size is 8"),
        ("--seed=-1", "--seed is -1"),
    ],
)
def test_bad_options_are_one_line(option, message, tmp_path):
    with pytest.raises(InputError, match=message):
        main(["synthesize", f"--out={tmp_path / 'faces'}", option])


def test_the_command_says_how_to_go_on(tmp_path, capsys):
    main(["synthesize", f"--out={tmp_path / 'faces'}", "--samples=2", "--image_size=64", "--processes=1"])
    assert "fit --data.root" in capsys.readouterr().out
    assert (tmp_path / "faces" / "dataset.yaml").is_file()


def test_sheets_show_forty_faces_and_five_people(tmp_path):
    from datamodules.files.images import read_image_size

    synthesize(tmp_path, image_size=40, sheet=True)
    assert read_image_size(tmp_path / "faces.jpg") == (8 * 40, 5 * 40)
    assert read_image_size(tmp_path / "people.jpg") == (6 * 40, 5 * 40)


def test_sheets_into_a_folder_that_cannot_be_written_are_one_line():
    with pytest.raises(InputError, match="cannot be written"):
        synthesize(Path("/proc/self/faces"), image_size=40, sheet=True)
