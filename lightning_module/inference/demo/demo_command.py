"""`run.py demo`: a page on this machine to try networks with photographs."""

import errno
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from datamodules.errors import InputError
from lightning_module.inference.demo.demo_folder import demo_folder
from lightning_module.inference.demo.demo_networks import DemoNetworks
from lightning_module.inference.demo.demo_pages import DemoPages
from lightning_module.inference.demo.demo_work import DemoWork
from lightning_module.inference.demo.limits import Limits
from lightning_module.inference.demo.loopback_only import loopback_only
from lightning_module.inference.detectors import DetectorName
from lightning_module.project import PROJECT
from lightning_module.tracking.tracking_place import TrackingOptions

_HOST = "127.0.0.1"  # there is no password, so other machines must not reach it
_PORTS = 20  # tried in turn
_GRACE_SECONDS = 1  # for answers that are on their way at the end
# variables by which gradio, and a place that hosts its pages, would change who is served and who is told
_FOREIGN = ("GRADIO_", "SPACE_", "SPACES_", "OAUTH_", "HF_", "COLAB_", "KAGGLE_")
_HOSTED = "SYSTEM"
_QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}


def demo(
    ckpt_path: Path | None = None,
    other: Path | None = None,
    port: int = 7860,
    detector: DetectorName = "auto",
    tracking: TrackingOptions = TrackingOptions(),  # noqa: B008  # frozen
) -> int:
    """Serves a page on this machine on which photographs are dropped and their faces seen, until Ctrl-C.

    It shows landmarks, mesh, depth, pose and the face to turn, by one network or by two side by side with the map of their
    difference. It needs the extra `demo`: pip install -e '.[demo]'.

    Args:
        ckpt_path: Checkpoint of a fit, an ONNX file that `run.py export` wrote, or the name of a run. By default the network
            that comes with the project; others can be chosen on the page.
        other: A second one, to compare.
        port: Port on 127.0.0.1; the next free one where it is taken. To use the page on another machine, run
            `ssh -L 7860:127.0.0.1:7860 machine`.
        detector: "face-alignment" finds faces in any pose, if its weights are on this machine; "scikit-image" finds faces
            that look at the camera; "auto" uses the first if it can be loaded.
        tracking: Where the runs are whose networks can be chosen; only its folder matters.

    Raises:
        InputError: If gradio is not installed, an option is invalid, or a network cannot be loaded.
    """
    if other is not None and ckpt_path is None:
        raise InputError("--other is the second of two networks. Set --ckpt_path to the first.")
    given = [str(path) for path in (ckpt_path, other) if path is not None]
    networks = DemoNetworks(given, tracking.place(PROJECT).runs, detector)
    with _listening(port) as listener, demo_folder() as folder, loopback_only(), _ended_by_signals():
        try:
            _serve(networks, folder, listener)
        except KeyboardInterrupt:
            print("\nThe demo has ended. Its photographs are removed.", flush=True)
    return 0


def _serve(networks: DemoNetworks, folder: Path, listener: socket.socket) -> None:
    limits = Limits()
    pages = DemoPages(folder, limits)
    _settle_environment(pages.uploads)
    try:
        import uvicorn

        from lightning_module.inference.demo.demo_page import make_page
        from lightning_module.inference.demo.local_app import LocalApp
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed. Install it with pip install -e '.[demo]'.") from error
    page = make_page(DemoWork(networks, pages, limits), networks, pages, limits)
    server = uvicorn.Server(
        uvicorn.Config(
            LocalApp(page, pages, limits, secrets.token_hex(8)),
            log_level="critical",  # not a line for every request, nor for pages that are open at the end
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    print(f"Demo: http://{_HOST}:{listener.getsockname()[1]}/ (Ctrl-C ends)", flush=True)
    server.run(sockets=[listener])


def _settle_environment(uploads: Path) -> None:
    """Sets what gradio reads when it is imported; the user's own settings of it are for other pages."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name == _HOSTED:
            del os.environ[name]
    os.environ.update(_QUIET, GRADIO_TEMP_DIR=str(uploads))


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """A socket that listens on a port, or on the next free one."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for tried in [*range(port, port + _PORTS), 0]:
            try:
                listener.bind((_HOST, tried))
                listener.listen()
                break
            except (OSError, OverflowError) as error:
                if tried != port or (isinstance(error, OSError) and error.errno == errno.EADDRINUSE):
                    continue
                raise InputError(f"--port {port} cannot be used ({error}). Give another.") from error
        yield listener


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ends the demo as by Ctrl-C when its process is told to end, or its terminal is closed, so that it tidies up."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
