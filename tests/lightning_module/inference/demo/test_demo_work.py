"""What the demo shows, with true maps in place of networks: results, and one line where there are none."""

import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from datamodules.errors import InputError
from lightning_module.inference.demo.demo_networks import OfferedNetwork
from lightning_module.inference.demo.demo_pages import Choice, DemoPages
from lightning_module.inference.demo.demo_work import DemoWork
from lightning_module.inference.demo.limits import Limits
from lightning_module.inference.face_check import Judged
from lightning_module.inference.reconstructor import Reconstructor
from tests.lightning_module.inference.truth import TrueNetwork, detection

_A, _B = Choice("a"), Choice("a", "b")
_LIMITS = Limits(pixels=20_000)


class _Networks:
    """Networks by name; those that cannot be loaded are errors."""

    def __init__(self, networks, detections):
        self._networks = networks
        self._detections = detections

    def choice(self, value):
        return OfferedNetwork(value, f"run {value}", "16:5:4:3:0")

    def load(self, network):
        chosen = self._networks[network.value]
        if isinstance(chosen, Exception):
            raise chosen
        return chosen if isinstance(chosen, Reconstructor) else Reconstructor(chosen, self, passes=1)

    def detect(self, image):
        return list(self._detections)


@pytest.fixture
def make(made_once, tmp_path):
    """Makes a demo in which each network sees the first faces of an album."""
    (_, data, maps, crops), *_ = made_once

    def make(count=1, **others):
        networks = {name: TrueNetwork(data, maps) for name in "ab"} | others
        found = [detection(crop, (20.0 + 5 * i, 20, 90, 100)) for i, crop in enumerate(crops[:count])]
        pages = DemoPages(tmp_path, _LIMITS)
        return DemoWork(_Networks(networks, found), pages, _LIMITS), pages

    return make


def _send(pages, name="me.jpg", size=(120, 110)):
    path = pages.uploads / "digest" / name
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, (90, 80, 70)).save(path)
    return str(path)


def _fault(shown):
    (line,) = re.findall(r'<p class="fault" role="alert">(.*?)</p>', shown.results, re.DOTALL)
    assert "\n" not in line
    return line


def test_a_dropped_photograph_shows_landmarks_mesh_depth_pose_and_the_face_to_turn(make):
    work, pages = make()
    shown = work.drop("tab", _send(pages), _A)
    assert shown.faces == 1
    assert "run a · ratio 16:5:4:3:0" in shown.results
    links = re.findall(r'src="(/faces/[^"]+)"', shown.preview + shown.results)
    names = [link.rpartition("/")[2].rpartition("_")[2].partition(".")[0] for link in links]
    assert sorted(names) == ["depth", "index", "landmarks", "mesh", "photograph", "pose"]
    assert all((pages.kept / link.removeprefix("/faces/")).is_file() for link in links)
    assert not any(path.is_file() for path in pages.uploads.rglob("*"))


def test_two_networks_stand_side_by_side_with_their_difference(make):
    work, pages = make()
    shown = work.drop("tab", _send(pages), _B)
    assert "A · run a · ratio 16:5:4:3:0" in shown.results
    assert "B · run b · ratio 16:5:4:3:0" in shown.results
    assert "difference_in_UV_space.png" in shown.results
    assert "<td>0.00 %</td>" in shown.results  # both answer with the truth
    assert "0.2 %</span>" in shown.results  # the end of the colour bar
    (page,) = pages.kept.rglob("index.html")
    assert page.read_text().count('"found_by"') == 3


def test_each_network_judges_the_face_for_itself(make, made_once):
    (_, data, maps, _), *_ = made_once

    class Check:
        def __init__(self, confidence):
            self.network, self.confidence = TrueNetwork(data, maps), confidence

        def judged(self, image, maps, crops, scores):
            return Judged(np.full(len(crops), self.confidence), crops)

    sure, unsure = (Reconstructor(TrueNetwork(data, maps), None, 1, Check(each)) for each in (0.93, 0.21))
    work, pages = make(a=sure, b=unsure)
    found = [replace(face, confidence=0.93) for face in work._networks.detect(None)]  # as the search of A has judged
    sure.detect = lambda image: found
    work.drop("tab", _send(pages), _B)
    page = max((path.read_text() for path in pages.kept.rglob("index.html")), key=len)
    assert '"confidence": "0.93"' in page
    assert '"confidence": "0.21"' in page


def test_a_choice_that_is_told_twice_is_worked_on_once(make):
    work, pages = make()
    first = work.drop("tab", _send(pages), _A)
    assert work.choose("tab", _A) is first


def test_another_face_of_the_photograph_is_chosen_by_its_number(make):
    work, pages = make(2)
    assert work.drop("tab", _send(pages), _A).faces == 2
    shown = work.choose("tab", replace(_A, face=1))
    assert (shown.faces, shown.face) == (2, 1)
    assert work.choose("tab", replace(_A, face=7)).face == 0


def test_a_network_with_another_layout_is_shown_without_a_difference(make, made_once):
    (_, data, maps, _), *_ = made_once
    other = TrueNetwork(data, maps)
    other.layout = replace(other.layout, landmark_texels=other.layout.landmark_texels[:, ::-1])
    work, pages = make(b=other)
    shown = work.drop("tab", _send(pages), _B)
    assert _fault(shown).startswith("A and B have other layouts")
    assert "difference" not in shown.results.partition("</p>")[2]
    assert len(list(pages.kept.rglob("index.html"))) == 2


def test_a_second_network_that_fails_leaves_the_first_one(make):
    work, pages = make(b=InputError("b.ckpt: is no checkpoint of this project."))
    shown = work.drop("tab", _send(pages), _B)
    assert _fault(shown) == "network B, run b: b.ckpt: is no checkpoint of this project."
    assert "_landmarks.jpg" in shown.results


def test_a_photograph_without_a_face_is_one_line(make):
    work, pages = make(0)
    shown = work.drop("tab", _send(pages), _B)
    assert _fault(shown).startswith("me.jpg: no face was found.")
    assert "photograph.jpg" in shown.preview
    assert shown.faces == 0


def test_photographs_that_cannot_be_read_are_one_line_with_their_own_name(make):
    work, pages = make()
    path = _send(pages, "vast.png", (200, 200))
    assert _fault(work.drop("tab", path, _A)) == "vast.png: is 200 x 200 pixels. Save it smaller."
    path = _send(pages, "broken.jpg")
    np.zeros(50, np.uint8).tofile(path)
    assert _fault(work.drop("tab", path, _A)).startswith("broken.jpg: is no image")
    assert "Drop it again" in _fault(work.drop("tab", "/etc/passwd", _A))


def test_names_are_text_in_the_page(make):
    work, pages = make(0)
    shown = work.drop("tab", _send(pages, "<img src=x onerror=alert(1)>.jpg"), _A)
    assert "<img src=x" not in shown.results + shown.preview


def test_what_a_library_raises_is_one_line(make):
    class Broken:
        def __getattr__(self, name):
            raise RuntimeError("out of\nmemory")

    work, pages = make(a=Broken())
    assert "RuntimeError: out of memory" in _fault(work.drop("tab", _send(pages), _A))


def test_without_a_network_or_a_photograph_nothing_is_worked_on(make):
    work, pages = make()
    assert "Drop a photograph" in work.choose("tab", _A).results
    assert "run.py fit" in _fault(work.drop("tab", _send(pages), Choice(None)))


def test_clearing_removes_photograph_and_results(make):
    work, pages = make()
    work.drop("tab", _send(pages), _A)
    work.clear("tab")
    assert not any(path.is_file() for path in pages.kept.rglob("*"))
