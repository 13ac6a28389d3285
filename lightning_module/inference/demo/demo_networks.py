"""The networks that a demo offers: those of the command line, and of the runs below mlruns/."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from datamodules.errors import InputError
from lightning_module.checkpoint import load_module
from lightning_module.inference.detectors import DetectorName
from lightning_module.inference.export.formats import FORMATS
from lightning_module.inference.network_file import find_network
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.tracking.run_folder import RunFolder, run_folders

_PRETRAINED = "pretrained"  # the network that comes with the project, where there is one
_MOST_LOADED = 4  # networks in memory
_KEY = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)\d\d-(.*)-[0-9a-f]{4}")  # see RunFolder.create


@dataclass(frozen=True)
class OfferedNetwork:
    """A network that can be chosen.

    Attributes:
        value: A file, the folder of a run, or a name, as `find_network` takes them.
        name: Its name.
        ratio: Its region weights, such as "16:5:4:3:0", or "" if they are not known.
        made: Date and time of its run, or "".
    """

    value: str
    name: str
    ratio: str
    made: str = ""

    @property
    def label(self) -> str:
        """Name, ratio and date on one line."""
        return " · ".join(filter(None, [self.name, self.ratio and f"ratio {self.ratio}", self.made]))


class DemoNetworks:
    """The networks of a demo.

    Args:
        given: Files, folders or names of networks that the user has asked for.
        runs: Folder of the runs whose networks are offered too.
        detector: Finds faces.

    Raises:
        InputError: If one that the user has asked for does not exist, or is no network.
    """

    def __init__(self, given: Sequence[str], runs: Path, detector: DetectorName) -> None:
        self._runs = runs
        self._detector: DetectorName = detector
        self._loaded: OrderedDict[str, Reconstructor] = OrderedDict()
        self._lock = Lock()
        self.given = [_given(value) for value in given]
        self._named = {network.value: network for network in (*self.given, *_pretrained())}
        self._seen: dict[str, OfferedNetwork] = {}  # of runs by key, whose journals are long

    def offered(self) -> list[OfferedNetwork]:
        """Those of the command line, the one that comes with the project, and those of the runs, newest first."""
        networks = dict(self._named)
        for run in run_folders(self._runs):
            if _has_network(run):
                networks.setdefault(_value(run), self._of_run(run))
        return list(networks.values())

    def choice(self, value: str) -> OfferedNetwork:
        """The offered network of a value.

        Raises:
            InputError: If none has it, as after the folder of a run was removed.
        """
        if value in self._named:
            return self._named[value]
        for run in run_folders(self._runs):
            if _value(run) == value and _has_network(run):
                return self._of_run(run)
        raise InputError("the chosen network is no longer there. Reload the page, and choose another.")

    def _of_run(self, run: RunFolder) -> OfferedNetwork:
        if run.key not in self._seen:
            self._seen[run.key] = _of_run(run)
        return self._seen[run.key]

    def load(self, network: OfferedNetwork) -> Reconstructor:
        """The network, which stays in memory for a while.

        Raises:
            InputError: If it is no network.
        """
        with self._lock:
            key = f"{network.value} {_stamp(network.value)}"
            if key not in self._loaded:
                # all average over the same views, so that differences are those of the networks
                self._loaded[key] = Reconstructor.load(
                    network.value, mirror_average=True, detector=self._offline_detector(), crop_average=True
                )
            self._loaded.move_to_end(key)
            while len(self._loaded) > _MOST_LOADED:
                self._loaded.popitem(last=False)
            return self._loaded[key]

    def _offline_detector(self) -> DetectorName:
        """The detector that needs no download, where the user leaves the choice."""
        if self._detector != "auto":
            return self._detector
        from lightning_module.inference.face_alignment_detector import has_weights  # takes seconds to import

        return "face-alignment" if has_weights() else "scikit-image"


def _stamp(value: str) -> int:
    """Changes when the file of a network is written again, as by a fit that goes on."""
    return find_network(value).stat().st_mtime_ns


def _given(value: str) -> OfferedNetwork:
    path = find_network(value)
    run = RunFolder.of_checkpoint(path)
    if run is not None and path.resolve() == run.best_checkpoint:
        return _of_run(run)
    ratio = "" if path.suffix.lower() == FORMATS["onnx"].ending else load_module(path).weights_name
    name = value if value == _PRETRAINED else path.name
    return OfferedNetwork(value if value == _PRETRAINED else str(path), name, ratio.replace("-", ":"))


def _pretrained() -> list[OfferedNetwork]:
    try:
        return [_given(_PRETRAINED)]
    except InputError:  # there is none
        return []


def _has_network(run: RunFolder) -> bool:
    return run.best_checkpoint.is_file() or run.last_checkpoint.is_file()


def _value(run: RunFolder) -> str:
    return str(run.path.resolve())


def _of_run(run: RunFolder) -> OfferedNetwork:
    named = _KEY.fullmatch(run.key)
    year, month, day, hour, minute, name = named.groups() if named else ("", "", "", "", "", run.key)
    made = f"{year}-{month}-{day} {hour}:{minute}" if named else ""
    return OfferedNetwork(_value(run), name, run.tags().get("ratio", "").replace("-", ":"), made)
