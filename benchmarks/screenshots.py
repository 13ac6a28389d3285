"""Takes pictures of MLflow's pages for the documentation: python -m benchmarks.screenshots [FOLDER [OUT]]."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow.tracking import MlflowClient
from playwright.sync_api import Error, Page, sync_playwright

from lightning_module.project import PROJECT

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_WITHOUT_GPU = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # WebGL in software
_PATIENCE_MS = 60_000


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Runs `run.py ui` on the runs of a folder, and gives the address that it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(PROJECT / "run.py"), "ui", f"--port={port}", f"--tracking.folder={folder}"]
    outside = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    server = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=outside,
        start_new_session=True,
        encoding="utf-8",
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[1]
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


@contextmanager
def opened() -> Iterator[Page]:
    """A page of a headless Chromium that can only reach this machine."""
    browser_path = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if browser_path is None:
        raise SystemExit("There is no Chromium: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", *_WITHOUT_GPU])
        page = browser.new_page(viewport={"width": 1500, "height": 820})
        page.route("**/*", lambda route: route.continue_() if _is_local(route.request.url) else route.abort())
        yield page
        browser.close()


def _is_local(address: str) -> bool:
    return address.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))


def show(page: Page, address: str, text: str) -> None:
    """Opens an address, and waits for a text."""
    for _ in range(30):  # the server may still be starting
        try:
            page.goto(address)
            break
        except Error as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            page.wait_for_timeout(1000)
    page.get_by_text(text).first.wait_for(timeout=_PATIENCE_MS)
    for button in page.locator("[data-component-id='mlflow.assistant.chat_panel.close']").all():
        button.click()
    page.wait_for_timeout(1500)


def addresses(table: str, folder: Path) -> dict[str, tuple[str, str]]:
    """Addresses of the pages, each with a text that it shows; the comparison has all tested fits of the folder."""
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("weightmask").experiment_id
    tested = "tags.command = 'fit' and attributes.status = 'FINISHED'"
    runs = client.search_runs([experiment], tested)
    base = table.partition("#")[0]
    ids = json.dumps([run.info.run_id for run in runs])
    newest = runs[0]
    picture = next(
        file.path
        for file in client.list_artifacts(newest.info.run_id, "pictures")
        if "landmarks" in file.path and "test" in file.path
    )
    return {
        "runs": (table, "test/nme/mean"),
        "compare": (
            f'{base}#/compare-runs?runs={ids}&experiments=["{experiment}"]&workflowType=machine_learning',
            "Comparing",
        ),
        "run": (
            f"{base}#/experiments/{experiment}/runs/{newest.info.run_id}?workflowType=machine_learning",
            "mean of bins",
        ),
        "picture": (
            f"{base}#/experiments/{experiment}/runs/{newest.info.run_id}/artifacts/{picture}?workflowType=machine_learning",
            "landmarks",
        ),
    }


def main(folder: Path = PROJECT / "mlruns", out: Path = PROJECT / "docs") -> None:
    """Writes mlflow_runs.jpg and its companions."""
    with served(folder.absolute()) as table, opened() as page:
        pages = addresses(table, folder.absolute())
        for name in ("runs", "compare", "picture"):
            show(page, *pages[name])
            for path in page.get_by_text("Path: file:").all():
                path.evaluate("element => element.style.visibility = 'hidden'")  # paths of this machine
            picture = out / f"mlflow_{name}.jpg"
            page.screenshot(path=picture, type="jpeg", quality=80)
            print(picture)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
