"""Views of a face's shape from other sides."""

import numpy as np
import pytest

from lightning_module.inference.face import Face
from lightning_module.inference.face_views import VIEW_PX, face_view
from tests.lightning_module.inference.truth import detection, map_layout


def faces(fakes):
    _, data, maps, crops = fakes
    images, layout = [data.plain_faces().index.image(row) for row in range(len(maps))], map_layout(data)
    return [
        Face.of_map(position_map, crop, layout, image, detection(crop))
        for position_map, crop, image in zip(maps, crops, images, strict=True)
    ]


@pytest.fixture(scope="module")
def three(made_once):
    return faces(made_once[0])


def is_face(view):
    return (view < 250).any(axis=2)


def test_the_front_is_the_front_whatever_the_pose_of_the_photograph(three):
    turned, frontal, other = (face_view(face, 0.0) for face in three)  # at yaws of -65, 0 and 30 degrees
    for view in (turned, other):
        assert (is_face(view) ^ is_face(frontal)).mean() < 0.03
        assert np.abs(view.astype(int) - frontal)[is_face(frontal) & is_face(view)].mean() < 8


def test_a_positive_yaw_turns_the_nose_to_the_left(three):
    for face in three:
        for yaw_deg, side in ((75.0, -1), (-75.0, 1)):
            face_mask = is_face(face_view(face, yaw_deg))
            columns = np.flatnonzero(face_mask.any(axis=0))
            # the tip of the nose is the end of the picture's narrow side
            heights = face_mask.sum(axis=0)
            left, right = heights[columns[0] + 8], heights[columns[-1] - 8]
            assert (left < right) == (side < 0)


def test_a_view_fills_its_picture_about_its_middle(three):
    view = is_face(face_view(three[0], 30.0))
    rows, cols = np.nonzero(view)
    assert view.shape == (VIEW_PX, VIEW_PX)
    assert abs(rows.min() + rows.max() - VIEW_PX) < 8
    assert abs(cols.min() + cols.max() - VIEW_PX) < 8
    assert max(np.ptp(rows), np.ptp(cols)) == pytest.approx(0.86 * VIEW_PX, abs=4)
