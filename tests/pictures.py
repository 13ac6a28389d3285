"""Figures of fits are files of one pixel: to draw them takes half the time of a tiny fit, and few tests look at them."""

from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from datamodules.files.images import write_png

_DRAW = Figure.savefig


def single_pixels() -> AbstractContextManager[None]:
    """Nothing is drawn while this lasts."""
    return _saved_by(_write_a_pixel)


def drawn() -> AbstractContextManager[None]:
    """All is drawn while this lasts, for tests that are about pictures."""
    return _saved_by(_DRAW)


def _write_a_pixel(figure: Figure, path: Path, **options: object) -> None:
    write_png(path, np.zeros((1, 1, 3), np.uint8))


@contextmanager
def _saved_by(save):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        yield
