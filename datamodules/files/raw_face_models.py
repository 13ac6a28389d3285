"""The files that face3d's `BFM.mat` is made from, as their authors publish them: names, fields and shapes.

01_MorphableModel.mat   Basel Face Model of 2009
model_info.mat          3DDFA: which of its vertices are kept, their triangles and landmarks
Model_Expression.mat    3DDFA: expressions
Model_tri_mouth.mat     3DDFA: triangles that close the mouth
BFM_UV.mat              3DMMasSTN: texture coordinates
Model_Shape.mat, Model_Exp.mat   3DDFA: the same model after the cut, in place of the first and third

Read off face3d's examples/Data/BFM/generate.m (commit 305a7dd). All indices count from 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.downloads import Downloads, FoundFile
from datamodules.files.mat import finite_floats, mat_arrays
from datamodules.geometry.landmarks import LANDMARKS_68

FULL_VERTICES, VERTICES = 53490, 53215  # of the Basel Face Model, before and after the cut
IDENTITY, EXPRESSION = 199, 29  # components
_ANY = -1

_BASEL = "https://faces.dmi.unibas.ch/bfm (Basel Face Model 2009, after registration)"
_3DDFA = "the downloads Face Profiling and 3DDFA of http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm"
_STN = "https://github.com/anilbas/3DMMasSTN (util/BFM_UV.mat)"


@dataclass(frozen=True, eq=False)
class RawFile:
    """A file that is published.

    Attributes:
        name: Its name.
        fields: Shape of each of its arrays that are used; -1 stands for any length. Vectors may lie the other way.
        source: Where it is got.
    """

    name: str
    fields: Mapping[str, tuple[int, ...]]
    source: str

    @property
    def remedy(self) -> str:
        """Where it is got, as a sentence."""
        return f"Get {self.name} from {self.source}."


MODEL = RawFile(
    "01_MorphableModel.mat",
    {
        "shapeMU": (3 * FULL_VERTICES, 1),
        "shapePC": (3 * FULL_VERTICES, IDENTITY),
        "shapeEV": (IDENTITY, 1),
        "texMU": (3 * FULL_VERTICES, 1),
        "texPC": (3 * FULL_VERTICES, IDENTITY),
        "texEV": (IDENTITY, 1),
    },
    _BASEL,
)
INFO = RawFile("model_info.mat", {"trimIndex": (VERTICES, 1), "tri": (3, _ANY), "keypoints": (1, LANDMARKS_68)}, _3DDFA)
_EXPRESSIONS = {
    "mu_exp": (3 * VERTICES, 1),
    "w_exp": (3 * VERTICES, EXPRESSION),
    "sigma_exp": (EXPRESSION, 1),
}
EXPRESSION_FILE = RawFile("Model_Expression.mat", _EXPRESSIONS, _3DDFA)
MOUTH = RawFile("Model_tri_mouth.mat", {"tri_mouth": (3, _ANY)}, _3DDFA)
UV = RawFile("BFM_UV.mat", {"UV": (_ANY, 2)}, _STN)  # of all vertices; or of those after the cut, from face3d
CUT_SHAPE = RawFile(
    "Model_Shape.mat",
    {
        "mu_shape": (3 * VERTICES, 1),
        "w": (3 * VERTICES, IDENTITY),
        "sigma": (IDENTITY, 1),
        "tri": (3, _ANY),
        "keypoints": (1, LANDMARKS_68),
    },
    _3DDFA,
)
CUT_EXPRESSION = RawFile("Model_Exp.mat", _EXPRESSIONS, _3DDFA)
RAW_FILES = (MODEL, INFO, EXPRESSION_FILE, MOUTH, UV, CUT_SHAPE, CUT_EXPRESSION)

LATER_MODELS = {  # Basel Face Models of other years, which the data sets were not fitted with
    "model2017-1_bfm_nomouth.h5": "2017",
    "model2017-1_face12_nomouth.h5": "2017",
    "model2019_bfm.h5": "2019",
    "model2019_fullhead.h5": "2019",
    "model2019_face12.h5": "2019",
}
RAW_NAMES = (*(file.name for file in RAW_FILES), *LATER_MODELS)  # to look for among downloads


@dataclass(frozen=True)
class RawArrays:
    """The arrays of a raw file.

    Attributes:
        raw: What it is.
        file: The file among the downloads.
        arrays: By their names, in float64, or in float32 where the file has it.
    """

    raw: RawFile
    file: FoundFile
    arrays: dict[str, NDArray[np.floating]]

    def indices(self, name: str, count: int) -> NDArray[np.int64]:
        """An array of 1-based indices.

        Args:
            name: Its name.
            count: Number of things that it counts.

        Raises:
            InputError: If an index is not whole, or outside 1 to count.
        """
        array = self.arrays[name]
        indices = array.astype(np.int64)
        if (indices != array).any() or (indices.size and (indices.min() < 1 or indices.max() > count)):
            raise InputError(
                f"{self.file.place}: {name} holds other numbers than indices from 1 to {count}. {self.raw.remedy}"
            )
        return indices


def read_raw(downloads: Downloads, raw: RawFile, optional: Sequence[str] = ()) -> RawArrays:
    """Reads a raw file that the downloads hold.

    Args:
        downloads: The downloads.
        raw: The file.
        optional: Arrays that it may lack.

    Raises:
        InputError: If files of this name differ, or it departs from what its authors publish.
    """
    files = downloads.files[raw.name.lower()]
    contents = [file.read() for file in files]
    for file, content in zip(files[1:], contents[1:], strict=True):
        if content != contents[0]:
            raise InputError(f"{file.place}: differs from {files[0].place}. Remove the one that is not {raw.name}.")
    place = files[0].place
    found = mat_arrays(contents[0], place, list(raw.fields))
    if missing := [name for name in raw.fields if name not in found and name not in optional]:
        raise InputError(f"{place}: lacks {', '.join(missing)}. {raw.remedy}")
    return RawArrays(raw, files[0], {name: _checked(place, name, array, raw) for name, array in found.items()})


def _checked(place: Path, name: str, array: NDArray[np.generic], raw: RawFile) -> NDArray[np.floating]:
    shape = raw.fields[name]
    if 1 in shape and array.shape == shape[::-1]:
        array = array.T
    if array.ndim != len(shape) or any(want not in (_ANY, have) for want, have in zip(shape, array.shape, strict=True)):
        expected = str(shape).replace(str(_ANY), "any")
        raise InputError(f"{place}: {name} has shape {array.shape}, expected {expected}. {raw.remedy}")
    floats = finite_floats(place, name, array, raw.remedy)
    return floats.astype(np.float32) if array.dtype == np.float32 else floats
