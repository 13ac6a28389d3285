"""A face model with as many components as the whole Basel Face Model, made from a reduced one."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from datamodules.files.bfm import read_morphable_model
from datamodules.files.face_mat import EXPRESSION_COEFFICIENTS, IDENTITY_COEFFICIENTS
from datamodules.geometry.morphable_model import MorphableModel


def read_full_model(path: str) -> MorphableModel:
    """The model with its components repeated to 199 + 29; the time of a product does not depend on its values."""
    model = read_morphable_model(Path(path))
    identity, expression = (
        np.resize(basis.transpose(2, 0, 1), (components, *model.mean.shape)).transpose(1, 2, 0)
        for basis, components in (
            (model.identity_basis, IDENTITY_COEFFICIENTS),
            (model.expression_basis, EXPRESSION_COEFFICIENTS),
        )
    )
    return replace(model, identity_basis=identity, expression_basis=expression)
