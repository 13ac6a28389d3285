"""Writes the faces of a video as a table, as .csv and .npz, without keeping them in memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from datamodules.files.atomic_files import whole_file
from datamodules.geometry.landmarks import LANDMARKS_68
from lightning_module.inference.video.face_tracks import TrackedFace
from lightning_module.inference.video.video_frames import Frame

# One row for each face in a frame. All lengths are in pixels of the frame, y downwards; z is larger for nearer points.
ROW = np.dtype(
    [
        ("frame", np.int32),  # from 0
        ("time_s", np.float64),
        ("face", np.int32),  # from 1, the same person as long as it is followed
        ("confidence", np.float32),
        ("pose_deg", np.float32, 3),  # pitch, yaw, roll, as in Pose_Para
        ("crop_px", np.float32, 3),  # x and y of the centre, and side
        ("landmarks_px", np.float32, (LANDMARKS_68, 3)),
    ]
)
_COLUMNS = (
    "frame",
    "time_s",
    "face",
    "confidence",
    *("pitch_deg", "yaw_deg", "roll_deg"),
    *("crop_x", "crop_y", "crop_side"),
    *(f"{axis}{number}" for number in range(1, LANDMARKS_68 + 1) for axis in "xyz"),
)


class TrackTable:
    """The rows of a table while it is written.

    Args:
        lines: The file of comma-separated values.
        records: A file for the rows, open for reading and writing.
    """

    def __init__(self, lines: IO[str], records: IO[bytes]) -> None:
        self._lines, self._records = lines, records
        self._count = 0
        lines.write(",".join(_COLUMNS) + "\n")

    def add(self, frame: Frame, faces: Sequence[TrackedFace]) -> None:
        """Adds the faces of a frame."""
        rows = np.array([_row(frame, face) for face in faces], ROW)
        self._records.write(rows.tobytes())
        self._lines.writelines(_line(row) for row in rows)
        self._count += len(rows)

    def rows(self) -> NDArray[np.void]:
        """(M,) rows of `ROW`, on the disk."""
        if not self._count:
            return np.empty(0, ROW)
        self._records.flush()
        return np.memmap(self._records, ROW, "r", shape=(self._count,))


@contextmanager
def written_table(csv: Path, npz: Path) -> Iterator[TrackTable]:
    """Gives a table to fill; its files get their names when the block ends without an error.

    Args:
        csv: File of comma-separated values, with one line for each face in a frame.
        npz: File of NumPy arrays, one for each field of `ROW`.

    Raises:
        OSError: If a file cannot be written.
    """
    with (
        whole_file(csv) as partial,
        partial.open("w", encoding="utf-8") as lines,
        TemporaryFile(dir=npz.parent) as records,
    ):
        table = TrackTable(lines, records)
        yield table
        rows = table.rows()
        with whole_file(npz) as other, other.open("wb") as file:
            fields: dict[str, Any] = {name: rows[name] for name in ROW.names or ()}
            np.savez_compressed(file, **fields)


def _row(frame: Frame, face: TrackedFace) -> tuple[object, ...]:
    own = face.face
    return frame.number, frame.time_s, face.track, face.confidence, own.pose, own.crop, own.landmarks


def _line(row: np.void) -> str:
    integers = {"frame", "face"}
    numbers = [f"{row[name]}" if name in integers else _decimals(row[name]) for name in ROW.names or ()]
    return ",".join(numbers) + "\n"


def _decimals(values: NDArray[np.floating]) -> str:
    return ",".join(f"{value:.3f}" for value in np.ravel(values))
