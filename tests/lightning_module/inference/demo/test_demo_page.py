"""The demo in a browser: what a person sees, and that nothing leaves this machine."""

import http.client
import json
import shutil
import signal
import time
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from benchmarks.screenshots import opened
from tests.lightning_module.inference.demo.watched_demo import WatchedProgram
from tests.runs import PROJECT

pytest.importorskip("gradio", reason="needs the extra demo: pip install -e '.[demo]'")
pytestmark = pytest.mark.slow
_DEMO = [str(PROJECT / "run.py"), "demo", "--detector=scikit-image"]
# which would open gradio's pages to other machines, and all files to its users
_FOREIGN = {
    "GRADIO_SERVER_NAME": "0.0.0.0",
    "GRADIO_SHARE": "True",
    "GRADIO_ANALYTICS_ENABLED": "True",
    "GRADIO_ALLOWED_PATHS": "/",
    "GRADIO_ROOT_PATH": "https://example.org",
    "GRADIO_SSR_MODE": "True",
    "GRADIO_MCP_SERVER": "True",
}


@pytest.fixture(autouse=True)
def _chromium():
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("needs Chromium (apt-get install chromium)")


@pytest.fixture(scope="module")
def networks(trained_run, tmp_path_factory):
    """A network, and one that differs a little."""
    first = trained_run.best_checkpoint
    checkpoint = torch.load(first, weights_only=True)
    name = next(name for name in reversed(checkpoint["state_dict"]) if name.endswith("weight"))
    checkpoint["state_dict"][name] *= 1.5
    second = tmp_path_factory.mktemp("second") / "other.ckpt"
    torch.save(checkpoint, second)
    return first, second


@pytest.fixture
def start(tmp_path, networks, free_port):
    """Starts a demo with two networks, and ends it."""
    started = []

    def start(*options, name="demo"):
        first, second = networks
        folder = f"--tracking.folder={first.parents[2]}"
        given = [f"--ckpt_path={first}", f"--other={second}", folder, f"--port={free_port}", *options]
        started.append(WatchedProgram([*_DEMO, *given], tmp_path / name, **_FOREIGN))
        return started[-1]

    yield start
    for demo in started:
        demo.end()


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.fromarray(skimage.data.astronaut()).save(folder / "me.jpg")
    Image.new("RGB", (200, 200), "grey").save(folder / "wall.png")
    (folder / "broken.jpg").write_bytes((folder / "me.jpg").read_bytes()[:9000])
    return folder


def _watched(page):
    """What a page asks for, and its faults."""
    asked, faults = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.set_default_timeout(90_000)
    return asked, faults


def _outside(asked):
    parts = [urlsplit(address) for address in asked]
    return {part.netloc for part in parts if part.scheme not in ("data", "blob") and part.hostname != "127.0.0.1"}


def _pixels(locator):
    return np.asarray(Image.open(BytesIO(locator.screenshot())).convert("RGB")).astype(int)


def test_a_person_sees_two_networks_side_by_side_and_nothing_leaves_this_machine(start, photographs):
    demo = start()
    with opened() as page:
        asked, faults = _watched(page)
        page.goto(demo.address)
        page.get_by_text("Drop a photograph on the left").wait_for()
        page.locator("#file input[type=file]").set_input_files(photographs / "me.jpg")
        page.locator("#results .bar").wait_for()
        titles = page.locator("#results h3").all_inner_texts()
        assert titles[0].startswith("A · 16-5-4-3-0-s0 · ratio 16:5:4:3:0")
        assert titles[1:] == ["B · other.ckpt · ratio 16:5:4:3:0", "Difference of A and B"]
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        captions = page.locator("#results figcaption").all_inner_texts()
        assert captions == [
            *["landmarks", "mesh", "depth", "pose"] * 2,
            *(f"difference {p}" for p in ("on the face", "in UV space")),
        ]
        frame = page.frame_locator("iframe.faces")
        frame.locator("canvas").nth(2).wait_for()
        page.wait_for_timeout(2000)
        before = [_pixels(frame.locator("canvas").nth(place)) for place in range(3)]
        box = frame.locator("canvas").first.bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 170, box["y"] + 100)
        page.mouse.up()
        for place in range(3):  # all turn together
            assert (np.abs(_pixels(frame.locator("canvas").nth(place)) - before[place]) > 20).any(axis=2).mean() > 0.02
        for name, text in (("wall.png", "wall.png: no face was found"), ("broken.jpg", "broken.jpg: ")):
            page.locator("#file button[aria-label='Clear']").click()
            page.get_by_text("Drop a photograph on the left").wait_for()
            page.locator("#file input[type=file]").set_input_files(photographs / name)
            page.locator("#results .fault", has_text=text).wait_for()
            assert "\n" not in page.locator("#results .fault").inner_text()
        assert not list(demo.temporary.rglob("me.jpg"))
        page.goto("about:blank")  # which closes the page, and what is kept for it goes
        deadline = time.monotonic() + 60
        while (left := list(demo.temporary.rglob("broken.jpg"))) and time.monotonic() < deadline:
            page.wait_for_timeout(500)
        assert not left
    assert not _outside(asked)
    assert not [fault for fault in faults if "404" not in fault]
    assert demo.end() == "\nThe demo has ended. Its photographs are removed.\n"
    assert not demo.strangers()
    assert not list(demo.temporary.glob("weightmask-demo-*"))
    assert demo.process.returncode == 0
    assert not demo.errors.read_text()


def test_a_page_that_is_left_open_says_that_the_demo_has_ended_or_was_started_again(start):
    demo = start()
    with opened() as page:
        _watched(page)
        page.goto(demo.address)
        page.get_by_text("Drop a photograph on the left").wait_for()
        page.wait_for_timeout(2500)
        demo.end(signal.SIGTERM)
        page.get_by_text("The demo has ended: start it again with python run.py demo").wait_for()
        start(name="again")
        page.get_by_text("The demo was started again: reload this page.").wait_for()


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{folder}", "{folder}/lock", "https://example.org/", "../../../etc/passwd"]
)
def test_no_files_are_served_and_no_addresses_are_fetched(start, path):
    demo = start()
    (folder,) = demo.temporary.glob("weightmask-demo-*")
    named = path.format(folder=folder)
    connection = http.client.HTTPConnection("127.0.0.1", demo.port)
    for address in (f"/gradio_api/file={named}", f"/file={named}", f"/gradio_api/proxy={named}", f"/faces/{named}"):
        connection.request("GET", address)
        answer = connection.getresponse()
        assert answer.status in (400, 403, 404)
        assert b"root:" not in answer.read()
    # as a photograph that a page names
    file = {"path": named, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file, "", ""], "fn_index": 0, "session_hash": "abc", "trigger_id": 1}
    connection.request("POST", "/gradio_api/queue/join", json.dumps(body), {"Content-Type": "application/json"})
    assert connection.getresponse().read()
    connection.request("GET", "/gradio_api/queue/data?session_hash=abc")
    for line in connection.getresponse():
        if b"process_completed" in line:
            break
    assert b"root:" not in line
    demo.end()
    assert not demo.strangers() - {"example.org"}  # whose address was asked for, and refused


def test_few_requests_wait(start, networks):
    demo = start()
    run = str(networks[0].parent.resolve())
    connection = http.client.HTTPConnection("127.0.0.1", demo.port)
    statuses = []
    for number in range(12):
        body = {"data": [run, ""], "fn_index": 2, "session_hash": f"page{number}", "trigger_id": 1}  # the sample
        connection.request("POST", "/gradio_api/queue/join", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses[:4] == [200] * 4
    assert statuses[-4:] == [503] * 4


def test_a_port_that_is_taken_is_left_to_its_program(start):
    first, second = start(), start(name="second")
    assert second.port != first.port
    assert second.first_line == f"Demo: http://127.0.0.1:{second.port}/ (Ctrl-C ends)\n"


_AS_IT_COMES = """
import gradio as gr
with gr.Blocks() as blocks:
    gr.HTML("as it comes <img src='https://fonts.example.org/lora.png'>")
app, address, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
print(address, flush=True)
input()
"""


def test_the_recorders_see_what_gradio_does_by_itself(tmp_path):
    program = WatchedProgram(["-c", _AS_IT_COMES], tmp_path / "plain")
    with opened() as page:
        asked, _ = _watched(page)
        page.goto(program.address)
        page.get_by_text("as it comes").wait_for()
        page.wait_for_timeout(2000)
    program.end(signal.SIGKILL)
    assert "fonts.example.org" in _outside(asked)
    assert {"api.gradio.app", "huggingface.co"} & program.strangers()
