"""Which candidates become faces, and which faces a photograph has."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from datamodules.errors import InputError
from datamodules.geometry.crop import NetworkCrop, crop_boxes
from lightning_module.inference.cascade_detector import CascadeDetector
from lightning_module.inference.crop_probes import probed_crop
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.face_check import CONFIRMED, Judged
from lightning_module.inference.face_finder import FaceFinder
from lightning_module.inference.overlapping_boxes import distinct_faces
from lightning_module.inference.reconstructor import Reconstructor
from tests.lightning_module.inference.seeing import SIDE, DotCheck, SeeingNetwork, dotted
from tests.lightning_module.inference.truth import detection, map_layout


class _Candidates:
    """An offline detector that names these places."""

    def __init__(self, *crops):
        self.crops = crops

    def detect(self, image):
        return [detection(np.array(crop, float), detector="offline") for crop in self.crops]

    candidates = detect


class _Sure:
    """A detector of one's own, which knows no candidates."""

    def __init__(self, *crops):
        self.crops = crops

    def detect(self, image):
        return [DetectedFace(np.array([10.0, 10, 50, 50]), np.array(crop, float), "own", 0.9) for crop in self.crops]


@pytest.fixture(scope="module")
def network(made_once):
    (_, data, _, _), _, _ = made_once
    return SeeingNetwork(map_layout(data))


def _crop_of(network, x, y, apart):
    """The crop about the mean face whose outer corners of the eyes are `apart` pixels from each other about x, y."""
    rows, cols = network.layout.landmark_texels[:68].T
    mean = network.layout.mean_map[rows, cols].astype(float)
    scale = apart / (mean[45] - mean[36])[0]
    points = mean * scale + [*(np.array([x, y]) - scale * mean[[36, 45], :2].mean(axis=0)), 0]
    return crop_boxes(points[None])[0]


def _find(network, image, detector, least=0.5):
    return FaceFinder(detector, DotCheck(network), least).find(image)


def test_a_candidate_near_a_face_becomes_the_face_and_one_of_nothing_is_dropped(network):
    true = _crop_of(network, 120, 110, 50)
    near = true + np.array([8, -6, 10])
    (face,) = _find(network, dotted((120, 110, 50)), _Candidates(near, [40, 200, 60]))
    np.testing.assert_allclose(face.crop, true, atol=0.03 * true[2])
    assert face.confidence == pytest.approx(0.9)
    assert face.detector == "offline"
    assert face.box_px[2] - face.box_px[0] == pytest.approx(face.crop[2] / 1.5)


def test_two_candidates_of_one_face_are_one_face(network):
    true = _crop_of(network, 120, 110, 50)
    assert (
        len(_find(network, dotted((120, 110, 50)), _Candidates(true + np.array([6, 0, 0]), true - np.array([6, 0, 9]))))
        == 1
    )


def test_the_network_looks_where_the_detector_finds_nothing(network):
    true = _crop_of(network, 90, 120, 56)
    (face,) = _find(network, dotted((90, 120, 56)), _Candidates())
    assert face.detector == "network"
    np.testing.assert_allclose(face.crop, true, atol=0.03 * true[2])


def test_the_network_finds_the_second_face_beside_a_detected_one(network):
    places = (60, 90, 36), (180, 150, 36)
    faces = _find(network, dotted(*places), _Candidates(_crop_of(network, *places[1])))
    assert [face.detector for face in faces] == ["network", "offline"]  # from left to right
    for face, place in zip(faces, places, strict=True):
        true = _crop_of(network, *place)
        np.testing.assert_allclose(face.crop, true, atol=0.03 * true[2])


def test_a_picture_without_a_face_has_none(network):
    assert _find(network, np.zeros((200, 300, 3), np.uint8), _Candidates([100, 100, 80])) == []


def test_a_detector_without_candidates_is_confirmed_too_but_the_network_searches_no_further(network):
    image = dotted((60, 90, 36), (180, 150, 36))
    faces = _find(network, image, _Sure(_crop_of(network, 60, 90, 36), [200, 40, 60]))
    assert [face.detector for face in faces] == ["own"]


@pytest.mark.parametrize("kind", [_Candidates, _Sure])
def test_all_faces_of_a_crowd_are_found(kind, network):
    image = np.tile(dotted((120, 110, 50)), (3, 4, 1))
    x, y, side = _crop_of(network, 120, 110, 50)
    crowd = [[x + SIDE * column, y + SIDE * row, side] for row in range(3) for column in range(4)]
    assert len(_find(network, image, kind(*crowd))) == 12


def test_a_network_with_a_wider_crop_finds_the_same_face(made_once):
    (_, data, _, _), *_ = made_once
    layout = map_layout(data)
    centre = np.float32([127.5, 127.5, 0])  # pixels of the crop, of which a face fills less
    smaller = centre + (layout.mean_map - centre) * np.float32(1.5 / 1.8)
    wide = SeeingNetwork(replace(layout, mean_map=smaller, crop=NetworkCrop(1.8)))
    image, true = dotted((120, 110, 50)), _crop_of(wide, 120, 110, 50)
    agreed = probed_crop(wide, image, wide.layout.crop.of_plain(true), wide.maps(np.zeros((1, 64, 64, 3), np.uint8))[0])
    np.testing.assert_allclose(agreed.crop, wide.layout.crop.of_plain(true), atol=0.03 * true[2])
    (face,) = _find(wide, image, _Candidates(true + np.array([8, -6, 10])))
    np.testing.assert_allclose(face.crop, true, atol=0.03 * true[2])


def test_the_smallest_confidence_decides(network):
    image, candidates = dotted((120, 110, 50)), _Candidates(_crop_of(network, 120, 110, 50))
    assert len(_find(network, image, candidates, 0.89)) == 1
    assert _find(network, image, candidates, 0.91) == []


class _Hesitant(DotCheck):
    """Is undecided at first, and sees another place; at the second look it is as sure as `then`."""

    def __init__(self, network, true, then):
        super().__init__(network)
        self.true, self.then, self.looks = np.array(true)[None], then, 0

    def judged(self, image, maps, crops, scores=None):
        self.looks += 1
        if self.looks == 1:
            return Judged(np.array([0.5]), self.true)
        np.testing.assert_allclose(crops, self.true)
        return Judged(np.array([self.then]), crops)


@pytest.mark.parametrize("then", [0.95, 0.4])
def test_an_undecided_candidate_is_looked_at_again_where_other_crops_agree(then, network):
    true = _crop_of(network, 120, 110, 50)
    check = _Hesitant(network, true, then)
    found = FaceFinder(_Sure(true + np.array([8, -6, 10])), check, 0.8).find(dotted((120, 110, 50)))
    assert check.looks == 2
    assert [face.confidence for face in found] == ([then] if then > 0.8 else [])
    for face in found:
        np.testing.assert_allclose(face.crop, true)


def test_a_box_inside_a_face_is_a_part_of_it_whichever_is_larger():
    face, mouth, neighbour = [100.0, 100, 90], [105.0, 125, 36], [170.0, 100, 84]
    crops = np.array([mouth, face, neighbour])
    assert distinct_faces(crops, np.array([0.6, 0.9, 0.7])) == [1, 2]
    assert distinct_faces(crops, np.array([0.9, 0.6, 0.7])) == [0, 2]


def test_without_a_smallest_confidence_the_detector_is_believed_and_its_faces_are_judged(network):
    detector = _Candidates([40, 200, 60])
    reconstructor = Reconstructor(network, detector, 1, DotCheck(network), min_confidence=0)
    (face,) = reconstructor(dotted((120, 60, 40)))
    assert face.confidence == pytest.approx(0.1)


def test_faces_of_boxes_are_kept_and_have_a_confidence(network):
    image = dotted((120, 60, 40))
    reconstructor = Reconstructor(network, _Candidates(), 1, DotCheck(network), CONFIRMED)
    unlikely, likely = reconstructor(image, np.array([[10, 180, 50, 220], [80, 20, 160, 100]]))
    assert unlikely.confidence == pytest.approx(0.1)
    assert likely.confidence == pytest.approx(0.9)


def test_boxes_are_judged_by_the_network_of_the_search(network):
    blind = SeeingNetwork(network.layout, is_blind=True)  # as if the other one averaged over crops
    (face,) = Reconstructor(network, _Candidates(), 1, DotCheck(blind))(
        dotted((120, 60, 40)), np.array([[90, 30, 170, 110]])
    )
    assert face.confidence == pytest.approx(0.1)


def test_a_found_face_is_reconstructed_with_the_confidence_of_the_search(network):
    (face,) = Reconstructor(network, _Candidates(), 2, DotCheck(network), CONFIRMED)(dotted((90, 120, 56)))
    assert face.confidence == pytest.approx(0.9)
    assert Reconstructor(network, _Candidates([90, 120, 90]), 1)(dotted((90, 120, 56)))[0].confidence is None


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_confidence_that_cannot_be_is_refused(least, network):
    with pytest.raises(InputError, match=r"^--min_confidence is .*: give a number from 0 to 1\.$"):
        Reconstructor(network, min_confidence=least)


@pytest.mark.slow
def test_turned_copies_show_a_face_that_is_tilted_and_mirroring_mirrors_it():
    import cv2

    portrait = cv2.resize(skimage.data.astronaut()[0:320, 60:380], (160, 160), interpolation=cv2.INTER_AREA)
    middle = np.array([83.0, 62])  # of the face, looked up by eye
    detector = CascadeDetector()

    def best(image):
        return detector.candidates(image)[0].crop

    assert np.linalg.norm(best(portrait)[:2] - middle) < 0.15 * best(portrait)[2]
    tilt = cv2.getRotationMatrix2D((79.5, 79.5), 25, 1.0)
    tilted = cv2.warpAffine(portrait, tilt, (160, 160), borderMode=cv2.BORDER_REPLICATE)
    assert np.linalg.norm(best(tilted)[:2] - tilt @ [*middle, 1]) < 0.15 * best(tilted)[2]
    mirrored = best(np.ascontiguousarray(portrait[:, ::-1]))
    np.testing.assert_allclose(mirrored[:2] * [-1, 1] + [159, 0], best(portrait)[:2], atol=4)
