"""Who finds the faces, and which square the network is shown."""

import types
from urllib.error import URLError

import numpy as np
import pytest
import skimage.data

from datamodules.errors import InputError
from datamodules.geometry.crop import crop_boxes
from lightning_module.inference import face_alignment_detector as alignment
from lightning_module.inference.cascade_detector import CascadeDetector, merge_boxes
from lightning_module.inference.detectors import boxed_faces, choose_detector
from lightning_module.inference.face_alignment_detector import AlignmentDetector
from lightning_module.inference.face_check import CONFIRMED
from lightning_module.inference.reconstructor import Reconstructor
from tests.real_faces import real_landmarks

_FOUND = ("image00050", "image00081", "image00514", "image01038", "image02283", "image02545", "image03324")


@pytest.fixture(scope="module")
def cascade():
    return CascadeDetector()


def test_the_astronaut_is_found_without_any_download(cascade):
    (face,) = cascade.detect(skimage.data.astronaut())
    eyes_and_mouth = np.array([[207, 107], [247, 105], [227, 146]])  # looked up by eye
    assert (np.abs(eyes_and_mouth - face.crop[:2]) < face.crop[2] / 3).all()
    assert face.detector == "scikit-image"


def test_nothing_is_found_in_noise_or_in_what_is_too_small(cascade):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    assert cascade.detect(noise) == []
    assert cascade.detect(noise[:10, :10]) == []


def test_two_faces_are_found_from_left_to_right_in_their_own_pixels(cascade):
    astronaut = skimage.data.astronaut()[:256, 96:352]
    twice = np.concatenate([astronaut, astronaut], axis=1).repeat(2, axis=0).repeat(2, axis=1)
    left, right = cascade.detect(twice)
    np.testing.assert_allclose(right.crop - left.crop, [512, 0, 0], atol=25)


def test_boxes_of_one_face_become_one():
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [40, 40, 50, 50.0]])
    np.testing.assert_array_equal(merge_boxes(boxes), [[1, 0, 11, 10], [40, 40, 50, 50]])


@pytest.mark.slow
def test_a_cascades_crop_is_near_the_one_of_training(cascade, real):
    """Its constants were read off these photographs, so that this says how well they fit, and nothing of others."""
    sides, centres = [], []
    for image, landmarks in real_landmarks(real, _FOUND):
        trained_on = crop_boxes(landmarks[None])[0]
        found = min(cascade.detect(image), key=lambda face, crop=trained_on: abs(face.crop[0] - crop[0]))
        sides.append(found.crop[2] / trained_on[2])
        centres.append(np.linalg.norm(found.crop[:2] - trained_on[:2]) / trained_on[2])
    print(
        f"crop of the cascade over that of training: side {np.mean(sides):.2f} ({min(sides):.2f} to {max(sides):.2f}), "
        f"centres {np.mean(centres):.2f} sides apart ({max(centres):.2f} at most)"
    )
    assert 0.9 < np.mean(sides) < 1.1
    assert max(centres) < 0.15  # training shifts crops by as much


def test_a_box_about_the_landmarks_gives_the_crop_of_training():
    landmarks = np.random.default_rng(0).uniform(0, 100, (1, 68, 2))
    box = np.concatenate([landmarks[0].min(axis=0), landmarks[0].max(axis=0)])
    (face,) = boxed_faces(box[None])
    np.testing.assert_allclose(face.crop, crop_boxes(landmarks)[0])


class _Fan:
    """What face-alignment gives back."""

    def __init__(self, *_, **options):
        assert options["compile"] is False

    def get_landmarks_from_image(self, image, return_bboxes):
        self.shape = image.shape
        if min(image.shape[:2]) < 32:
            raise RuntimeError("Calculated padded input size per channel: (1 x 1). Kernel size: (3 x 3).")
        if image.max() == 0:
            return None, None, None
        points = np.linspace([10, 20], [60, 90], 68).astype(np.float32)
        boxes = [np.array([100, 15, 165, 95, 0.9]), np.array([5, 15, 65, 95, 0.99])]
        return [points + np.array([100, 0]), points], None, boxes


@pytest.fixture
def fan(monkeypatch):
    import face_alignment

    monkeypatch.setattr(face_alignment, "FaceAlignment", _Fan)
    return AlignmentDetector()


def test_landmarks_of_face_alignment_give_the_crop_of_training(fan):
    image = np.full((200, 300, 3), 9, np.uint8)
    left, right = fan.detect(image)
    np.testing.assert_allclose(left.crop, [35, 55, 1.5 * 60], atol=1e-4)
    np.testing.assert_allclose(right.crop, [135, 55, 1.5 * 60], atol=1e-4)
    assert left.detector == "face-alignment"
    assert (left.score, right.score) == (0.99, 0.9)
    assert fan.detect(0 * image) == []


def test_a_large_photograph_is_searched_small_and_answered_large(fan):
    left, _ = fan.detect(np.full((1000, 4096, 3), 9, np.uint8))
    assert fan._network.shape[1] == 1024
    np.testing.assert_allclose(left.crop, [140, 220, 360], atol=1e-3)


@pytest.mark.parametrize("shape", [(31, 40, 3), (200, 5, 3), (1, 1, 3), (300, 20_000, 3)])
def test_a_thumbnail_or_a_panorama_is_wide_enough_for_the_detector(shape, fan):
    left, _ = fan.detect(np.full(shape, 9, np.uint8))
    assert min(fan._network.shape[:2]) >= 32
    scale = min(1, 1024 / max(shape))
    np.testing.assert_allclose(left.crop, np.array([35, 55, 90]) / scale, rtol=1e-5)  # where it was found


def _offline(*_, **__):
    raise URLError("no network")


def test_without_weights_it_says_what_to_download_and_goes_on(monkeypatch, caplog):
    monkeypatch.setattr("face_alignment.FaceAlignment", _offline)
    assert isinstance(choose_detector("auto"), CascadeDetector)
    for word in ("s3fd-619a316812.pth", "3DFAN4-7835d9f11d.pth.tar", "checkpoints", "Using scikit-image"):
        assert word in caplog.text
    with pytest.raises(InputError, match="weights cannot be loaded"):
        choose_detector("face-alignment")


def test_weights_are_loaded_as_weights_only(monkeypatch):
    seen = {}

    def look(*_, **__):
        seen["forced"] = alignment.os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
        return types.SimpleNamespace()

    monkeypatch.setattr("face_alignment.FaceAlignment", look)
    AlignmentDetector()
    assert seen == {"forced": "1"}
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in alignment.os.environ


def test_the_network_that_comes_along_finds_the_astronaut():
    (face,) = Reconstructor.load("pretrained", detector="scikit-image")(skimage.data.astronaut())
    assert face.confidence >= CONFIRMED
    found = np.stack([points.mean(axis=0)[:2] for points in (face.landmarks[36:48], face.landmarks[48:])])
    np.testing.assert_allclose(found, [[225, 103], [223, 144]], atol=5)  # eyes and mouth, looked up by eye
    assert abs(face.landmarks[8, 1] - 175) < 8  # the chin
