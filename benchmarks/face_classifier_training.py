"""Trains the classifier that tells faces from anything else, for `predict`.

Faces are synthetic and varied, as the network of a checkpoint, or `pretrained`, maps them; others are parts of these faces,
their shuffled pieces and pictures by formula. Some of each are turned into line drawings or given hard light. The steps are
commands of their own: the first two gather what the network sees, and the third learns from it.

    python -m benchmarks.face_classifier_training faces CKPT FACES_NPZ
    python -m benchmarks.face_classifier_training others CKPT OTHERS_NPZ
    python -m benchmarks.face_classifier_training train FACES_NPZ OTHERS_NPZ
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.face_scenes import clutter, face_part, is_found, photographs, shuffled, varied_faces
from benchmarks.measurements import save
from lightning_module.inference import face_classifier
from lightning_module.inference.crop_maps import crop_maps, recropped
from lightning_module.inference.crop_network import MapNetwork, load_network
from lightning_module.inference.face_classifier import FaceClassifier
from lightning_module.inference.frontal_view import VIEW_SIZE, FrontalView
from lightning_module.pretrained_network import network_path

_EVERY = 2  # of the faces
_CLUTTERED = 120  # pictures by formula
_PER_CLUTTER = 8
_EPOCHS = 24
_BATCH = 128
_LR = 3e-3
_SMOOTHING = 0.02


class _Views:
    """Views of what a network sees, and whether each is a face."""

    def __init__(self, checkpoint: Path, seed: int) -> None:
        torch.set_num_threads(1)
        self.rng = np.random.default_rng(seed)
        self._network = load_network(network_path(checkpoint))
        self._view = FrontalView(self._network.layout)
        self._shown: list[NDArray[np.float32]] = []
        self._is_face: list[bool] = []

    def look(
        self, image: NDArray[np.uint8], starts: NDArray[np.float64], crop: NDArray[np.float64] | None = None
    ) -> None:
        """Adds the views that the network settles on from (N, 3) crops; `crop` is that of the face, if there is one."""
        image = drawn(image, self.rng)
        crops, maps = settled(self._network, image, starts)
        for own, each in zip(crops, maps, strict=True):
            self._shown.append(self._view.view(image, _inexact(each, self.rng), own))
            self._is_face.append(crop is not None and is_found(own, crop))

    def save(self, out: Path) -> None:
        """Writes them."""
        np.savez(out, views=np.stack(self._shown).astype(np.float16), is_face=np.array(self._is_face))
        print(f"{sum(self._is_face)} faces, {len(self._is_face) - sum(self._is_face)} others")


def gather_faces(checkpoint: Path, out: Path) -> None:
    """Saves views of faces, and of crops beside them."""
    views = _Views(checkpoint, seed=0)
    for image, crop in photographs(varied_faces(), _EVERY):
        starts = [jittered(crop, views.rng), jittered(crop, views.rng), *anywhere(image, 2, views.rng)]
        views.look(image, np.array(starts), crop)
    views.save(out)


def gather_others(checkpoint: Path, out: Path) -> None:
    """Saves views of parts of faces, of their shuffled pieces, and of pictures by formula."""
    views = _Views(checkpoint, seed=1)
    for image, crop in photographs(varied_faces(), 4 * _EVERY):
        views.look(shuffled(image, views.rng), anywhere(image, 3, views.rng))
        part = face_part(image, crop, views.rng)
        views.look(part, anywhere(part, 3, views.rng))
    for _ in range(_CLUTTERED):
        image = clutter((240, 240), views.rng)
        views.look(image, anywhere(image, _PER_CLUTTER, views.rng))
    views.save(out)


def train(*views: Path) -> None:
    """Trains the classifier on the views, and writes its weights beside the code that reads them."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    parts = [np.load(path) for path in views]
    shown, is_face = (
        torch.from_numpy(np.concatenate([part[name] for part in parts]).astype(np.float32))
        for name in ("views", "is_face")
    )
    held = torch.arange(len(shown)) % 10 == 0
    rows = torch.nonzero(~held)[:, 0]
    classifier = FaceClassifier()
    optimizer = torch.optim.AdamW(classifier.parameters(), _LR, weight_decay=0.02)
    steps = len(rows) // _BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LR, total_steps=_EPOCHS * steps)
    balance = (1 - is_face[rows]).sum() / is_face[rows].sum()
    for epoch in range(_EPOCHS):
        total = 0.0
        for batch in rows[torch.randperm(len(rows), generator=generator)][: steps * _BATCH].view(steps, _BATCH):
            odds = classifier(_augmented(shown[batch], generator))
            target = is_face[batch] * (1 - 2 * _SMOOTHING) + _SMOOTHING
            loss = nn.functional.binary_cross_entropy_with_logits(odds, target, pos_weight=balance)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / steps:.3f}", flush=True)
    classifier.eval()
    with torch.inference_mode():
        odds, truth = classifier(shown[held]).numpy(), is_face[held].numpy() > 0
    path = Path(face_classifier.__file__).with_name(face_classifier.WEIGHTS)
    np.savez(path, **{name: value.numpy().astype(np.float16) for name, value in classifier.state_dict().items()})
    faces, others = odds[truth], odds[~truth]
    figures = {
        "views of faces, others": [int(is_face.sum()), int((1 - is_face).sum())],
        "held out: share of faces above 0": round(float((faces > 0).mean()), 3),
        "held out: share of others below 0": round(float((others < 0).mean()), 3),
        "log odds of faces, 5 and 50 %": np.quantile(faces, [0.05, 0.5]).round(1).tolist(),
        "log odds of others, 50, 95 and 99 %": np.quantile(others, [0.5, 0.95, 0.99]).round(1).tolist(),
    }
    save("face_classifier_training", "python -m benchmarks.face_classifier_training train", figures)


def jittered(crop: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A crop that is off by as much as that of a detector."""
    return np.array([*(crop[:2] + rng.uniform(-0.12, 0.12, 2) * crop[2]), crop[2] * np.exp(rng.uniform(-0.25, 0.25))])


def anywhere(image: NDArray[np.number], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(N, 3) crops of any place and size."""
    size = min(image.shape[:2])
    return np.column_stack([rng.uniform(0, size, (count, 2)), size * np.exp(rng.uniform(-1.8, 0, count))])


def settled(
    network: MapNetwork, image: NDArray[np.uint8], crops: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """(N, 3) crops after the first pass of a network, and their maps."""
    crops, _ = recropped(crops, crop_maps(network, image, crops), network.layout)
    return crops, crop_maps(network, image, crops)


def _inexact(position_map: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A map that is shifted and scaled by as much as one of a photograph is off."""
    centre = position_map.mean(axis=(0, 1))
    scale = np.exp(rng.normal(0, 0.05, 3)).astype(np.float32)
    shift = np.array([*rng.normal(0, 5, 2), 0], np.float32)  # crop pixels, of about 160 of a face
    return np.asarray((position_map - centre) * scale + centre + shift, np.float32)


def drawn(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """An image as it is, as a line drawing, or in hard light."""
    kind = rng.random()
    if kind < 0.15:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        fine = rng.uniform(0.005, 0.012) * max(image.shape[:2])
        edges = cv2.GaussianBlur(grey, (0, 0), fine) - cv2.GaussianBlur(grey, (0, 0), 2 * fine)
        lines = 245 + 230 * np.tanh(np.minimum(edges + rng.uniform(0, 2), 0) / rng.uniform(1, 4))
        return np.repeat(np.clip(lines, 0, 255)[..., None], 3, axis=2).astype(np.uint8)
    if kind < 0.4:
        middle, width = rng.uniform(60, 190), rng.uniform(15, 60)
        return np.asarray(255 / (1 + np.exp((middle - image.astype(np.float32)) / width)), np.uint8)
    return image


def _augmented(views: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Views with light from the side, noise, something in front of the face, and mirrored."""
    count = len(views)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(count, *shape, generator=generator)

    views = torch.where(uniform(1, 1, 1) < 0.5, views.flip(-1), views)
    grey, seen = views[:, 0], views[:, 1]
    steps = torch.linspace(-1, 1, VIEW_SIZE)
    slope = torch.randn(count, 2, 1, 1, generator=generator) * 0.4
    grey = grey + slope[:, 0] * steps + slope[:, 1] * steps[:, None]
    grey = grey + torch.randn(grey.shape, generator=generator) * 0.3 * uniform(1, 1)
    low = uniform(2, 1, 1) * 1.6 - 1
    high = low + 0.2 + 0.6 * uniform(2, 1, 1)
    is_covered = (
        (steps >= low[:, 0]) & (steps <= high[:, 0]) & (steps[:, None] >= low[:, 1]) & (steps[:, None] <= high[:, 1])
    )
    is_covered &= uniform(1, 1) < 0.3
    grey = torch.where(is_covered, torch.randn(count, 1, 1, generator=generator), grey)
    weight = seen.sum((1, 2), keepdim=True).clip(1)
    grey = (grey - (grey * seen).sum((1, 2), keepdim=True) / weight) * seen
    grey = grey / ((grey**2).sum((1, 2), keepdim=True) / weight).sqrt().clip(0.1)
    return torch.stack([grey.clip(-3, 3), seen], dim=1)


if __name__ == "__main__":
    step, *paths = sys.argv[1:]
    {"faces": gather_faces, "others": gather_others, "train": train}[step](*map(Path, paths))
