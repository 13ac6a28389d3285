"""Harsh light and cast shadows of synthetic photographs."""

import numpy as np
import pytest

from datamodules.synthetic.adornments import Hat
from datamodules.synthetic.faces import draw_face, draw_person
from datamodules.synthetic.harsh_light import draw_harsh_light
from datamodules.synthetic.head import GRID
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.lighting import Light, draw_light, illuminate
from datamodules.synthetic.scene import build_scene
from datamodules.synthetic.shadows import cast_shadows

LEFT, RIGHT = np.array([-1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0])
NOTHING_OUTSIDE = 1  # a seed with which nothing outside the picture casts a shadow


def _frontal(**changes):
    from dataclasses import replace

    identity, look = draw_person(np.random.default_rng(3))
    look = replace(look, hair_style="bald", **changes)
    return draw_face(identity, look, 0.0, (0.0, 0.0), 256, np.random.default_rng(0))


def _lamp(*direction):
    unit = np.array(direction, float) / np.linalg.norm(direction)
    return Light(np.zeros(3), np.zeros(3), unit[None], np.ones((1, 3)), 0.0, 10.0)


def _vertex(across, height):
    sheet = synthetic_model().sheet
    return int(np.hypot(sheet.across - across, sheet.height - height + 0.01).argmin())


def _lit(face, light, place):
    scene = build_scene(face, np.random.default_rng(0))
    return cast_shadows(scene, light, np.random.default_rng(NOTHING_OUTSIDE))[_vertex(*place), 0]


def test_the_nose_throws_a_shadow_on_the_cheek_that_is_away_from_the_lamp():
    face = _frontal()
    from_the_right = _lamp(1.0, 0.1, 0.7)
    assert _lit(face, from_the_right, (-26.0, -38.0)) < 0.6
    assert _lit(face, from_the_right, (45.0, -36.0)) > 0.9
    assert _lit(face, _lamp(-1.0, 0.1, 0.7), (-26.0, -38.0)) > 0.9


def test_a_brim_puts_the_eyes_in_shadow():
    hat = Hat("brimmed", 0.0, 75.0, 0.1, 0.0, np.full(3, 90.0), np.full(3, 90.0), 0)
    high = _lamp(0.0, 1.0, 0.9)
    brow = (30.0, 16.0)
    assert _lit(_frontal(hat=hat), high, brow) < 0.4
    assert _lit(_frontal(), high, brow) > 0.7


def test_shadows_fall_only_where_a_lamp_would_shine():
    """What faces away from a lamp is dark by itself; its share of the lamp stays whole."""
    face = _frontal()
    scene = build_scene(face, np.random.default_rng(0))
    light = _lamp(0.6, 0.3, 0.7)
    lit = cast_shadows(scene, light, np.random.default_rng(NOTHING_OUTSIDE))[:, 0]
    away = scene.normals @ light.directions[0] < -0.1
    assert (lit[away] == 1).all()
    front = lit[: GRID * GRID][scene.normals[: GRID * GRID, 2] > 0.5]
    assert front.mean() > 0.85


def test_things_outside_the_picture_throw_shadows_now_and_then():
    face = _frontal()
    scene = build_scene(face, np.random.default_rng(0))
    light = _lamp(0.2, 0.3, 1.0)
    shares = [cast_shadows(scene, light, np.random.default_rng(seed))[: GRID * GRID, 0].mean() for seed in range(24)]
    assert 4 <= sum(share < max(shares) - 0.05 for share in shares) <= 16


def _unevenness(draw):
    """How much more light one side of a head receives than the other, of 200 scenes."""
    normals = np.stack([LEFT, RIGHT])
    received = [illuminate(normals, np.ones(2), draw(np.random.default_rng(seed))) for seed in range(200)]
    sides = np.stack(received).mean(axis=2) + 0.02
    return np.abs(np.log(sides[:, 0] / sides[:, 1]))


def test_harsh_light_is_less_even_than_the_default():
    assert np.median(_unevenness(draw_harsh_light)) > 1.5 * np.median(_unevenness(draw_light))


def test_harsh_light_has_more_colour_than_the_default():
    def colourfulness(draw):
        lights = [draw(np.random.default_rng(seed)) for seed in range(200)]
        return np.percentile([np.ptp(light.colours[0] / light.colours[0].max()) for light in lights], 75)

    assert colourfulness(draw_harsh_light) > 1.3 * colourfulness(draw_light)


def test_no_light_is_negative():
    normals = np.random.default_rng(0).normal(size=(500, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    for seed in range(100):
        light = draw_harsh_light(np.random.default_rng(seed))
        assert illuminate(normals, np.ones(500), light).min() >= 0
        np.testing.assert_allclose(np.linalg.norm(light.directions, axis=1), 1)


def test_a_lamp_that_is_hidden_lights_nothing():
    light = _lamp(0.0, 0.0, 1.0)
    normals = np.array([[0.0, 0.0, 1.0]])
    seen, hidden = (illuminate(normals, np.ones(1), light, np.full((1, 1), lit, np.float32)) for lit in (1, 0))
    assert seen.min() > 0.9
    assert hidden.max() == pytest.approx(0)
