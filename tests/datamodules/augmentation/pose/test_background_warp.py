import cv2
import numpy as np
import pytest

from datamodules.augmentation.pose.background_warp import warp_background
from datamodules.geometry.crop import CropJitter, crop_matrix, image_matrix

SIZE = 200
ANGLES = np.linspace(0, 2 * np.pi, 60, endpoint=False)
OLD = np.array([100, 90]) + np.stack([40 * np.cos(ANGLES), 50 * np.sin(ANGLES)], axis=1)
NEW = np.array([108, 92]) + np.stack([28 * np.cos(ANGLES), 52 * np.sin(ANGLES)], axis=1)
WHOLE = np.array([[1.0, 0, 0], [0, 1, 0]])


def _photograph():
    """Red where the old face is."""
    rng = np.random.default_rng(0)
    pixels = cv2.resize(rng.integers(0, 256, (25, 25, 3), np.uint8), (SIZE, SIZE))
    pixels[..., 0] = 0
    return cv2.fillConvexPoly(pixels, np.rint(OLD).astype(np.int32), (255, 0, 0))


def test_where_a_face_stays_its_surroundings_stay():
    photograph = _photograph()
    warped = warp_background(photograph, OLD, OLD, WHOLE, SIZE)
    beside = cv2.dilate(photograph[..., 0], np.ones((9, 9), np.uint8)) == 0
    assert np.abs(warped.astype(int) - photograph)[beside].max() <= 2
    assert not (warped[..., 0] > 30).any()  # nor does the face itself show


@pytest.mark.parametrize("jitter", [None, CropJitter(0.5, 1.1, (0.02, 0.0)), CropJitter(is_mirrored=True)])
def test_no_pixel_of_the_old_face_shows_anywhere(jitter):
    matrix = crop_matrix(np.array([105.0, 95, 170]), jitter)
    plain = cv2.warpAffine(_photograph(), matrix, (256, 256))
    warped = warp_background(_photograph(), OLD, NEW, matrix, 256)
    assert (plain[..., 0] > 30).mean() > 0.1
    assert not (warped[..., 0] > 30).any()


def test_far_from_the_face_the_photograph_is_as_it_was():
    photograph = _photograph()
    warped = warp_background(photograph, OLD, NEW, WHOLE, SIZE)
    rows, cols = np.mgrid[:SIZE, :SIZE]
    far = np.hypot(cols - 108, rows - 92) > 2 * 1.05 * 60
    assert far.mean() > 0.02
    assert np.abs(warped.astype(int) - photograph)[far].max() <= 2


def test_what_lies_beyond_the_photograph_is_black():
    matrix = image_matrix(crop_matrix(np.array([105.0, 95, 400])), 64)
    warped = warp_background(_photograph() // 2 + 100, OLD, NEW, matrix, 64)
    assert not warped[:5].any()
    assert warped[30:34].all(axis=2).any()
