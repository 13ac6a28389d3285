"""The evaluation protocols: definition and source of each figure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from datamodules.errors import InputError
from datamodules.geometry.regions import RegionTable, face_labels, five_regions, is_drawn
from lightning_module.evaluation.nme import aligned_nme, dense_nme, dense_nme_3d, landmark_nme, landmark_nme_3d

_3DDFA = "Zhu et al., Face Alignment Across Large Poses: A 3D Solution, CVPR 2016 (AFLW2000-3D benchmark)"
_PRNET = "Feng et al., Joint 3D Face Reconstruction and Dense Alignment with PRNet, ECCV 2018"
_OURS = "this project"


@dataclass(frozen=True)
class Protocol:
    """The definition of a figure.

    Attributes:
        name: Name in metrics and files.
        title: Name in tables.
        definition: Definition in words.
        source: Publication that defines it.
    """

    name: str
    title: str
    definition: str
    source: str


@dataclass(frozen=True)
class LandmarkProtocol(Protocol):
    """The definition of a figure over landmarks.

    Attributes:
        error: Returns (N,) percent for predicted and true (N, L, 2 or 3) landmarks.
        dimensions: Number of coordinates that it needs.
    """

    error: Callable[[Tensor, Tensor], Tensor]
    dimensions: int


@dataclass(frozen=True)
class DenseProtocol(Protocol):
    """The definition of a figure over texels.

    Attributes:
        error: Returns (N,) percent for predicted and true (N, 3, S, S) maps, a mask, and the true 68 landmarks.
        labels: Labels of the regions whose texels it averages over.
    """

    error: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    labels: tuple[int, ...]

    def measure(self, predicted: Tensor, target: Tensor, regions: Tensor, landmarks_68: Tensor) -> Tensor:
        """(N,) percent of each face.

        Args:
            predicted: (N, 3, S, S) in crop pixels.
            target: (N, 3, S, S).
            regions: (S, S) labels of all texels.
            landmarks_68: (N, 68, 2 or 3) ground truth.
        """
        mask = torch.isin(regions, torch.tensor(self.labels, device=regions.device))
        return self.error(predicted, target, mask, landmarks_68)


LANDMARKS_2D = LandmarkProtocol(
    "nme",
    "68 landmarks, x y",
    "Mean distance of the 68 landmarks in x and y / sqrt(w * h) of the box of the true ones. In bins of |yaw|: [0, 30], "
    "(30, 60], (60, 90]; the field's Mean is that of the bins.",
    _3DDFA,
    landmark_nme,
    2,
)
LANDMARKS_3D = LandmarkProtocol(
    "nme_3d_mean_z",
    "68 landmarks, x y z, mean z removed",
    "As nme, in x, y and z, after the mean of z is taken from prediction and truth.",
    _PRNET,
    landmark_nme_3d,
    3,
)
LANDMARKS_RIGID = LandmarkProtocol(
    "nme_3d_rigid",
    "68 landmarks, x y z, rigidly aligned",
    "As nme, in x, y and z, after the rotation and translation that bring the prediction nearest to the truth.",
    f"{_OURS}, after Umeyama 1991",
    partial(aligned_nme, has_scale=False),
    3,
)
LANDMARKS_SIMILARITY = LandmarkProtocol(
    "nme_3d_similarity",
    "68 landmarks, x y z, similarity aligned",
    "As nme_3d_rigid, with the scale free as well.",
    f"{_OURS}, after Umeyama 1991",
    partial(aligned_nme, has_scale=True),
    3,
)
LANDMARKS_81_2D = LandmarkProtocol(
    "nme_81",
    "81 landmarks, x y",
    "As nme, over the 68 landmarks and the 13 of the forehead.",
    f"{_OURS}, the landmarks of Shi et al.",
    landmark_nme,
    2,
)
MEAN_MAP = Protocol(
    "nme_mean_map",
    "always the mean map: 68 landmarks, x y",
    "As nme, of a predictor that always answers with the mean map: what is to be beaten.",
    _OURS,
)

RECONSTRUCTION = Protocol(
    "reconstruction_icp",
    "surface, ICP, of the interocular distance",
    "Mean distance, point to plane, from the true surface within 95 mm (or the radius in the data set's name) of the tip of the nose to the predicted "
    "one after ICP with its scale free (unless the name says kept), in percent of the distance of the outer corners of the eyes.",
    f"{_PRNET}, on the Florence scans",
)

LANDMARK_PROTOCOLS = (LANDMARKS_2D, LANDMARKS_3D, LANDMARKS_RIGID, LANDMARKS_SIMILARITY)

_REGION = "nme_"  # prefix of the figures of regions


def dense_protocols(regions: RegionTable) -> tuple[DenseProtocol, ...]:
    """The figures over all texels of the face, and over those of each of its regions.

    Raises:
        InputError: If the figure of a region has the name of another protocol.
    """
    all_labels = tuple(face_labels(regions))
    left_out = " and ".join(region.title for region in regions if not region.is_face)
    face = f"the face (without {left_out})" if left_out else "the face"
    return (
        DenseProtocol(
            "nme_dense",
            "all face texels, x y",
            f"Mean distance of all texels of {face} in x and y, over the same size.",
            _PRNET,
            dense_nme,
            all_labels,
        ),
        DenseProtocol(
            "nme_dense_3d",
            "all face texels, x y z, mean z removed",
            "As nme_dense, in x, y and z, after the mean of z over these texels is taken from both.",
            _PRNET,
            dense_nme_3d,
            all_labels,
        ),
        *(
            _of_region(region.name, region.title, region.label)
            for region in regions
            if region.is_face and is_drawn(region)
        ),
    )


def validation_protocols(regions: RegionTable) -> tuple[Protocol, ...]:
    """The protocols of validation, a part of those of a test."""
    return (LANDMARKS_2D, LANDMARKS_3D, *dense_protocols(regions))


def test_protocols(regions: RegionTable) -> tuple[Protocol, ...]:
    """The protocols of a test."""
    return (*LANDMARK_PROTOCOLS, *dense_protocols(regions), MEAN_MAP)


def protocol_named(name: str) -> Protocol:
    """The protocol of a name, which may be that of a region in an unknown table.

    Raises:
        InputError: If no protocol has this name.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    region = name.removeprefix(_REGION)
    if not name.startswith(_REGION) or not re.fullmatch(r"[a-z][a-z0-9_]*", region):
        raise InputError(f"{name}: there is no such protocol. Give one of {', '.join(_BY_NAME)}, or nme_<region>.")
    return _of_region(region, region.replace("_", " "), 0)


def _of_region(name: str, title: str, label: int) -> DenseProtocol:
    if (figure := f"{_REGION}{name}") in _RESERVED:
        raise InputError(f"region {name!r}: {figure} is the name of another protocol. Rename the region.")
    definition = f'As nme_dense, over the texels of the region "{title}".'
    return DenseProtocol(figure, f"{title}, x y", definition, _OURS, dense_nme, (label,))


_WHOLE: tuple[Protocol, ...] = (*LANDMARK_PROTOCOLS, LANDMARKS_81_2D, RECONSTRUCTION, MEAN_MAP)
_RESERVED = {*(protocol.name for protocol in _WHOLE), "nme_dense", "nme_dense_3d"}
_BY_NAME = {protocol.name: protocol for protocol in (*_WHOLE, *dense_protocols(five_regions()))}
