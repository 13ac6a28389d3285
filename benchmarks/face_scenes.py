"""Pictures to find faces in, or none: collages of faces on cluttered backgrounds, and pictures without a face."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from datamodules.face_datamodule import FaceDataModule
from datamodules.files.images import read_image
from datamodules.geometry.crop import CROP_MARGIN
from datamodules.readers.index_options import IndexOptions
from datamodules.synthetic.backdrop import draw_background
from datamodules.synthetic.default_data import EmbeddedData, SyntheticFaces
from datamodules.synthetic.noise import smooth_noise
from datamodules.synthetic.variety import Variety
from lightning_module.project import PROJECT

Image = NDArray[np.uint8]

_GAMMA = 2.2
_SKIN = np.array([1.0, 0.76, 0.63])
_CLOSEST = 0.1  # of the smaller of two sides: by how much crops of a collage may overlap
_TRIES = 200
_SMALL_PX = 300  # of the longer side


class Scene(NamedTuple):
    """A picture, (N, 3) the crop squares of its faces, and of a collage, the place of each among the given faces."""

    image: Image
    crops: NDArray[np.float64]
    places: tuple[int, ...] = ()


def is_found(crop: NDArray[np.float64], true: NDArray[np.float64]) -> bool:
    """Whether a crop is that of a face: its centre within a quarter of the true side, its side within a factor of 1.5."""
    ratio = crop[2] / true[2]
    return bool(np.linalg.norm(crop[:2] - true[:2]) < 0.25 * true[2] and 1 / 1.5 < ratio < 1.5)


def clutter(shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """(H, W, 3) walls, gradients and objects, natural spectra, skin-coloured noise, or repeated textures."""
    size = max(shape)
    kind = rng.integers(5)
    if kind < 2:
        picture = 255 * np.clip(draw_background(size, rng), 0, 1) ** (1 / _GAMMA)
    elif kind == 2:
        picture = natural_spectrum(size, rng)
    elif kind == 3:
        picture = rng.uniform(90, 240) * _SKIN + skin_noise(size, rng)
    else:
        picture = tiles(size, rng)
    return np.asarray(np.clip(picture[: shape[0], : shape[1]], 0, 255), np.uint8)


def natural_spectrum(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(size, size, 3) noise whose amplitude falls with the frequency, as that of photographs does."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = 1 / size
    falling = frequency ** -rng.uniform(0.8, 1.6)
    grey, *colours = (
        np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * falling, (size, size)) for _ in range(4)
    )
    picture = grey[..., None] + rng.uniform(0, 0.6) * np.stack(colours, axis=-1)
    return np.asarray(rng.uniform(60, 190) + rng.uniform(15, 60) * (picture - picture.mean()) / picture.std())


def skin_noise(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(size, size, 3) smooth blotches."""
    blotches = sum(smooth_noise((size, size), int(2**scale), rng) for scale in rng.integers(2, 7, 2))
    return np.asarray(blotches)[..., None] * rng.uniform(8, 40) * _SKIN


def tiles(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(size, size, 3) one blurred piece of noise, repeated."""
    side = int(rng.integers(8, max(9, size // 5)))
    tile = cv2.GaussianBlur(rng.uniform(0, 255, (side, side, 3)), (0, 0), rng.uniform(0.5, side / 8))
    tile = 128 + (tile - tile.mean()) * rng.uniform(25, 60) / max(float(tile.std()), 1e-3)
    count = -(-size // side)
    return np.tile(tile, (count, count, 1))[:size, :size]


def shuffled(image: Image, rng: np.random.Generator) -> Image:
    """The parts of an image in another order, so that nothing of a face is in its place."""
    count = int(rng.integers(3, 6))
    side = min(image.shape[:2]) // count
    parts = [image[r * side : (r + 1) * side, c * side : (c + 1) * side] for r in range(count) for c in range(count)]
    order = iter(rng.permutation(len(parts)))
    return np.vstack([np.hstack([parts[next(order)] for _ in range(count)]) for _ in range(count)])


def small_picture(picture: NDArray[Any]) -> Image:
    """(H, W, 3) uint8 from a picture of any kind, of at most 300 pixels."""
    if picture.dtype == bool:
        picture = picture * np.uint8(255)
    picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    picture = np.ascontiguousarray(picture[..., :3])
    scale = min(1.0, _SMALL_PX / max(picture.shape[:2]))
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def face_part(image: Image, crop: NDArray[np.float64], rng: np.random.Generator) -> Image:
    """A piece of an image that shows a quarter of a face at most."""
    x, y, side = crop
    part = side / CROP_MARGIN * rng.uniform(0.3, 0.45)
    left, top = (int(max(0, centre + rng.uniform(-0.3, 0.3) * side - part / 2)) for centre in (x, y))
    piece = image[top : top + max(int(part), 8), left : left + max(int(part), 8)]
    if min(piece.shape[:2]) < 4:
        return image[:8, :8]
    return np.asarray(cv2.resize(piece, (300, 300), interpolation=cv2.INTER_CUBIC), np.uint8)


def collage(
    faces: Sequence[tuple[Image, NDArray[np.float64]]],
    shape: tuple[int, int],
    sides_px: tuple[float, float],
    rng: np.random.Generator,
) -> Scene:
    """Faces on clutter, scaled and some of them mirrored, each where it covers none of the others.

    Args:
        faces: A photograph and the (3,) crop of its face, each.
        shape: Height and width.
        sides_px: The least and the largest side of a crop in the collage.
        rng: Generator.
    """
    canvas = clutter(shape, rng).astype(np.float32)
    placed: list[NDArray[np.float64]] = []
    places = []
    for place, (image, crop) in enumerate(faces):
        factor = float(np.exp(rng.uniform(*np.log(sides_px)))) / crop[2]
        piece = cv2.resize(
            image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        )
        own = crop * factor
        if rng.random() < 0.5:
            piece, own = piece[:, ::-1], own * [-1, 1, 1] + [piece.shape[1] - 1, 0, 0]
        (x0, y0), (x1, y1) = (
            np.clip(own[:2] + sign * own[2] * 0.62, 0, piece.shape[1::-1]).astype(int) for sign in (-1, 1)
        )
        piece, own = piece[y0:y1, x0:x1], own - np.array([x0, y0, 0])
        height, width = piece.shape[:2]
        for _ in range(_TRIES):
            if height >= shape[0] or width >= shape[1]:
                break
            corner = np.array([rng.integers(shape[1] - width), rng.integers(shape[0] - height)])
            there = own + np.array([*corner, 0])
            if all(
                np.abs(there[:2] - other[:2]).max() > (1 - _CLOSEST) * (there[2] + other[2]) * 0.62 for other in placed
            ):
                _paste(canvas, piece, corner)
                placed.append(there)
                places.append(place)
                break
    return Scene(np.asarray(canvas, np.uint8), np.array(placed).reshape(-1, 3), tuple(places))


def _paste(canvas: NDArray[np.float32], piece: Image, corner: NDArray[np.int64]) -> None:
    """Draws a piece into a canvas with soft edges."""
    height, width = piece.shape[:2]
    soft = np.minimum.outer(*(np.minimum(np.arange(n) + 1, np.arange(n)[::-1] + 1) for n in (height, width)))
    weight = np.clip(soft / (0.06 * min(height, width)), 0, 1)[..., None].astype(np.float32)
    window = canvas[corner[1] : corner[1] + height, corner[0] : corner[0] + width]
    window[:] = weight * piece + (1 - weight) * window


def varied_faces() -> SyntheticFaces:
    """Faces that vary as those of the pretrained network do, of other people."""
    recipe = yaml.safe_load((PROJECT / "conf" / "pretrained.yaml").read_text(encoding="utf-8"))
    variety = Variety(**recipe["data"]["synthetic"]["variety"])
    return SyntheticFaces(samples=900, test_samples=600, seed=1, variety=variety)


def photographs(
    faces: SyntheticFaces, every: int, is_test: bool = False
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """Photographs and crops of every first, second or further training or test face, as `every` says."""
    data = FaceDataModule(synthetic=faces, num_workers=0)
    data.prepare_data()
    if is_test:
        embedded = EmbeddedData(faces, IndexOptions().cache)
        data = FaceDataModule(embedded.test_root, face_model=embedded.face_model, num_workers=0)
        data.prepare_data()
    plain = data.plain_faces()
    for place in range(0, len(plain), every):
        yield read_image(plain.index.record(int(plain.rows[place])).image_path), plain.box(place)
