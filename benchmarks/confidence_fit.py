"""Fits the weights of a face's confidence on composites of synthetic faces: python -m benchmarks.confidence_fit CKPT.

The classifier of faces must have been trained, with the same checkpoint or `pretrained`. The weights are saved and
printed, to be written into lightning_module/inference/face_check.py.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.face_classifier_training import anywhere, drawn, jittered, settled
from benchmarks.face_scenes import collage, is_found, photographs, varied_faces
from benchmarks.measurements import save
from lightning_module.inference.crop_network import load_network
from lightning_module.inference.crop_probes import probed_crop
from lightning_module.inference.face_check import FaceCheck
from lightning_module.inference.overlapping_boxes import distinct_faces
from lightning_module.pretrained_network import network_path

_SCENES = 30
_STARTS = 30  # crops in each
_CHECKED = 8  # of them, as in a search
_QUANTILES = (0.02, 0.1, 0.5, 0.9, 0.98)
_BOUNDS = (0, 0.5, 1, 1.5, 2, 3)  # log odds


def calibrate(checkpoint: Path) -> None:
    """Fits the weights of the confidence, and counts the candidates of each kind that pass at which."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(3)
    network = load_network(network_path(checkpoint)).of_single_crops()
    check = FaceCheck(network)
    faces = [(image, crop) for image, crop in photographs(varied_faces(), 12, is_test=True)]
    measured: list[tuple[float, float, bool]] = []
    for number in range(_SCENES):
        chosen = [faces[place] for place in rng.choice(len(faces), number % 4, replace=False)]
        scene = collage(chosen, (320, 400), (70, 200), rng)
        image = drawn(scene.image, rng)
        starts = np.concatenate([anywhere(image, _STARTS, rng), *(jittered(crop, rng)[None] for crop in scene.crops)])
        crops, maps = settled(network, image, settled(network, image, starts)[0])
        likely = check.classified(image, maps, crops)
        for place in distinct_faces(crops, likely)[:_CHECKED]:
            if check.is_plausible(maps[place]):
                apart = probed_crop(network, image, crops[place], maps[place]).disagreement
                measured.append(
                    (likely[place], -np.log(max(apart, 0.05)), any(is_found(crops[place], c) for c in scene.crops))
                )
    table = torch.tensor(measured, dtype=torch.float64)
    known = torch.cat([torch.ones(len(table), 1, dtype=torch.float64), table[:, :2]], dim=1)
    weights = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    balance = (1 - table[:, 2]).sum() / table[:, 2].sum()
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = nn.functional.binary_cross_entropy_with_logits(known @ weights, table[:, 2], pos_weight=balance)
        value = value + 1e-3 * (weights**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    odds = (known @ weights).detach().numpy()
    is_face = table[:, 2].numpy() > 0
    kinds = {"faces": is_face, "others": ~is_face}
    save(
        "confidence_fit",
        "python -m benchmarks.confidence_fit CKPT",
        {
            "weights of bias, classifier, agreement": weights.detach().numpy().round(2).tolist(),
            "candidates": {kind: int(own.sum()) for kind, own in kinds.items()},
            f"quantiles {list(_QUANTILES)} of log odds of the classifier, and of agreement": {
                kind: [np.quantile(table[own, column].numpy(), _QUANTILES).round(2).tolist() for column in (0, 1)]
                for kind, own in kinds.items()
            },
            "passing at a confidence": {
                round(float(1 / (1 + np.exp(-bound))), 2): {
                    kind: int((odds[own] > bound).sum()) for kind, own in kinds.items()
                }
                for bound in _BOUNDS
            },
        },
    )


if __name__ == "__main__":
    calibrate(Path(sys.argv[1]))
