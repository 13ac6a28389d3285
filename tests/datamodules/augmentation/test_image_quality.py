import cv2
import numpy as np
import pytest

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.augmentation.image_quality import vary_quality
from datamodules.errors import InputError

RAMP = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2).repeat(256, axis=1)
NOISE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), (0, 0), 1)


def _varied(image, count=200, **options):
    rng = np.random.default_rng(1)
    return [vary_quality(image, Augmentation(**options), rng) for _ in range(count)]


def test_by_default_nothing_changes_and_no_number_is_drawn():
    rng = np.random.default_rng(0)
    assert vary_quality(NOISE, Augmentation(), rng) is NOISE
    assert rng.random() == np.random.default_rng(0).random()


def test_tone_is_a_power_of_the_levels_within_its_range():
    middles = [image[127, 0, 0] / 255 for image in _varied(RAMP, tone=(0.5, 2))]
    exponents = np.log(middles) / np.log(127 / 255)
    assert 0.49 < exponents.min() < 0.53
    assert 1.9 < exponents.max() < 2.01
    assert np.median(exponents) == pytest.approx(1, abs=0.15)  # as often brighter as darker
    for image in _varied(RAMP, 5, tone=(0.5, 2)):
        assert image[0, 0, 0] == 0
        assert image[-1, 0, 0] == 255
        assert (np.diff(image[:, 0, 0].astype(int)) >= 0).all()


def test_contrast_is_a_factor_about_the_middle_within_its_range():
    factors = [(image[140, 0, 0].astype(int) - image[115, 0, 0]) / 25 for image in _varied(RAMP, contrast=(0.5, 1.5))]
    assert 0.44 < min(factors) < 0.56
    assert 1.42 < max(factors) < 1.56
    assert all(abs(int(image[128, 0, 0]) - 128) <= 1 for image in _varied(RAMP, 5, contrast=(0.5, 1.5)))


def test_grey_pictures_have_one_value_in_all_channels():
    grey = [(np.ptp(image, axis=2) == 0).all() for image in _varied(NOISE, grey_probability=0.5)]
    assert 0.4 < np.mean(grey) < 0.6


def test_blur_takes_detail_and_noise_adds_it():
    def detail(image):
        return np.abs(np.diff(image.astype(float), axis=1)).mean()

    assert all(detail(image) < detail(NOISE) for image in _varied(NOISE, 20, blur_probability=1))
    plain = np.full_like(NOISE, 128)
    deviations = [image.std() for image in _varied(plain, 100, noise_probability=1)]
    assert 2 < min(deviations) < 5
    assert 20 < max(deviations) < 26


@pytest.mark.parametrize("options", [{"tone": (0, 1)}, {"contrast": (2, 1)}, {"blur_probability": 1.5}])
def test_impossible_ranges_are_refused_by_name(options):
    with pytest.raises(InputError, match=rf"augmentation\.{next(iter(options))}"):
        Augmentation(**options)
