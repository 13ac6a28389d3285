"""Imports everything that the commands use, on one thread, so that children are forked from a process that has it all."""

import gc
import importlib
import os
import pkgutil
import sys
import warnings
from pathlib import Path

# read by the libraries when they are imported; forked children have none of their parent's threads
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ[_name] = "1"
sys.dont_write_bytecode = True

_PACKAGES = ("datamodules", "lightning_module", "sweeps")
# imported by the project only where they are used
_LIBRARIES = (
    "cv2",
    "mlflow",
    "mlflow.tracking",
    "mlflow.store.tracking.sqlalchemy_store",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "optuna",
    "scipy.io",
    "skimage.data",
    "torch.onnx",
    "trimesh",
    "matplotlib.backends.backend_agg",
)


def warm_start(folder: Path) -> None:
    """Imports the project and its libraries.

    Args:
        folder: Of compiled functions, which children must not write beside the project's files.
    """
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    warnings.simplefilter("ignore")
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for name in _LIBRARIES:
        importlib.import_module(name)
    for package in map(importlib.import_module, _PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    importlib.import_module("run")
    gc.collect()
    gc.freeze()  # what children never touch stays shared
