"""Hair, beards, hats, glasses, hands and marks of synthetic people."""

from dataclasses import replace

import numpy as np
import pytest

from datamodules.synthetic.adornments import (
    LooseHair,
    Spectacles,
    draw_beard,
    draw_hat,
    draw_loose_hair,
    draw_make_up,
    draw_skin_detail,
    draw_spectacles,
)
from datamodules.synthetic.beards import beard_shell
from datamodules.synthetic.faces import draw_face, draw_person
from datamodules.synthetic.glasses import glasses_on
from datamodules.synthetic.hats import hat_surfaces
from datamodules.synthetic.head import GRID
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.held_things import draw_held_thing
from datamodules.synthetic.locks import loose_hair
from datamodules.synthetic.looks import adorned, draw_look
from datamodules.synthetic.renderer import render
from datamodules.synthetic.sheet_places import sheet_points
from datamodules.synthetic.skin import paint_skin
from datamodules.synthetic.surfaces import surface_normals, tube
from datamodules.synthetic.variety import Variety


def _rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def head():
    return synthetic_model().sheet.points


@pytest.fixture(scope="module")
def look():
    return replace(draw_look(_rng(3)), hair_style="short", glasses=0.0, beard=0.0, moustache=0.0)


def _render(look, size=128):
    identity, _ = draw_person(_rng(3))
    face = draw_face(identity, look, 0.0, (0.0, 0.0), size, _rng(0))
    return face.landmarks_image_px(), render(face, _rng(1)).astype(float)


def test_points_of_the_sheet_are_its_vertices_and_between_them(head):
    sheet = synthetic_model().sheet
    rows, columns = np.array([3, 40, 100]), np.array([5, 64, 120])
    places = sheet.angle_deg[0, columns], sheet.height[rows, 0]
    np.testing.assert_allclose(sheet_points(head, *places), head[rows, columns], atol=1e-6)
    middle = (sheet.height[40, 0] + sheet.height[41, 0]) / 2
    between = sheet_points(head, np.array(sheet.angle_deg[0, 64]), np.array(middle))
    np.testing.assert_allclose(between, (head[40, 64] + head[41, 64]) / 2, atol=1e-6)


def test_tubes_face_outwards_and_have_their_radius():
    path = np.stack([np.zeros(6), np.linspace(0, 50, 6), np.linspace(0, 9, 6)], axis=-1)
    surface = tube(np.stack([path, path + 40]), np.full((2, 6), 7.0), 12)
    away = surface.points - np.stack([path, path + 40])[:, :, None]
    np.testing.assert_allclose(np.linalg.norm(away, axis=-1), 7, atol=1e-6)
    assert (surface_normals(surface.points) * away / 7).sum(axis=-1)[:, 1:-1].min() > 0.8


def test_locks_hang_down_from_the_hair_before_the_skin(head, look):
    hair = LooseHair(1, 40, 10, 50.0, 90.0, 4.0, 4.0, 10.0, 0.5, is_parted=False)
    points = loose_hair(head, look, hair).points
    assert points.shape[0] == 60
    assert (np.diff(points[:, :, 1, 1], axis=1) < 0).all()
    lengths = points[:, 0, 1, 1] - points[:, -1, 1, 1]
    assert 35 < np.median(lengths[:40]) < 70
    assert 60 < np.median(lengths[40:]) < 130
    assert (points[:, -1, 0] - points[:, -1, 2]).max() < 1  # tips are thin
    fringe = points[:40, :5, 1]
    sheet = head[:60, 20:-20].reshape(-1, 3)
    nearest = np.linalg.norm(fringe.reshape(-1, 1, 3)[:, 0, None] - sheet[None], axis=-1).min(axis=1)
    assert np.median(nearest) < 12
    assert loose_hair(head, look, replace(hair, fringe=0, sides=0)) is None


def test_beards_grow_below_the_eyes_and_leave_the_lips_free(head):
    sheet = synthetic_model().sheet
    for seed in range(12):
        beard = draw_beard(np.full(3, 60.0), _rng(seed))
        points = beard_shell(head, beard).points
        assert points[..., 1].max() < 0
        longest = max(np.abs(points - head[part]).max() for part in [_part_of(points)])
        assert longest < 3 + 2.2 * (1.8 + beard.length)
        mouth = np.abs(sheet.across[_part_of(points)]) < 12
        between = mouth & (np.abs(sheet.height[_part_of(points)] + 68.5) < 5)
        outwards = np.hypot(points[..., 0], points[..., 2]) - np.hypot(*head[_part_of(points)][..., [0, 2]].T).T
        assert (outwards[between] < 0).all()


def _part_of(points):
    from datamodules.synthetic.beards import _region

    parts = {kind: _region(kind)[0] for kind in ("full", "goatee")}
    assert points.shape[:2] == np.empty((GRID, GRID))[parts["full"]].shape
    return parts["full"]


def test_hats_cover_the_crown_and_not_the_eyes(look):
    landmarks, bare = _render(look)
    for seed in range(6):
        hat = replace(draw_hat(_rng(seed)), slope=0.1, turned_deg=0.0)
        _, covered = _render(replace(look, hat=hat))
        changed = np.abs(covered - bare).sum(axis=-1) > 20
        eyes = landmarks[36:48, :2].round().astype(int)
        top = landmarks[17:27, 1].min() - 0.45 * (landmarks[8, 1] - landmarks[27, 1])
        assert changed[int(max(top, 2)), 64 - 8 : 64 + 8].mean() > 0.6, hat.kind
        if not hat.brim:
            assert changed[eyes[:, 1], eyes[:, 0]].mean() < 0.3


def test_brims_stand_out_from_the_head(head):
    hats = [draw_hat(_rng(seed)) for seed in range(20)]
    assert {hat.kind for hat in hats} == {"cap", "brimmed", "beanie"}
    for hat in hats:
        surfaces = hat_surfaces(head, replace(hat, turned_deg=0.0), 10.0)
        assert len(surfaces) == (4 if hat.brim else 3)
        if hat.brim:
            assert surfaces[-1].points[..., 2].max() > head[..., 2].max() + 0.5 * hat.brim - 15
            upper, lower = surface_normals(surfaces[-1].points)
            assert upper[..., 1].mean() > 0.5 > -0.5 > lower[..., 1].mean()


def test_lenses_stand_before_the_eyes(head):
    landmarks = head.reshape(-1, 3)[synthetic_model().face.landmark_vertices]
    for seed in range(10):
        frame, lenses = glasses_on(head, draw_spectacles(_rng(seed)))
        for eye, lens in zip((landmarks[36:42], landmarks[42:48]), lenses.points, strict=True):
            low, high = lens.reshape(-1, 3).min(axis=0), lens.reshape(-1, 3).max(axis=0)
            assert ((eye[:, :2] > low[:2]) & (eye[:, :2] < high[:2])).all()
            assert low[2] > eye[:, 2].max() - 4
        temples = frame[1].points
        assert temples[..., 2].min() < 0  # they reach the ears


def test_sunglasses_hide_the_eyes_and_clear_ones_do_not(look):
    glasses = Spectacles(28.0, 22.0, 0.8, 1.5, np.full(3, 20.0), False, 0.99, np.full(3, 10.0), 0.0)
    landmarks, bare = _render(look)
    pupils = np.stack([landmarks[36:42, :2].mean(axis=0), landmarks[42:48, :2].mean(axis=0)]).round().astype(int)
    mouth = landmarks[48:68, :2].mean(axis=0).round().astype(int)
    dark, clear = (_render(replace(look, spectacles=replace(glasses, tint=tint)))[1] for tint in (0.99, 0.0))
    assert dark[pupils[:, 1], pupils[:, 0]].mean() < 0.45 * bare[pupils[:, 1], pupils[:, 0]].mean()
    np.testing.assert_allclose(clear[pupils[:, 1], pupils[:, 0]], bare[pupils[:, 1], pupils[:, 0]], atol=12)
    np.testing.assert_allclose(dark[mouth[1], mouth[0]], bare[mouth[1], mouth[0]], atol=8)


def test_hands_touch_the_face(head):
    face = head.reshape(-1, 3)
    hands = [thing for seed in range(30) if (thing := draw_held_thing(head, _rng(seed))).skin and len(thing.skin) > 1]
    assert len(hands) > 8
    for hand in hands:
        fingers = np.concatenate([surface.points.reshape(-1, 3) for surface in hand.skin])
        nearest = np.linalg.norm(fingers[::3, None] - face[None, ::7], axis=-1).min()
        assert nearest < 15
        assert np.ptp(hand.skin[0].points.reshape(-1, 3), axis=0).max() < 260


def test_beards_and_make_up_are_for_those_who_have_them():
    every = Variety(beards=1.0, make_up=1.0, loose_hair=1.0, hats=1.0, glasses=1.0, skin_detail=1.0)
    looks = [adorned(draw_look(_rng(seed)), _rng(seed), every) for seed in range(60)]
    assert all((look.full_beard is None) != (look.make_up is None) for look in looks)
    assert all(look.hat and look.spectacles and look.skin_detail for look in looks)
    assert not any(look.glasses or look.beard or look.moustache for look in looks if look.full_beard)
    assert not any(look.locks for look in looks if look.hair_style == "bald")


def test_children_have_neither_beard_nor_make_up_nor_wrinkles():
    every = Variety(children=1.0, beards=1.0, make_up=1.0, skin_detail=1.0)
    looks = [draw_person(_rng(seed), every)[1] for seed in range(12)]
    assert not any(look.full_beard or look.make_up or look.stubble for look in looks)
    assert all(look.skin_detail and look.skin_detail.wrinkles < 0.2 for look in looks)


def test_old_skin_has_more_wrinkles_and_no_other_colour(look):
    def painted(age):
        detail = replace(draw_skin_detail(age, _rng(1)), spots=0, rings=0.0, pores=0.2)
        return paint_skin(replace(look, skin_detail=detail), (0.0, 0.0), _rng(2))

    young, old = painted(0.0), painted(1.0)
    forehead = slice(8, 44), slice(100, 156)
    assert old[forehead].std() > 1.15 * young[forehead].std()
    np.testing.assert_allclose(old.mean(axis=(0, 1)), young.mean(axis=(0, 1)), rtol=0.12)


def test_make_up_colours_the_lids_and_not_the_forehead(look):
    make_up = replace(draw_make_up(_rng(0)), lids=np.array([20.0, 60.0, 220.0]), lid_amount=0.9, liner=1.0, blush=0.0)
    plain, coloured = (
        paint_skin(replace(look, make_up=worn, lid_shadow=0.0), (0.0, 0.0), _rng(2)) for worn in (None, make_up)
    )
    changed = np.abs(coloured - plain).sum(axis=-1) > 0.02
    assert 0.005 < changed.mean() < 0.1
    rows = np.flatnonzero(changed.any(axis=1))
    heights = np.interp(rows / 2.0, np.arange(GRID), synthetic_model().sheet.height[:, 0])
    assert heights.max() < 30
    assert heights.min() > -20


def test_loose_hair_ranges_from_strands_to_a_full_fringe():
    hair = [draw_loose_hair(_rng(seed)) for seed in range(60)]
    assert min(one.fringe for one in hair) < 10
    assert max(one.fringe for one in hair) > 80
