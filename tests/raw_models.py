"""Writes stand-ins of the raw files of face models, with their real names, shapes and indices from 1."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.fakes import COMPONENTS, bent_sheet, cell_triangles, landmark_uv

_COLUMNS = 232  # of the sheet
IDENTITY, EXPRESSION = 199, 29
FULL, KEPT, TRIANGLES, MOUTH_TRIANGLES = 53490, 53215, 105840, 70


def raw_arrays():
    """The arrays of each raw file. The number at vertex v (from 0), axis a of a shape is 3 v + a, in the first two components plus 1000 and 2000."""
    rng = np.random.default_rng(0)
    numbers = np.arange(3 * FULL, dtype=np.float64)[:, None]
    kept = np.sort(rng.choice(FULL, KEPT, replace=False)) + 1
    shape = np.zeros((3 * FULL, 199), np.float32)
    shape[:, :2] = numbers + np.array([1000, 2000])
    texture = np.zeros((3 * FULL, 199), np.uint8)  # as MATLAB stores arrays of small whole numbers
    expression = {
        "mu_exp": np.full((3 * KEPT, 1), 7.0),
        "w_exp": np.full((3 * KEPT, 29), 0.5),
        "sigma_exp": np.linspace(1, 2, 29)[:, None],
    }
    layout = {"tri": rng.integers(1, KEPT + 1, (3, TRIANGLES)), "keypoints": rng.integers(1, KEPT + 1, (1, 68))}
    return {
        "01_MorphableModel.mat": {
            "shapeMU": numbers,
            "shapePC": shape,
            "shapeEV": np.linspace(9, 1, 199)[:, None],
            "texMU": numbers % 256,
            "texPC": texture,
            "texEV": np.ones((199, 1)),
            "tl": np.ones((106466, 3)),
            "segbin": np.zeros((FULL, 4), np.uint8),
        },
        "model_info.mat": {"trimIndex": kept[:, None], **layout, "symlist": np.zeros((5, 2), np.uint8)},
        "Model_Expression.mat": expression,
        "Model_tri_mouth.mat": {"tri_mouth": rng.integers(1, KEPT + 1, (3, MOUTH_TRIANGLES))},
        "BFM_UV.mat": {"UV": rng.uniform(0, 1, (FULL, 2))},
        "Model_Shape.mat": {
            "mu_shape": np.full((3 * KEPT, 1), 3.0),
            "w": np.full((3 * KEPT, 199), 2, np.float32),
            "sigma": np.linspace(9, 1, 199)[:, None],
            **layout,
        },
        "Model_Exp.mat": expression,
    }


def raw_sheet():
    """The arrays of the raw files for a model that is a face: the sheet of `fakes.fake_model` with as many vertices as theirs."""
    row, col = np.divmod(np.arange(FULL), _COLUMNS)
    last = KEPT // _COLUMNS - 1  # of the rows that are whole after the cut
    u, v = col / (_COLUMNS - 1), 1 - np.minimum(row / last, 1)
    points, basis = bent_sheet(u, v)
    identity, expression = (
        np.zeros((3 * count, size), np.float32) for count, size in ((FULL, IDENTITY), (KEPT, EXPRESSION))
    )
    identity[:, : COMPONENTS[0]] = basis[..., : COMPONENTS[0]].reshape(3 * FULL, -1)
    expression[:, : COMPONENTS[1]] = basis[:KEPT, :, COMPONENTS[0] :].reshape(3 * KEPT, -1)
    triangles = cell_triangles(np.arange((last + 1) * _COLUMNS).reshape(-1, _COLUMNS)).T + 1
    wanted = np.rint(landmark_uv() * [_COLUMNS - 1, -last] + [0, last]).astype(int)
    arrays = raw_arrays()
    return {
        "01_MorphableModel.mat": {
            **arrays["01_MorphableModel.mat"],
            "shapeMU": points.reshape(-1, 1),
            "shapePC": identity,
        },
        "model_info.mat": {
            **arrays["model_info.mat"],
            "trimIndex": np.arange(KEPT)[:, None] + 1,
            "tri": triangles,
            "keypoints": (wanted[:, 1] * _COLUMNS + wanted[:, 0])[None] + 1,
        },
        "Model_Expression.mat": {
            **arrays["Model_Expression.mat"],
            "mu_exp": np.zeros((3 * KEPT, 1)),
            "w_exp": expression,
        },
        "Model_tri_mouth.mat": {"tri_mouth": triangles[:, :MOUTH_TRIANGLES]},
        "BFM_UV.mat": {"UV": np.column_stack([u, v])},
    }


def write_raw(folder, arrays, *names):
    """Writes some of the files, or all, into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or arrays:
        savemat(folder / name, arrays[name])
