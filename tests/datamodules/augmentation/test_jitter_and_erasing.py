import numpy as np

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.augmentation.colour_jitter import jitter_colours
from datamodules.augmentation.crop_jitter import draw_jitter
from datamodules.augmentation.random_erasing import erase
from datamodules.geometry.crop import CropJitter
from tests.face_data import NO_AUGMENTATION

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


def test_neutral_ranges_leave_a_face_alone():
    rng = np.random.default_rng(0)
    assert draw_jitter(NO_AUGMENTATION, rng) == CropJitter()
    assert jitter_colours(IMAGE, NO_AUGMENTATION, rng) is IMAGE
    assert erase(IMAGE, NO_AUGMENTATION, rng) is IMAGE


def test_what_is_drawn_fills_its_ranges():
    rng = np.random.default_rng(0)
    drawn = [draw_jitter(Augmentation(), rng) for _ in range(2000)]
    for values, low, high in (
        (np.rad2deg([jitter.rotation_rad for jitter in drawn]), -45, 45),
        ([jitter.scale for jitter in drawn], 0.9, 1.2),
        ([jitter.shift[0] for jitter in drawn], -0.1, 0.1),
        ([jitter.shift[1] for jitter in drawn], -0.1, 0.1),
    ):
        span = high - low
        assert low <= min(values) < low + 0.01 * span
        assert high - 0.01 * span < max(values) <= high
    assert 0.45 < np.mean([jitter.is_mirrored for jitter in drawn]) < 0.55


def test_colours_keep_their_order_and_channels_their_own_factor():
    coloured = jitter_colours(IMAGE, Augmentation(), np.random.default_rng(1)).astype(int)
    gains = [coloured[..., i][IMAGE[..., i] == 100].mean() / 100 for i in range(3)]
    assert len({round(gain, 2) for gain in gains}) == 3
    assert all(0.59 <= gain <= 1.41 for gain in gains)


def test_erasing_hides_one_rectangle_and_edits_nothing_in_place():
    always = Augmentation(erase_probability=1, erase_area=(0.1, 0.2))
    before = IMAGE.copy()
    erased = erase(IMAGE, always, np.random.default_rng(2))
    rows, cols = np.nonzero((erased != IMAGE).any(axis=-1))
    share = (np.ptp(rows) + 1) * (np.ptp(cols) + 1) / IMAGE[..., 0].size
    assert 0.07 < share < 0.22
    np.testing.assert_array_equal(IMAGE, before)
