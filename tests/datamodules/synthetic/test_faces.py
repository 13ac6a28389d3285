import numpy as np
import pytest

from datamodules.geometry.camera import project
from datamodules.geometry.crop import crop_boxes
from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.shading import shade
from datamodules.synthetic.faces import CROP_SHARE, draw_face, draw_person
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.head_poses import VIEWS
from datamodules.synthetic.population import Population


def _person(seed=0):
    return draw_person(np.random.default_rng(seed))


def _vertices(face):
    vertices = synthetic_model().face.vertices(face.identity.astype(np.float64), face.expression.astype(np.float64))
    return project(vertices, face.head_pose.projection(face.image_size))


def test_yaw_is_spread_evenly_over_each_persons_views():
    population = Population(0, 64)
    for person in range(4):
        yaws = np.rad2deg([population.face(person, view)[0].head_pose.yaw_rad for view in range(VIEWS)])
        np.testing.assert_array_equal(np.sort((yaws + 90) // 30), np.arange(VIEWS))


def test_the_crop_has_real_pixels_around_it():
    population = Population(0, 200)
    boxes = crop_boxes(np.stack([population.face(person, 0)[0].landmarks_image_px() for person in range(40)]))
    sides = boxes[:, 2] / 200
    assert sides.min() > 0.85 * CROP_SHARE
    assert sides.max() < 1.1 * CROP_SHARE
    assert (np.abs(boxes[:, :2] - 100) < 20).all()


def test_views_of_a_person_share_identity_and_differ_in_expression():
    population = Population(0, 64)
    one, other = (population.face(3, view)[0] for view in (0, 1))
    np.testing.assert_array_equal(one.identity, other.identity)
    assert (one.expression != other.expression).any()
    assert (population.face(4, 0)[0].identity != one.identity).all()


def test_a_face_depends_on_its_numbers_alone():
    first = Population(7, 96).photograph(5, 2)[1]
    Population(7, 96).photograph(1, 0)
    np.testing.assert_array_equal(Population(7, 96).photograph(5, 2)[1], first)
    assert (Population(8, 96).photograph(5, 2)[1] != first).any()


@pytest.mark.parametrize(("yaw_deg", "hidden"), [(70.0, 0), (-70.0, 16)])
def test_the_far_side_of_a_turned_head_is_hidden(yaw_deg, hidden):
    """+yaw turns the nose to the left of the image, and what is at its left away from the camera."""
    identity, look = _person()
    face = draw_face(identity, look, yaw_deg, (5.0, 3.0), 256, np.random.default_rng(0))
    vertices, triangles = _vertices(face), synthetic_model().face.triangles
    ids, barycentric = rasterize(vertices, triangles, 256, 256)
    depth = (vertices[triangles[ids], 2] * barycentric).sum(axis=-1)
    landmarks = face.landmarks_image_px()
    near = 16 - hidden
    for landmark, is_seen in ((hidden, False), (near, True)):
        x, y, z = landmarks[landmark]
        surface = depth[round(y), round(x)]
        assert (z > surface - 4) == is_seen


def test_mirrored_heads_have_opposite_yaw():
    """A symmetric head at -yaw is the picture of itself at +yaw in a mirror."""
    model = synthetic_model().face
    from datamodules.geometry.camera import HeadPose
    from datamodules.geometry.landmarks import MIRROR_68

    mean = model.mean[model.landmark_vertices]
    left, right = (
        project(mean, HeadPose(0.2, np.deg2rad(yaw), 0.0, np.zeros(3), 1.0).projection(0)) for yaw in (40, -40)
    )
    left[:, 0] += 1  # the 1-based frame of the files
    right[:, 0] += 1
    np.testing.assert_allclose(left[MIRROR_68] * [-1, 1, 1], right, atol=1e-3)


def test_photographs_differ_in_light_and_are_not_flat():
    population = Population(0, 96)
    images = np.stack([population.photograph(person, 0)[1] for person in range(16)]).astype(float)
    assert images.shape == (16, 96, 96, 3)
    assert np.ptp(images.mean(axis=(1, 2, 3))) > 60
    assert images.std(axis=(1, 2, 3)).min() > 5


def test_where_skin_lies_in_the_photograph_is_where_the_position_map_says():
    """A texture with a dot at the tip of the nose, drawn as the renderer draws, shows it at that landmark."""
    population = Population(2, 256)
    model = synthetic_model().face
    u, v = model.uv[model.landmark_vertices[30]]
    row, col = np.mgrid[:256, :256]
    dot = np.exp(-((row - (1 - v) * 255) ** 2 + (col - u * 255) ** 2) / 8).astype(np.float32)
    texels = np.column_stack([(1 - model.uv[:, 1]) * 255, model.uv[:, 0] * 255]).astype(np.float32)
    light = np.ones((len(texels), 3), np.float32)
    for view in range(VIEWS):
        face, _ = population.face(1, view)
        fine = _vertices(face) * [2, 2, 1] + [0.5, 0.5, 0]
        ids, barycentric = rasterize(fine, model.triangles, 512, 512)
        image, _ = shade(ids, barycentric, model.triangles, texels, light, np.repeat(dot[..., None], 3, axis=2), 2)
        tip = face.landmarks_image_px()[30]
        brightest = np.unravel_index(image[..., 0].argmax(), image.shape[:2])
        assert np.hypot(brightest[1] - tip[0], brightest[0] - tip[1]) < 2
