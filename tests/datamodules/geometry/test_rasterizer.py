import numpy as np

from datamodules.geometry.rasterizer import rasterize


def test_nearer_triangle_hides_the_other_whatever_the_order():
    far = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 0]])
    near = far + np.array([0, 0, 5])
    vertices = np.concatenate([far, near])
    for triangles, front in (([[0, 1, 2], [3, 4, 5]], 1), ([[3, 4, 5], [0, 1, 2]], 0)):
        ids, _ = rasterize(vertices, np.array(triangles, np.int32), 10, 10)
        assert ids[2, 2] == front


def test_weights_rebuild_the_pixel():
    vertices = np.array([[1.3, 0.2, 0], [17.1, 4.4, 0], [3.9, 15.2, 0]])
    ids, weights = rasterize(vertices, np.array([[0, 1, 2]], np.int32), 20, 20)
    rows, cols = np.nonzero(ids == 0)
    assert len(rows) > 80
    np.testing.assert_allclose(weights[rows, cols] @ vertices[:, :2], np.column_stack([cols, rows]), atol=1e-5)


def test_orientation_does_not_matter():
    vertices = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 0]])
    one, _ = rasterize(vertices, np.array([[0, 1, 2]], np.int32), 10, 10)
    other, _ = rasterize(vertices, np.array([[0, 2, 1]], np.int32), 10, 10)
    np.testing.assert_array_equal(one, other)


def test_triangles_outside_or_without_area_or_not_finite_leave_nothing():
    vertices = np.array([[-9.0, -9, 0], [-5, -9, 0], [-9, -5, 0], [1, 1, 0], [2, 2, 0], [3, 3, 0], [np.nan, 1, 0]])
    ids, _ = rasterize(vertices, np.array([[0, 1, 2], [3, 4, 5], [3, 4, 6]], np.int32), 8, 8)
    assert (ids == -1).all()
