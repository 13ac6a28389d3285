"""Averages the maps of several views of a crop: its mirror image, and the crop turned, enlarged and reduced."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from datamodules.geometry.crop import CROP_SIZE

_TURN_DEG, _ZOOM = 10.0, 1.12  # chosen on three photographs of 300W-LP and five of AFLW2000-3D
_VIEWS = ((0.0, 1.0), (_TURN_DEG, 1.0), (-_TURN_DEG, 1.0), (0.0, _ZOOM), (0.0, 1 / _ZOOM))  # angle and magnification
_CENTRE_PX = (CROP_SIZE - 1) / 2

Maps = Callable[[Tensor], Tensor]  # (N, 3, 256, 256) maps in crop pixels of (N, 3, S, S) images


class Averages(NamedTuple):
    """The views of an image whose maps are averaged.

    Attributes:
        mirror: The image and its mirror image.
        crops: The image as it is, turned by 10 degrees to either side, 1.12 times as large, and as small.
    """

    mirror: bool = False
    crops: bool = False

    def changed(self, mirror: bool | None, crops: bool | None) -> "Averages":
        """The same with other settings; None keeps one."""
        return Averages(self.mirror if mirror is None else mirror, self.crops if crops is None else crops)

    def maps(self, maps: Maps, image: Tensor) -> Tensor:
        """(N, 3, 256, 256) means of the maps of all views."""
        mirrored: Maps = (lambda view: _mirror_averaged(maps, view)) if self.mirror else maps
        return _crop_averaged(mirrored, image) if self.crops else mirrored(image)

    @property
    def in_words(self) -> str:
        """As it stands in model cards."""
        views = [name for name, is_averaged in zip(("mirror images", "five crops"), self, strict=True) if is_averaged]
        return " and ".join(views) or "none"


NO_AVERAGES = Averages()


def _mirror_averaged(maps: Maps, image: Tensor) -> Tensor:
    """The mean of the maps of images and of their mirror images, since UV space is symmetric."""
    plain, flipped = maps(image), maps(image.flip(-1)).flip(-1)
    twins = torch.cat([CROP_SIZE - 1 - flipped[:, :1], flipped[:, 1:]], dim=1)
    return (plain + twins) / 2


def _crop_averaged(maps: Maps, image: Tensor) -> Tensor:
    return torch.stack([_map_of_view(maps, image, *view) for view in _VIEWS]).mean(dim=0)


def _map_of_view(maps: Maps, image: Tensor, angle_deg: float, magnification: float) -> Tensor:
    """The maps of turned and magnified images, in the crop pixels of the images as they are."""
    if (angle_deg, magnification) == (0.0, 1.0):
        return maps(image)
    cosine, sine = (turn(math.radians(angle_deg)) / magnification for turn in (math.cos, math.sin))
    back = torch.tensor([[cosine, sine], [-sine, cosine]], dtype=image.dtype, device=image.device)
    found = maps(_sampled(image, back))
    xy = torch.einsum("ij,njhw->nihw", back, found[:, :2] - _CENTRE_PX) + _CENTRE_PX
    return torch.cat([xy, found[:, 2:] / magnification], dim=1)


def _sampled(image: Tensor, back: Tensor) -> Tensor:
    """Images whose pixels are at the places that a (2, 2) matrix about the centre gives; black outside."""
    size = image.shape[-1]
    ends = 1 - 1 / size  # the first and last pixel's centres, where the image goes from -1 to 1
    line = torch.linspace(-ends, ends, size, dtype=image.dtype, device=image.device)
    places = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1) @ back.mT
    grid = places.expand(image.shape[0], -1, -1, -1)  # len() would fix the batch size of an exported network
    return functional.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
