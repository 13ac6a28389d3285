"""What tests share: fakes in temporary folders, and the real samples where they are.

What takes seconds to import is imported where it is used: the process that only deals tests to others needs none of it.
"""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lightning_module.tracking.run_folder import RunFolder

# Tiny networks on a busy machine: threads that wait for each other take a hundred times as long as the arithmetic.
for _name in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ[_name] = "1"  # also for processes that tests start

_REAL = Path(__file__).resolve().parents[2] / "shared" / "real"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new MLflow database, which takes seconds to make: one for all workers of a session, to be copied."""
    from mlflow.tracking import MlflowClient

    own = tmp_path_factory.getbasetemp()
    path = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "empty_store.db"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session", autouse=True)
def _one_tracking_store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All runs that name no store of their own share one."""
    with pytest.MonkeyPatch.context() as patch:
        shared = shutil.copy(empty_store, tmp_path_factory.mktemp("store") / "shared.db")
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared}")
        yield


@pytest.fixture(scope="session", autouse=True)
def _single_pixels() -> Iterator[None]:
    """Pictures are drawn only for the tests that are about them."""
    from tests.pictures import single_pixels

    with single_pixels():
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read from, or left in, the user's own cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def real_or_none() -> Path | None:
    """The same where a test can do without, on numbers of its own."""
    return _REAL if _REAL.is_dir() else None


@pytest.fixture(scope="session")
def real() -> Path:
    """Real photographs with ground truth and a near-real Basel Face Model, which may not be copied here."""
    if not _REAL.is_dir():
        pytest.skip(f"needs the real samples in {_REAL}")
    return _REAL


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BFM.mat with its BFM_UV.mat."""
    from tests.fakes import write_model

    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small faces in AFLW2000-3D's layout, in every yaw bin."""
    from tests.fakes import write_faces

    yaws = [0.0, 5, -12, 25, 33, -45, 58, 62, -70, 85, 15, -20]
    return write_faces(tmp_path_factory.mktemp("data") / "faces", yaws)


@pytest.fixture
def free_port() -> int:
    """A port on the loopback interface that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def trained_run(faces: Path, model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> "RunFolder":
    """A fit of two epochs with a test, for tests that only read what it left: to change it, copy its folder."""
    from tests.pictures import drawn
    from tests.runs import POSES, fit

    with drawn():
        return fit(faces, model_file, tmp_path_factory.mktemp("trained"), f"--data.test.root={faces}", *POSES)
