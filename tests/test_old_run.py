"""A run of commit 6b326a5 is repeated and continued unedited, although its options have other names today."""

import json
import shutil

import pytest

from lightning_module.configuration.legacy_config import migrated_config
from run import main
from tests.old_run import CONFIG, old_checkpoint, old_figures
from tests.runs import history

OTHER_ARITHMETIC = 1e-3  # relative; processors round sums differently


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Synthetic faces that these tests share."""
    return f"--data.index.cache_dir={tmp_path_factory.mktemp('cache')}"


def _expected():
    renamed = {"val/loss": "val/loss_256"}
    return {(renamed.get(name, name), step): value for (name, step), value in old_figures().items()}


@pytest.mark.slow
def test_its_configuration_repeats_it(cache, tmp_path, caplog):
    result = main(["fit", "--config", str(CONFIG), f"--tracking.folder={tmp_path}", cache])
    figures = history(result.folder)
    assert {name: figures[name] for name in _expected()} == pytest.approx(_expected(), rel=OTHER_ARITHMETIC)
    notices = [message for message in caplog.messages if "earlier version" in message]
    assert len(notices) == 1
    assert "config.yaml" in notices[0]
    caplog.clear()
    written = main(["fit", "--config", str(result.folder.config), f"--tracking.folder={tmp_path / 'again'}", cache])
    assert history(written.folder) == figures
    assert "earlier version" not in caplog.text


def test_it_goes_on_where_it_stopped(cache, tmp_path):
    """It had ended: its last network is tested again."""
    folder = tmp_path / "runs" / "20250101-000000-16-5-8-3-0-s0-abcd"
    folder.mkdir(parents=True)
    shutil.copy(CONFIG, folder)
    content = {"experiment": "weightmask", "name": "16-5-8-3-0 s0", "tags": {"command": "fit"}}
    (folder / "journal.jsonl").write_text(json.dumps({"kind": "create", "time_ms": 0, "content": content}) + "\n")
    checkpoint = old_checkpoint(folder)
    result = main(["fit", f"--ckpt_path={checkpoint}", f"--tracking.folder={tmp_path}", cache])
    assert result.folder.path == folder
    figures = history(result.folder)
    expected = {name: value for name, value in _expected().items() if name[0].startswith("test/")}
    assert {name: figures[name] for name in expected} == pytest.approx(expected, rel=OTHER_ARITHMETIC)


def test_its_weights_begin_a_new_run(cache, tmp_path):
    options = ["--config", str(CONFIG), "--trainer.max_epochs=1", "--test_at_end=false", cache]
    result = main(["fit", *options, f"--init_from={old_checkpoint(tmp_path)}", f"--tracking.folder={tmp_path}"])
    # better from the first epoch on than what began with nothing
    assert history(result.folder)["val/loss_256", 2] < old_figures()["val/loss", 2]


def test_every_old_name_of_an_option_has_one_of_today():
    old = {
        "model": {
            "direct_rank": 64,
            "weights": {"mouth": 8.0, "landmark_radius_texels": 2.0},
            "loss_reduction": "mean",
        },
        "data": {
            "root": "faces",
            "morphable_model": "BFM.mat",
            "uv_coordinates": None,
            "test_root": "others",
            "test_landmarks": "points.npy",
            "test_landmarks_first_pixel": 1,
            "test_holdout": True,
            "verify": "full",
            "max_bad_fraction": 0.1,
            "cache_dir": "cache",
            "folder_layout": "flat",
            "profile_probability": 0.6,
            "profiling": {"tilt_deg": 8.0},
            "map_size": 32,
        },
        "out": None,
        "weights_only": True,
    }
    new = migrated_config(old)
    assert new["data"] == {
        "root": "faces",
        "face_model": {"path": "BFM.mat", "uv_coordinates": None},
        "test": {"root": "others", "landmarks": "points.npy", "landmarks_first_pixel": 1, "holdout": True},
        "index": {"verify": "full", "max_bad_fraction": 0.1, "cache_dir": "cache"},
        "reader": {
            "class_path": "datamodules.readers.reader_300w.Reader300W",
            "init_args": {"folder_layout": "flat"},
        },
        "pose_augmentation": {"probability": 0.6, "tilt_deg": 8.0},
    }
    assert new["model"]["network"]["init_args"] == {"bypass_rank": 64}
    assert (new["model"]["weights"], new["model"]["landmark_radius_texels"]) == ({"mouth": 8.0}, 2.0)
    assert new.keys() == {"model", "data"}
    assert migrated_config(new) == new
