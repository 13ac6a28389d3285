"""Does a sweep find what is there? Training data that lie about eyes and nose should make them weigh less."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from sweeps.run_sweep import run_sweep
from sweeps.search_space import SearchSpace
from sweeps.sweep_markdown import as_markdown
from tests.fakes import write_faces, write_model
from tests.sweeps.stubs import settings

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.evidence

_BEST = 6  # the better half of the trials: the best one alone is luck
# Twelve trials can find two weights, not four and a radius.
_SPACE = SearchSpace({"landmarks": (16, 300), "mouth": (3, 5)}, landmark_radius_texels=(0.0,))


def _sweep(folder, kind, **others):
    faces = folder.parent / "faces"
    if not faces.is_dir():
        model = write_model(folder.parent)
        rng = np.random.default_rng(0)
        write_faces(faces / "train", list(rng.uniform(-15, 15, 300)))
        write_faces(faces / "test", list(rng.uniform(-15, 15, 90)), first_seed=300)
        assert model.is_file()
    folder.mkdir()
    config = {
        "model": {
            "network": {"init_args": {"channels": 8, "stem_channels": 8, "map_size": 32}},
            "lr": 3e-3,
        },
        "data": {
            "root": str(faces / "train"),
            "test": {"root": str(faces / "test")},
            "image_size": 32,
            "batch_size": 16,
            "face_model": {"path": str(folder.parent / "BFM.mat")},
            "num_workers": 0,
            "val_fraction": 0.2,
            "augment": False,
        },
        "trainer": {"max_epochs": 40, "check_val_every_n_epoch": 40, "accelerator": "cpu"},
    }
    (folder / "trial.yaml").write_text(yaml.safe_dump(config))
    asked = settings(folder, n_trials=12, search_seeds=2, space=_SPACE, **others)
    return run_sweep(asked, 2, (sys.executable, "-m", "tests.sweeps.planted", kind))


def _weight(report):
    """Geometric mean of eyes and nose among the best trials."""
    best = sorted(report.trials, key=lambda trial: trial.value)[:_BEST]
    return float(np.exp(np.mean(np.log([trial.user_attrs["weights"]["eyes_nose"] for trial in best]))))


def test_a_planted_fault_of_eyes_and_nose_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    planted = _sweep(tmp_path / "planted", "planted", confirm_seeds=6)
    clean = _sweep(tmp_path / "clean", "clean", confirm_seeds=0)
    print(as_markdown(planted))
    print(
        f"eyes and nose among the best {_BEST} of 12: {_weight(planted):.2f} where their targets are off, {_weight(clean):.2f} where not"
    )
    assert _weight(planted) < _weight(clean)
    assert [verdict.outcome for verdict in planted.verdicts] == ["better"]
