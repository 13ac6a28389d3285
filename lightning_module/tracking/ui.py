"""`run.py ui`: serves MLflow's pages of the project's runs."""

import os
import socket
import subprocess
import sys

from datamodules.addresses import sqlite_file
from datamodules.errors import InputError
from lightning_module.project import PROJECT
from lightning_module.tracking.mlflow_store import MlflowStore
from lightning_module.tracking.runs_view import offer_view, view_path
from lightning_module.tracking.tracking_place import TrackingOptions

_HOST = "127.0.0.1"  # MLflow has no password, so other machines must not reach it
_NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # seven processes for features of language models


def ui(port: int = 5000, tracking: TrackingOptions = TrackingOptions()) -> int:  # noqa: B008  # frozen
    """Serves MLflow's pages of the project's runs on this machine until Ctrl-C.

    Args:
        port: Port on 127.0.0.1. To view the runs of a remote machine, use `ssh -L 5000:127.0.0.1:5000 machine`.
        tracking: Where the runs are recorded.
    """
    place = tracking.place(PROJECT)
    store = MlflowStore(place.uri, place.artifacts)
    if store.uri.startswith("http"):
        print(f"The runs are on a server: {store.uri}")
        return 0
    file = sqlite_file(store.uri)
    if file is not None and not file.is_file():
        raise InputError(
            f"{place.folder}: holds no runs yet. Start one with python run.py fit, or set --tracking.folder."
        )
    _refuse_taken(port)
    page = ""
    with store.answering() as client:
        experiment = client.get_experiment_by_name(place.experiment)
        if experiment is not None and experiment.lifecycle_stage == "active":
            if file is None or os.access(file, os.W_OK):
                offer_view(client, experiment.experiment_id)
            page = view_path(experiment.experiment_id)
    print(f"Runs: http://{_HOST}:{port}/{page} (in a moment; Ctrl-C ends)", flush=True)
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "ui",
        "--host",
        _HOST,
        "--port",
        str(port),
        "--workers",
        "1",  # enough for one person; each takes seconds to start
        "--uvicorn-opts",
        "--log-level warning",  # not a line for every request of the browser
        "--default-artifact-root",
        place.artifacts.as_uri(),
    ]
    try:
        # the address may hold a password, which all users of the machine would see in the command
        return subprocess.call(command, env=os.environ | _NO_JOBS | {"MLFLOW_BACKEND_STORE_URI": store.address})
    except KeyboardInterrupt:
        return 0


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            raise InputError(f"--port {port} cannot be used ({error}). Give another.") from error
