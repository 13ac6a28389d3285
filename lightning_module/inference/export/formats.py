"""The formats of exported networks: writing and running their files."""

import json
import logging
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from datamodules.errors import InputError
from datamodules.geometry.crop import CROP_MARGIN, NetworkCrop
from datamodules.geometry.regions import RegionTable, five_regions, regions_as_data, regions_from_data
from lightning_module.inference.export.exported_network import INPUT, ExportedNetwork, Outputs
from lightning_module.inference.export.transposed import without_transposed

ExportFormat = Literal["onnx", "torchscript", "pt2"]
Runner = Callable[[Tensor], Outputs]

_REGIONS, _CROP = (
    "regions",
    "crop",
)  # plain values about a network: properties in ONNX, extra files in the other formats
_EXTRA = "Install the project with its extra: pip install -e '.[onnx]'."


class FileFormat(NamedTuple):
    """A file format.

    Attributes:
        ending: File name extension.
        write: Writes a network to a path, given an example of its (N, 3, S, S) input.
        read: Returns a function that runs a file.
    """

    ending: str
    write: Callable[[ExportedNetwork, Tensor, Path], None]
    read: Callable[[Path], Runner]


def _facts_of(network: ExportedNetwork) -> dict[str, str]:
    crop = {"margin": network.crop.margin, "detector": network.crop.detector}
    return {_REGIONS: json.dumps(regions_as_data(network.region_table)), _CROP: json.dumps(crop)}


def _crop_of(facts: Mapping[str, str]) -> NetworkCrop:
    """The crop of a file's network; files of earlier versions name none."""
    crop = json.loads(facts[_CROP]) if _CROP in facts else {}
    return NetworkCrop.of_options(crop.get("margin", CROP_MARGIN), crop.get("detector"))


def _write_onnx(network: ExportedNetwork, example: Tensor, path: Path) -> None:
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(f"{error.name} is not installed, and --format onnx needs it. {_EXTRA}") from error
    plain = deepcopy(network)
    plain.network = without_transposed(network.network)
    logging.disable(logging.WARNING)  # of the exporter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                plain,
                (example,),
                path,
                input_names=[INPUT],
                output_names=list(Outputs._fields),
                dynamo=True,
                dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}},
                external_data=False,
                verbose=False,
            )
    finally:
        logging.disable(logging.NOTSET)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, _facts_of(network))
    onnx.save(model, path)


class OnnxNetwork:
    """An exported ONNX file as a function of (N, 3, S, S) images, on the CPU.

    Args:
        path: The file.

    Raises:
        InputError: If onnxruntime is not installed, or `export` did not write the file.

    Attributes:
        image_size: Pixels per side of its images, S.
        region_table: The regions of its labels.
        crop: The crop of its images.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(f"onnxruntime is not installed, and {path} needs it. {_EXTRA}") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            if {output.name for output in self._session.get_outputs()} != set(Outputs._fields):
                raise ValueError("its outputs differ")
            self.image_size = int(self._session.get_inputs()[0].shape[2])
            facts = self._session.get_modelmeta().custom_metadata_map
            regions = facts.get(_REGIONS)
            self.region_table: RegionTable = regions_from_data(json.loads(regions)) if regions else five_regions()
            self.crop = _crop_of(facts)
        # the exceptions of onnxruntime derive directly from Exception
        except Exception as error:
            raise InputError(f"{path}: is no ONNX file that `run.py export` wrote. Export it again.") from error

    def __call__(self, image: Tensor) -> Outputs:
        """The outputs of (N, 3, S, S) RGB in [0, 1]."""
        outputs = self._session.run(list(Outputs._fields), {INPUT: image.contiguous().numpy()})
        return Outputs(*(torch.from_numpy(array) for array in outputs))


def _write_torchscript(network: ExportedNetwork, example: Tensor, path: Path) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(network, example), path, _extra_files=_facts_of(network))


def _read_torchscript(path: Path) -> Runner:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.load(path, map_location="cpu")
    return lambda image: Outputs(*module(image))


def _write_pt2(network: ExportedNetwork, example: Tensor, path: Path) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of devices of buffers, where there is only one device
        program = torch.export.export(network, (example,), dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}})
        torch.export.save(program, path, extra_files=_facts_of(network))


def _read_pt2(path: Path) -> Runner:
    module = torch.export.load(path).module()
    return lambda image: Outputs(*module(image))


FORMATS: dict[ExportFormat, FileFormat] = {
    "onnx": FileFormat(".onnx", _write_onnx, OnnxNetwork),
    "torchscript": FileFormat(".pt", _write_torchscript, _read_torchscript),
    "pt2": FileFormat(".pt2", _write_pt2, _read_pt2),
}
