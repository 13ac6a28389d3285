"""Another data set, by a reader that a stranger wrote: PNG and JSON, 20 + 10 coefficients."""

import json
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import cv2
import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.bfm import write_morphable_model
from datamodules.geometry.camera import HeadPose
from datamodules.readers.sample_reader import SampleList
from datamodules.types import FaceParameters
from run import main
from tests.face_data import face_data
from tests.fakes import fake_model
from tests.runs import fit


class JsonReader:
    """A stranger's reader: <stem>.png with <stem>.json."""

    def __init__(self, first_pixel: int = 0) -> None:
        self.first_pixel = first_pixel

    def list_samples(self, root: Path) -> SampleList:
        paths = sorted(root.glob("*.json"))
        if not paths:
            raise InputError(f"{root}: holds no .json. Set --data.root.")
        digest = blake2b(str([(path.name, path.stat().st_mtime_ns) for path in paths]).encode())
        keys = [path.stem for path in paths]
        return SampleList(keys, [key.partition("-")[0] for key in keys], digest.hexdigest())

    def image_path(self, root: Path, key: str) -> Path:
        return root / f"{key}.png"

    def read(self, root: Path, key: str) -> FaceParameters:
        face = json.loads((root / f"{key}.json").read_text())
        pose = HeadPose(*np.deg2rad(face["angles_deg"]), np.array(face["translation"]), face["scale"])
        shape, expression = (np.array(face[name], np.float32) for name in ("shape", "expression"))
        return FaceParameters(shape, expression, pose.pose_para(), None)


def _write_samples(folder: Path, count: int = 8, shape: int = 20) -> Path:
    """A model of 20 + 10 components, and photographs of faces that it made: two of each person."""
    rng = np.random.default_rng(0)
    model = fake_model()
    basis = np.concatenate([model.basis * rng.uniform(0.5, 1) for _ in range(4)], axis=2)
    folder.mkdir()
    write_morphable_model(
        replace(model, identity_basis=basis[..., :20], expression_basis=basis[..., 20:30]), folder / "BFM.mat"
    )
    for number in range(count):
        face = {
            "shape": rng.normal(size=shape).tolist(),
            "expression": rng.normal(size=10).tolist(),
            "angles_deg": [5.0, 12.0 * number - 50, -3.0],
            "translation": [60.0, 55.0, -60.0],
            "scale": 3.5e-4,
        }
        (folder / f"person{number // 2}-{number % 2}.json").write_text(json.dumps(face))
        image = rng.integers(0, 255, (110, 120, 3), np.uint8)
        cv2.imwrite(str(folder / f"person{number // 2}-{number % 2}.png"), image)
    return folder


READER = "--data.reader=tests.test_seam_reader.JsonReader"


def test_a_data_set_of_ones_own_is_trained_on_and_tested(tmp_path):
    root = _write_samples(tmp_path / "faces")
    options = [READER, f"--data.test.root={root}", "--trainer.max_epochs=1"]
    run = fit(root, root / "BFM.mat", tmp_path / "runs", *options)
    where = [f"--data.test.root={root}", f"--data.face_model.path={root / 'BFM.mat'}", f"--tracking.folder={tmp_path}"]
    result = main(["test", f"--ckpt_path={run.best_checkpoint}", READER, *where, "--trainer.accelerator=cpu"])
    assert len(result.reports["test"]["nme"].per_face) == 8


def test_its_samples_have_the_models_coefficients_and_persons_stay_together(tmp_path):
    root = _write_samples(tmp_path / "faces")
    data = face_data(root, root / "BFM.mat", reader=JsonReader(), val_fraction=0.5, image_size=32)
    data.setup("fit")
    assert data.train_faces[0, 0].surface.shape == (30,)
    assert not data.train_faces.photographs & data.val_faces.photographs
    assert len(data.train_faces.photographs | data.val_faces.photographs) == 4
    key = data.train_faces.keys[0]
    face = json.loads((root / f"{key}.json").read_text())
    np.testing.assert_allclose(data.train_faces.index.record(int(data.train_faces.rows[0])).identity, face["shape"])


def test_samples_of_too_few_coefficients_are_one_line(tmp_path):
    root = _write_samples(tmp_path / "faces", shape=19)
    data = face_data(root, root / "BFM.mat", reader=JsonReader())
    with pytest.raises(InputError, match=r"its samples have 19 identity coefficients, but .*BFM\.mat has 20") as caught:
        data.setup("fit")
    assert "\n" not in str(caught.value)


def test_samples_of_different_models_are_named(tmp_path):
    root = _write_samples(tmp_path / "faces")
    face = json.loads((root / "person1-0.json").read_text())
    (root / "person1-0.json").write_text(json.dumps(face | {"shape": [0.0] * 21}))
    data = face_data(root, root / "BFM.mat", reader=JsonReader())
    with pytest.raises(InputError, match=r"person1-0: has identity of shape \(21,\), but samples before it of \(20,\)"):
        data.setup("fit")


def test_a_class_that_is_no_reader_is_refused(faces, model_file, tmp_path):
    with pytest.raises(InputError, match="does not implement protocol SampleReader"):
        fit(faces, model_file, tmp_path, "--data.reader=tests.fakes.fake_model")
