"""How sure a network and the classifier are of a face."""

import numpy as np
import pytest
import torch

from lightning_module.inference.crop_maps import crop_maps, landmarks_image_px, recropped
from lightning_module.inference.crop_probes import probed_crop
from lightning_module.inference.face_check import FaceCheck
from lightning_module.inference.face_classifier import face_log_odds
from lightning_module.inference.frontal_view import VIEW_SIZE, FrontalView, standardised
from tests.lightning_module.inference.seeing import SeeingNetwork, dotted
from tests.lightning_module.inference.truth import map_layout

IMAGE = dotted((120, 110, 50))
START = np.array([[118.0, 120, 130]])


@pytest.fixture(scope="module")
def layout(made_once):
    (_, data, _, _), _, _ = made_once
    return map_layout(data)


def _judged(network, image=IMAGE):
    crops, _ = recropped(START, crop_maps(network, image, START), network.layout)
    return crops[0], crop_maps(network, image, crops)[0]


def test_a_network_that_finds_the_face_in_every_crop_agrees_with_itself(layout):
    network = SeeingNetwork(layout)
    assert probed_crop(network, IMAGE, *_judged(network)).disagreement < 0.1


def test_a_network_that_sees_nothing_moves_with_its_crop(layout):
    blind = SeeingNetwork(layout, is_blind=True)
    assert probed_crop(blind, IMAGE, *_judged(blind)).disagreement == pytest.approx(1, abs=0.02)


def test_the_place_that_crops_agree_on_is_that_of_the_face(layout):
    network = SeeingNetwork(layout)
    crop, _ = _judged(network)
    off = crop + np.array([12, -9, 15])
    found = probed_crop(network, IMAGE, off, crop_maps(network, IMAGE, off[None])[0]).crop
    np.testing.assert_allclose(found, crop, atol=0.03 * crop[2])


def test_agreement_makes_a_face_surer(layout):
    network, blind = SeeingNetwork(layout), SeeingNetwork(layout, is_blind=True)
    crop, position_map = _judged(network)
    sure, unsure = (
        FaceCheck(each).judged(IMAGE, position_map[None], crop[None]).confidences[0] for each in (network, blind)
    )
    assert sure / (1 - sure) > np.exp(2) * unsure / (1 - unsure)


def test_the_detectors_own_probability_counts(layout):
    network = SeeingNetwork(layout)
    crop, position_map = _judged(network)
    check = FaceCheck(network)
    arguments = IMAGE, position_map[None], crop[None]
    doubtful, plain, sure = (check.judged(*arguments, [score]).confidences[0] for score in (0.2, None, 0.9))
    assert 0 < doubtful < plain < sure < 1
    assert check.judged(*arguments, [0.5]).confidences[0] == pytest.approx(plain)


@pytest.mark.parametrize(
    "change",
    [
        lambda face: face * [1, 1, 0.02],  # flat
        lambda face: face + np.array([150, 0, 0]),  # beside its crop
        lambda face: face * 0,  # a point
        lambda face: face[::-1],  # upside down within itself
        lambda face: face * [3, 1, 1] - [250, 0, 0],  # three times as wide
    ],
)
def test_a_map_that_no_face_has_is_none_however_sure_the_rest_is(change, layout):
    check = FaceCheck(SeeingNetwork(layout))
    mean = layout.mean_map
    assert check.is_plausible(mean)
    changed = change(mean.astype(np.float64)).astype(np.float32)
    assert not check.is_plausible(changed)
    assert check.judged(IMAGE, changed[None], START, [0.98]).confidences[0] == 0


def test_maps_of_faces_in_any_pose_are_plausible(fakes):
    _, data, maps, _ = fakes
    check = FaceCheck(SeeingNetwork(map_layout(data)))
    assert all(check.is_plausible(each) for each in maps)


def test_a_frontal_view_shows_the_half_of_a_face_that_the_camera_sees(fakes):
    _, data, maps, crops = fakes
    view = FrontalView(map_layout(data))
    image = np.random.default_rng(0).integers(0, 255, (110, 120, 3), np.uint8)
    (_, turned), (grey, frontal) = (view.view(image, maps[place], crops[place]) for place in (0, 1))  # yaw -65 and 0
    assert turned.shape == (VIEW_SIZE, VIEW_SIZE)
    halves = turned[:, : VIEW_SIZE // 2].sum(), turned[:, VIEW_SIZE // 2 :].sum()
    assert halves[0] > 1.5 * halves[1]
    assert frontal.sum() > turned.sum()
    seen = grey[frontal > 0]
    assert seen.mean() == pytest.approx(0, abs=0.05)
    assert seen.std() == pytest.approx(1, abs=0.05)
    assert not grey[frontal == 0].any()


def test_a_frontal_view_puts_the_nose_where_the_mean_face_has_it(layout):
    network = SeeingNetwork(layout)
    crop, position_map = _judged(network)
    nose = landmarks_image_px(position_map[None], crop[None], layout.landmark_texels)[0, 30]
    image = np.zeros_like(IMAGE)
    rows, cols = np.mgrid[: len(image), : len(image)]
    image[np.hypot(cols - nose[0], rows - nose[1]) < 6] = 255
    grey, _ = FrontalView(layout).view(image, position_map, crop)
    brightest = np.argwhere(grey > 0.5 * grey.max()).mean(axis=0)
    mean = layout.mean_map[layout.grid.is_valid][:, :2]
    row, col = layout.landmark_texels[30]
    place = (layout.mean_map[row, col, :2] - mean.min(axis=0)) / np.ptp(mean, axis=0) * VIEW_SIZE - 0.5
    np.testing.assert_allclose(brightest[::-1], place, atol=1)


def test_of_too_little_to_see_nothing_is_said():
    is_seen = np.zeros((VIEW_SIZE, VIEW_SIZE), bool)
    is_seen[:2] = True
    assert not standardised(np.ones((VIEW_SIZE, VIEW_SIZE), np.float32), is_seen).any()


def test_the_classifier_knows_synthetic_faces(synthetic_views):
    faces, _ = synthetic_views
    assert (face_log_odds(faces) > 0).mean() > 0.8


@pytest.mark.xfail(reason="the classifier rejects only 56 % of true maps that lie beside their face", strict=True)
def test_the_classifier_rejects_what_lies_beside_a_face(synthetic_views):
    _, others = synthetic_views
    assert (face_log_odds(others) < 0).mean() > 0.8


@pytest.fixture(scope="module")
def synthetic_views(tmp_path_factory):
    """Views of 18 synthetic faces with their true maps, and with maps that lie half a face beside or are twice as large."""
    from datamodules.face_datamodule import FaceDataModule
    from datamodules.files.images import read_image
    from datamodules.readers.index_options import IndexOptions
    from run import main

    folder = tmp_path_factory.mktemp("synthetic")
    main(["synthesize", f"--out={folder / 'faces'}", "--samples=18", "--seed=5", "--image_size=128"])
    data = FaceDataModule(folder / "faces", index=IndexOptions(cache_dir=folder / "cache"), num_workers=0)
    data.prepare_data()
    faces = data.plain_faces()
    maps = data.complete(torch.utils.data.default_collate([faces[0, place] for place in range(len(faces))]))
    view = FrontalView(map_layout(data))
    shown, beside = [], []
    for place, each in enumerate(maps.position_map.permute(0, 2, 3, 1).numpy()):
        image = read_image(faces.index.record(int(faces.rows[place])).image_path)
        shown.append(view.view(image, each, faces.box(place)))
        beside += [
            view.view(image, wrong, faces.box(place))
            for wrong in (each + np.float32([80, 0, 0]), each * 2 - np.float32([128, 128, 0]))
        ]
    return np.stack(shown), np.stack(beside)
