"""Builds PRNet's published network in TensorFlow with random numbers, saves its checkpoint, and runs it on ten crops.

    python -m benchmarks.prnet_tensorflow FOLDER

Runs in an environment of its own, which has TensorFlow and nothing of this project; benchmarks/prnet_exact.py starts it.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.prnet_numbers import (
    BATCH_NORM_EPSILON,
    drawn_statistics,
    forward,
    random_crops,
    random_weights,
)

NAME = "256_256_resfcn256_weight"
_SMALL = "small_checkpoint"  # for the tests, which keep it
_RANGE_PX = 1.1 * 256
_SLOTS = ("Adam", "Adam_1")  # of the optimiser, which published checkpoints hold too


def main(folder: Path) -> None:
    """Writes the checkpoints, and maps.npz with the maps, the statistics and TensorFlow's version."""
    images = random_crops().astype(np.float32) / 255
    tensors: dict[str, Any] = dict(random_weights())
    forward(tf.constant(images), tensors, _operations(lambda features, scope: _calibrated(features, scope, tensors)))
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        variables = {name: _variable(name, array) for name, array in tensors.items()}
        for name in [name for name in variables if "moving" not in name]:
            for slot in _SLOTS:
                _variable(f"{name}/{slot}", tensors[name] * 0.1)
        for name, value in (("beta1_power", 0.9), ("beta2_power", 0.999)):
            _variable(name, np.float32(value))
        image = tf.compat.v1.placeholder(tf.float32, (None, 256, 256, 3))
        position = forward(
            image, variables, _operations(lambda features, scope: _normalised(features, scope, variables))
        )
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(folder / NAME), write_meta_graph=False)
        first = [variable for name, variable in variables.items() if name.startswith("resfcn256/Conv/")]
        tf.compat.v1.train.Saver(first).save(session, str(folder / _SMALL), write_meta_graph=False)
        maps = np.concatenate([session.run(position, {image: crop[None]}) for crop in images]) * _RANGE_PX
    statistics = {name: array for name, array in tensors.items() if "moving" in name}
    np.savez(folder / "maps.npz", maps=maps.astype(np.float32), version=tf.__version__, **statistics)


def _operations(normalise: Callable[[Any, str], Any]) -> dict[str, Callable[..., Any]]:
    def convolve(features: Any, kernel: Any, stride: int) -> Any:
        return tf.nn.conv2d(features, kernel, stride, "SAME")

    def transpose(features: Any, kernel: Any, stride: int) -> Any:
        count, height, width, _ = tf.unstack(tf.shape(features))
        shape = tf.stack([count, height * stride, width * stride, kernel.shape[2]])
        return tf.nn.conv2d_transpose(features, kernel, shape, stride, "SAME")

    return {
        "convolve": convolve,
        "transpose": transpose,
        "normalise": normalise,
        "add": tf.add,
        "relu": tf.nn.relu,
        "sigmoid": tf.nn.sigmoid,
    }


def _calibrated(features: Any, scope: str, tensors: dict[str, Any]) -> Any:
    """The batch norm of a layer, with statistics that are drawn about those of the features, and kept."""
    mean, variance = tf.nn.moments(features, [0, 1, 2])
    tensors |= drawn_statistics(scope, mean.numpy(), variance.numpy())
    return _normalised(features, scope, tensors)


def _normalised(features: Any, scope: str, tensors: dict[str, Any]) -> Any:
    names = ("moving_mean", "moving_variance", "beta", "gamma")
    return tf.nn.batch_normalization(
        features, *(tensors[f"{scope}BatchNorm/{name}"] for name in names), BATCH_NORM_EPSILON
    )


def _variable(name: str, array: Any) -> Any:
    return tf.compat.v1.get_variable(name, initializer=array, dtype=tf.float32, use_resource=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
