"""Options of synthetic photographs: what each changes, and what it leaves as it is."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from datamodules.synthetic import camera_faults
from datamodules.synthetic.population import Population
from datamodules.synthetic.scenery import disc, draw_scenery
from datamodules.synthetic.variety import NO_VARIETY, Variety, occurrence

SIZE = 64
FACES = [(person, view) for person in (0, 4, 8) for view in (2, 3)]
OF_PICTURES = (
    "scenery",
    "harsh_light",
    "cast_shadows",
    "white_balance",
    "blur",
    "low_resolution",
    "grain",
    "compression",
    "borders",
    "occlusion",
)
OF_PEOPLE = ("loose_hair", "beards", "hats", "glasses", "make_up", "skin_detail")


def _rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def plain():
    return [Population(0, SIZE).photograph(*face) for face in FACES]


@pytest.mark.parametrize("option", [*OF_PICTURES, *OF_PEOPLE])
def test_an_option_changes_pictures_and_no_labels(option, plain):
    population = Population(0, SIZE, variety=Variety(**{option: 1.0}))
    changed = [population.photograph(*face) for face in FACES]
    for (face, _), (other, _) in zip(plain, changed, strict=True):
        np.testing.assert_array_equal(face.identity, other.identity)
        np.testing.assert_array_equal(face.expression, other.expression)
        np.testing.assert_array_equal(face.pose, other.pose)
    differ = [(one != other).any() for (_, one), (_, other) in zip(plain, changed, strict=True)]
    assert (
        all(differ) if option in ("scenery", "harsh_light", "hats", "glasses", "skin_detail", "blur") else any(differ)
    )


def test_a_picture_with_an_option_can_be_repeated():
    population = Population(3, SIZE, variety=Variety(**dict.fromkeys([*OF_PICTURES, *OF_PEOPLE], 1.0)))
    first = population.photograph(5, 2)[1]
    population.photograph(1, 0)
    np.testing.assert_array_equal(population.photograph(5, 2)[1], first)


def test_an_option_occurs_in_its_share_and_larger_shares_add_to_smaller_ones():
    few, many = (
        [occurrence(_rng(seed), Variety(blur=share), "blur") is not None for seed in range(400)] for share in (0.3, 0.6)
    )
    assert 0.22 < np.mean(few) < 0.38
    assert 0.52 < np.mean(many) < 0.68
    assert not (np.array(few) & ~np.array(many)).any()
    assert occurrence(_rng(), NO_VARIETY, "blur") is None


def test_borders_leave_what_is_within_them(plain):
    population = Population(0, SIZE, variety=Variety(borders=1.0))
    has_bars = 0
    for face, (_, image) in zip(FACES, plain, strict=True):
        differs = (population.photograph(*face)[1] != image).any(axis=-1)
        assert not differs[SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4].any()
        has_bars += differs.any()
    assert has_bars


def _slope(image):
    """Slope of the amplitude over the frequency, both as logarithms."""
    size = len(image)
    window = np.hanning(size)[:, None] * np.hanning(size)
    amplitude = np.abs(np.fft.fft2((image - image.mean()) * window))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)) * size
    bands = np.geomspace(3, size / 4, 9)
    means = [amplitude[(frequency >= a) & (frequency < b)].mean() for a, b in pairwise(bands)]
    return np.polyfit(np.log(np.sqrt(bands[:-1] * bands[1:])), np.log(means), 1)[0]


def test_scenery_has_the_spectrum_and_the_edges_of_photographs():
    scenes = [np.sqrt(draw_scenery(128, _rng(seed)).mean(axis=2)) for seed in range(60)]
    slopes = [_slope(scene) for scene in scenes if scene.std() > 1e-3]
    assert -1.9 < np.median(slopes) < -0.9  # 1 / f, and steeper where it is out of focus
    steps = [np.diff(scene, axis=1) for scene in scenes]
    tails = [((step - step.mean()) ** 4).mean() / (step.var() ** 2 + 1e-12) for step in steps]
    assert np.median(tails) > 6  # 3 for Gaussian noise; edges are rare and strong


@pytest.mark.parametrize("radius", [0.4, 1.0, 2.7])
def test_a_lens_out_of_focus_keeps_the_light_and_spreads_it_over_a_disc(radius):
    kernel = disc(radius)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1])
    reach = np.hypot(*(np.indices(kernel.shape) - len(kernel) // 2))
    assert kernel[reach > radius + 0.5].sum() == 0


def _picture(seed=0):
    smooth = cv2.GaussianBlur(_rng(seed).uniform(0, 1, (96, 96, 3)).astype(np.float32), (0, 0), 2)
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def _detail(image):
    return np.abs(np.diff(image.astype(float), axis=0)).mean() + np.abs(np.diff(image.astype(float), axis=1)).mean()


def test_blur_takes_detail_and_keeps_brightness():
    light = (_rng(0).uniform(0, 1, (96, 96, 3))).astype(np.float32)
    for seed in range(8):
        blurred = camera_faults.blur(light, _rng(seed))
        assert _detail(blurred) < 0.98 * _detail(light)
        assert blurred.mean() == pytest.approx(light.mean(), rel=0.02)


def test_pictures_that_were_smaller_have_less_detail_and_the_same_colours():
    image = _rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    less = 0
    for seed in range(8):
        small = camera_faults.lower_resolution(image, _rng(seed))
        assert small.shape == image.shape
        np.testing.assert_allclose(small.mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=4)
        less += _detail(small) < 0.8 * _detail(image)
    assert less >= 5


def test_grain_is_even_and_of_no_colour_on_average():
    image = np.full((96, 96, 3), 120, np.uint8)
    deviations = []
    for seed in range(8):
        grain = camera_faults.add_grain(image, _rng(seed)).astype(float) - 120
        assert np.abs(grain.mean(axis=(0, 1))).max() < 1.5
        deviations.append(grain.std())
    assert 0.3 < min(deviations) < max(deviations) < 16


def test_compression_changes_pixels_but_not_the_picture():
    for seed in range(6):
        image = _picture(seed)
        compressed = camera_faults.compress(image, _rng(seed))
        assert compressed.shape == image.shape
        assert (compressed != image).any()
        assert np.corrcoef(compressed.ravel(), image.ravel())[0, 1] > 0.8


def test_a_wrong_white_tints_grey():
    grey = np.full((8, 8, 3), 0.4, np.float32)
    tints = np.stack([camera_faults.shift_white(grey, _rng(seed))[0, 0] for seed in range(60)])
    assert (np.ptp(tints, axis=1) > 0.05).mean() > 0.6
    warm, cold = tints[:, 0] > tints[:, 2], tints[:, 0] < tints[:, 2]
    assert min(warm.mean(), cold.mean()) > 0.25
