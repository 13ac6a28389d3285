"""MLflow as people see it: in a real browser, against `run.py ui`."""

import shutil

import pytest

from benchmarks.screenshots import addresses, opened, served, show
from tests.runs import fit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(faces, model_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seen")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI")
        for seed in (0, 1):
            fit(faces, model_file, folder, f"--data.test_root={faces}", f"--seed_everything={seed}")
    return folder


def test_a_runs_ratio_seed_and_figures_are_read_without_a_click(folder):
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("needs Chromium (apt-get install chromium)")
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
