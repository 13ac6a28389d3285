"""Who may ask the demo for what: requests as a browser, another site or another program would send them."""

import asyncio

import pytest

from lightning_module.inference.demo.demo_pages import DemoPages
from lightning_module.inference.demo.limits import Limits
from lightning_module.inference.demo.local_app import LocalApp

_HOST = {"host": "127.0.0.1:7860"}
_RESULTS = "/faces/12ab/results-34cd"


async def _gradio(scope, receive, send):
    """Stands for gradio's application."""
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-security-policy", b"none at all")]}
    )
    await send({"type": "http.response.body", "body": b"gradio"})


@pytest.fixture
def pages(tmp_path):
    pages = DemoPages(tmp_path, Limits(uploads=1))
    results = pages.kept / "12ab" / "results-34cd"
    results.mkdir(parents=True)
    (results / "face.jpg").write_text("picture")
    (results / "face.obj").write_text("mesh")
    (results / "out").symlink_to(tmp_path)
    (pages.kept / "12ab" / "me.jpg").write_text("photograph")
    (tmp_path / "secret").write_text("secret")
    return pages


@pytest.fixture
def ask(pages):
    app = LocalApp(_gradio, pages, Limits(uploads=1, bytes=1000), "key")

    def ask(path, method="GET", **headers):
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            await asyncio.Event().wait()  # a browser that stays

        named = {name.replace("_", "-"): value for name, value in (_HOST | headers).items()}
        pairs = [(name.encode(), value.encode()) for name, value in named.items()]
        scope = {"type": "http", "method": method, "path": path, "headers": pairs, "extensions": {}}
        asyncio.run(app(scope, receive, send))
        body = b"".join(message.get("body", b"") for message in sent[1:]).decode()
        return sent[0]["status"], body, {name.decode(): value.decode() for name, value in sent[0]["headers"]}

    return ask


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "127.0.0.1:8000", "[::1]:7860"])
def test_this_machine_is_answered_also_by_a_forwarded_port(ask, host):
    assert ask("/", host=host)[:2] == (200, "gradio")
    assert ask("/", host=host, origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "10.0.0.1:7860", "", "[", "user@example.org"])
def test_another_sites_name_is_refused(ask, host):
    assert ask("/", host=host)[0] == 403


@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://localhost.example.org", ""])
def test_another_sites_page_is_refused(ask, origin):
    assert ask("/gradio_api/queue/join", "POST", origin=origin, content_length="10")[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=https://example.org/",
        "/gradio_api/proxy=https://example.org/",
        "/gradio_api/deep_link",
        "/gradio_api/run/predict",
        "/gradio_api/call/predict",
        "/file=/etc/passwd",
        "/monitoring",
        "/docs",
        "/openapi.json",
    ],
)
def test_of_gradios_addresses_only_those_of_its_page_are_there(ask, path):
    assert ask(path)[0] == 404
    assert ask(path, "POST", content_length="10")[0] == 404


@pytest.mark.parametrize("path", ["/", "/config", "/theme.css", "/assets/index.js", "/gradio_api/queue/data"])
def test_gradios_page_may_fetch_from_this_machine_only(ask, path):
    status, _, headers = ask(path)
    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_results_are_shown_or_saved(ask):
    assert ask(f"{_RESULTS}/face.jpg")[:2] == (200, "picture")
    status, body, headers = ask(f"{_RESULTS}/face.obj")
    assert (status, body) == (200, "mesh")
    assert headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "path",
    [
        f"{_RESULTS}/../me.jpg",
        f"{_RESULTS}/../../../secret",
        f"{_RESULTS}/out/secret",
        f"{_RESULTS}//etc/passwd",
        f"{_RESULTS}/",
        f"{_RESULTS}/gone.jpg",
        "/faces/12ab/me.jpg",
        "/faces/../secret",
    ],
)
def test_nothing_but_results_is_served(ask, path):
    status, body, _ = ask(path)
    assert status == 404
    assert "secret" not in body
    assert "photograph" not in body.partition("drop the")[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"content_length": "1000"}, 200), ({"content_length": "70000"}, 413), ({}, 411), ({"content_length": "-1"}, 411)],
)
def test_uploads_are_limited_in_size(ask, headers, status):
    assert ask("/gradio_api/upload", "POST", **headers)[0] == status


def test_uploads_are_limited_in_number(ask, pages):
    (pages.uploads / "waiting.jpg").write_text("x")
    status, body, _ = ask("/gradio_api/upload", "POST", content_length="10")
    assert (status, body) == (503, "Too many photographs are waiting. Try again in a moment.")


def test_pages_learn_that_the_demo_was_started_again(ask):
    assert ask("/alive")[1] == '{"key":"key"}'
