"""Pages as people see them, in a real browser: MLflow's, against `run.py ui`, and the one that `predict` writes."""

import shutil
from io import BytesIO

import numpy as np
import pytest
import skimage.data
from PIL import Image

from benchmarks.screenshots import addresses, opened, served, show
from run import main
from tests.pictures import drawn
from tests.runs import fit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(faces, model_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seen")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI")
        with drawn():
            for seed in (0, 1):
                fit(faces, model_file, folder, f"--data.test.root={faces}", f"--seed_everything={seed}")
    return folder


@pytest.fixture(autouse=True)
def _chromium():
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("needs Chromium (apt-get install chromium)")


def test_a_runs_ratio_seed_and_figures_are_read_without_a_click(folder):
    with served(folder) as table, opened() as page:
        pages = addresses(table, folder)
        show(page, *pages["runs"])
        seen = page.inner_text("body")
        for text in ("16-5-4-3-0 s0", "16-5-4-3-0 s1", "test/nme/mean", "test/nme/yaw", "seed", "ratio"):
            assert text in seen
        show(page, *pages["compare"])
        assert "Comparing 2 Runs" in page.inner_text("body")
        show(page, *pages["run"])
        assert "68 landmarks, x y, on faces" in page.inner_text("body")
        show(page, *pages["picture"])
        picture = page.locator("img[src^='blob:'], img[src^='data:'], img[src*='get-artifact']").first
        picture.wait_for(timeout=30_000)
        assert picture.evaluate("image => image.naturalWidth") > 300


def test_faces_are_turned_and_shaded_without_any_network(folder, tmp_path):
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "astronaut.png")
    (checkpoint, _) = sorted(folder.glob("runs/*/best.ckpt"))
    main(
        [
            "predict",
            str(tmp_path / "astronaut.png"),
            f"--ckpt_path={checkpoint}",
            f"--out={tmp_path / 'out'}",
            "--detector=scikit-image",
            "--min_confidence=0",
        ]
    )
    asked, faults = [], []
    with opened() as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto((tmp_path / "out" / "index.html").as_uri())
        page.wait_for_timeout(2000)
        canvas = page.locator("canvas")
        seen = [canvas.screenshot()]
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 100)
        page.mouse.up()
        seen.append(canvas.screenshot())
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(300)
        seen.append(canvas.screenshot())
        page.check("#shaded")
        seen.append(canvas.screenshot())
        canvas.dblclick()
        page.uncheck("#shaded")
        first, turned, zoomed, shaded, reset = (_pixels(picture) for picture in [*seen, canvas.screenshot()])
        pictures = page.locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert not faults
    assert {address.partition(":")[0] for address in asked} <= {"file", "data"}
    assert pictures == [512] * 5
    colourful = np.ptp(first.astype(int), axis=2) > 20
    assert colourful.mean() > 0.1  # the face, on grey
    for other in (turned, zoomed, shaded):
        assert (np.abs(first.astype(int) - other) > 20).any(axis=2).mean() > 0.05
    assert (np.ptp(shaded.astype(int), axis=2) > 40).mean() < 0.01  # clay has little colour
    np.testing.assert_allclose(reset, first, atol=3)


def _pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))
