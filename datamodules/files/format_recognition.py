"""Recognises the format of another system's landmarks, and finds those of each photograph."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.landmark_formats import LANDMARK_FORMATS, FormatAids, LandmarkFormat
from datamodules.files.stored_landmarks import StoredLandmarks

AUTO = "auto"

_MESHES = (".ply", ".obj")


@dataclass(frozen=True, eq=False)
class FoundLandmarks:
    """Landmarks of a known format.

    Attributes:
        format: The format.
        is_recognised: Whether it was recognised, and not asked for by name.
        by_photograph: For each photograph, (F, 68 or 81, 2 or 3) of its faces, in pixels that count from the format's first;
            F is 1 where the photographs are the rows of one array.
        shape: Shape of a stored array, or of the array of all photographs, in words.
    """

    format: LandmarkFormat
    is_recognised: bool
    by_photograph: list[NDArray[np.float64]]
    shape: str


def find_landmarks(path: Path, keys: Sequence[str] | None, aids: FormatAids, name: str = AUTO) -> FoundLandmarks:
    """The landmarks of a file or folder.

    Args:
        path: The file or folder.
        keys: Photographs whose landmarks are wanted, as paths without endings; None for all, in the order of their names.
        aids: What the landmarks of some formats cannot be read without.
        name: Name of the format; "auto" recognises it.

    Raises:
        InputError: If it is not recognised, several formats are mixed, or a photograph is missing.
    """
    formats = _formats(name, aids)
    stored, formats = _stored(path, keys, formats)
    places = [""] if stored.names is None else _places(path, stored.names, keys)
    loaded = [stored.load(place) for place in places]
    _check_shapes(stored, places, loaded)
    chosen = next((each for each in formats if each.recognises(loaded)), None) if name == AUTO else formats[0]
    if chosen is None:
        raise InputError(
            f"{path}: its arrays of {_shape(loaded[0])} have none of the known forms. Give landmarks of (68, 2) or (68, 3)."
        )
    if stored.names is not None and name == AUTO:
        _check_signs(stored, places, loaded, formats)
    faces = [chosen.landmarks_px(array, aids, stored.file(place)) for place, array in zip(places, loaded, strict=True)]
    if stored.names is None:
        return FoundLandmarks(chosen, name == AUTO, list(faces[0][:, None]), f"{loaded[0].shape}")
    return FoundLandmarks(chosen, name == AUTO, faces, f"{_shape(loaded[0])} per face")


def _formats(name: str, aids: FormatAids) -> list[LandmarkFormat]:
    """The format of a name, or all that can be recognised."""
    named = {each.name: each for each in LANDMARK_FORMATS}
    if name not in (AUTO, *named):
        raise InputError(f"--predictions_format is {name}: give one of {', '.join([AUTO, *named])}.")
    has_boxes = aids.roi_boxes is not None
    if name == AUTO:
        return [each for each in LANDMARK_FORMATS if each.needs_boxes == has_boxes]
    if has_boxes and not named[name].needs_boxes:
        wanted = " or ".join(each.name for each in LANDMARK_FORMATS if each.needs_boxes)
        raise InputError(f"--roi_boxes belongs to --predictions_format {wanted}, not to {name}. Leave one of them out.")
    return [named[name]]


def _stored(
    path: Path, keys: Sequence[str] | None, formats: list[LandmarkFormat]
) -> tuple[StoredLandmarks, list[LandmarkFormat]]:
    """The landmarks of a path, and the formats that they may have."""
    sources = list(dict.fromkeys(each.stored for each in formats))
    found = {source: stored for source in sources if (stored := source(path)) is not None}
    if not found:
        raise InputError(f"{path}: {_lack(path, formats)}")
    first = {source: next(each for each in formats if each.stored is source) for source in found}
    # other files may lie in the folder, such as an array that belongs to no photograph
    wanted = [source for source, stored in found.items() if _fits(stored, keys)] or list(found)
    usual = [source for source in wanted if not first[source].is_fallback] or wanted
    if len(usual) > 1:
        files = " and ".join(found[source].file((found[source].names or [""])[0]).name for source in usual)
        raise InputError(
            f"{path}: holds landmarks of several formats, such as {files}. Give them folders of their own, or "
            f"--predictions_format, such as {first[usual[0]].name}."
        )
    return found[usual[0]], [each for each in formats if each.stored is usual[0]]


def _fits(stored: StoredLandmarks, keys: Sequence[str] | None) -> bool:
    """Whether any of the photographs is named, as far as their names are known."""
    if stored.names is None or keys is None:
        return True
    return not {PurePosixPath(name).name for name in stored.names}.isdisjoint(PurePosixPath(key).name for key in keys)


def _lack(path: Path, formats: list[LandmarkFormat]) -> str:
    if any(file.suffix.lower() in _MESHES for file in path.glob("*")):
        return (
            "holds meshes, but no landmarks. Save the landmarks as well, or evaluate the meshes with evaluate-meshes."
        )
    kinds = "; ".join(each.description for each in formats)
    return f"holds no landmarks of a known format: {kinds}. Arrays lie in one file, or in a <photograph>.npy for each."


def _places(path: Path, names: list[str], keys: Sequence[str] | None) -> list[str]:
    """The stored name of each photograph; raises InputError if one is missing or could be several."""
    if keys is None:
        return names
    by_stem = defaultdict(list)
    for name in names:
        by_stem[PurePosixPath(name).name].append(name)
    places: list[str] = []
    missing: list[str] = []
    for key in keys:
        fitting = [name for name in by_stem[PurePosixPath(key).name] if _is_end(name, key) or _is_end(key, name)]
        if len(fitting) > 1 and key not in fitting:
            raise InputError(
                f"{path}: {fitting[0]} and {fitting[1]} can both belong to {key}. Keep those of one run, in the folders of "
                "the photographs."
            )
        if fitting:
            places.append(key if key in fitting else fitting[0])
        else:
            missing.append(key)
    if missing:
        raise InputError(
            f"{path}: holds no landmarks of {missing[0]} ({len(missing)} of {len(keys)} photographs are missing). Give those "
            "of all photographs: where the method found no face, its best estimate."
        )
    if len(set(places)) < len(places):
        twice = next(place for place in places if places.count(place) > 1)
        raise InputError(f"{path}: {twice} can belong to several photographs. Keep the folders of the photographs.")
    return places


def _is_end(name: str, longer: str) -> bool:
    """Whether a path ends in another one."""
    parts, longer_parts = PurePosixPath(name).parts, PurePosixPath(longer).parts
    return longer_parts[len(longer_parts) - len(parts) :] == parts if len(parts) <= len(longer_parts) else False


def _check_shapes(stored: StoredLandmarks, places: list[str], loaded: list[NDArray[np.float64]]) -> None:
    """Raises InputError if the arrays of the photographs have different shapes."""
    for place, array in zip(places, loaded, strict=True):
        if array.shape[1:] != loaded[0].shape[1:]:
            one, other = stored.file(places[0]), stored.file(place)
            raise InputError(
                f"{other}: holds {_shape(array)} for a face, {one.name} {_shape(loaded[0])}. Give landmarks of one format."
            )


def _check_signs(
    stored: StoredLandmarks, places: list[str], loaded: list[NDArray[np.float64]], formats: list[LandmarkFormat]
) -> None:
    """Raises InputError if some arrays bear the marks of a format which the others lack."""
    for each in formats:
        signed = [each.recognises([array]) for array in loaded]
        if any(signed) and not all(signed):
            one, other = (stored.file(places[signed.index(value)]) for value in (True, False))
            raise InputError(
                f"{other}: is not in the format {each.name}, as {one.name} is. Give landmarks of one format, or name it with "
                "--predictions_format."
            )


def _shape(array: NDArray[np.float64]) -> str:
    return str(tuple(array.shape[1:]))
