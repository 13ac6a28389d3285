"""What stands between a browser and the demo's page: who may ask, for what, and what the page may fetch."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from lightning_module.inference.demo.demo_pages import DemoPages
from lightning_module.inference.demo.demo_work import FACES
from lightning_module.inference.demo.limits import Limits
from lightning_module.inference.demo.loopback_only import is_loopback

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ALIVE = "/alive"
_API = "/gradio_api"
# of gradio's addresses, those that its page needs; others serve files, fetch addresses, and run functions by name
_PAGE = re.compile(
    r"/|/(config|theme\.css|manifest\.json|favicon\.ico|robots\.txt)/?|/(assets|static|svelte)/.*"
    rf"|{_API}/(info|startup-events|app_id|upload|upload_progress|cancel|reset|heartbeat/[^/]+|queue/(join|data))/?"
)
_FILE = re.compile(rf"/{FACES}/(?P<page>[0-9a-f]+)/(?P<results>results-[0-9a-f]+)/(?P<name>[^\0]+)")
# gradio's page needs inline scripts and styles, and compiles templates; nothing comes from, or goes to, another place
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",  # photographs do not stay in the browser's cache
}
_FORM_BYTES = 2**16  # of an upload beside its file
_MOST_JSON = 2**20  # bytes of other requests
_SHOWN = (".html", ".jpg", ".png")  # other files are saved, not shown


class LocalApp:
    """An ASGI application that serves the demo's page to this machine.

    Args:
        page: Gradio's application.
        pages: What is kept for each page.
        limits: Sizes and numbers of photographs.
        key: Changes with each start, so that pages of an earlier one notice.
    """

    def __init__(self, page: App, pages: DemoPages, limits: Limits, key: str) -> None:
        self._page = page
        self._pages = pages
        self._limits = limits
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "lifespan":
            await self._page(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        answer = self._own_answer(scope) or self._page
        await answer(scope, receive, _with_headers(send, scope["path"]))

    def _own_answer(self, scope: Scope) -> Response | None:
        """The answer to a request that is not passed on to gradio."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not _is_local(f"//{headers.get('host', '')}") or not _is_local(headers.get("origin", "//localhost")):
            return PlainTextResponse("This page is for the machine on which it runs.", 403)
        path: str = scope["path"]
        if path == ALIVE:
            return JSONResponse({"key": self._key})
        if match := _FILE.fullmatch(path):
            return self._file(self._pages.kept / match["page"] / match["results"], match["name"])
        if not _PAGE.fullmatch(path):
            return PlainTextResponse("There is no such address.", 404)
        is_upload = path.rstrip("/") == f"{_API}/upload"
        return self._refusal(headers, is_upload) if scope["method"] == "POST" else None

    def _refusal(self, headers: dict[str, str], is_upload: bool) -> Response | None:
        length = headers.get("content-length", "")
        most = self._limits.bytes + _FORM_BYTES if is_upload else _MOST_JSON
        if not length.isdigit():
            return PlainTextResponse("The request does not state its length.", 411)
        if int(length) > most:
            return PlainTextResponse(
                f"The file is larger than {self._limits.bytes / 2**20:g} MB. Save it smaller.", 413
            )
        if is_upload and not self._pages.has_room():
            return PlainTextResponse("Too many photographs are waiting. Try again in a moment.", 503)
        return None

    def _file(self, folder: Path, name: str) -> Response:
        """A file of results; nothing outside of their folder."""
        path = folder / name
        if ".." in path.parts or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            return PlainTextResponse(
                "The results are no longer there. Choose a network, or drop the photograph again.", 404
            )
        return FileResponse(path, filename=None if path.suffix in _SHOWN else path.name)


def _is_local(address: str) -> bool:
    """Whether the host of an address is this machine, so that no other site's name or page stands behind a request."""
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)


def _with_headers(send: Send, path: str) -> Send:
    own = dict(_HEADERS)
    if path.startswith(f"/{FACES}/"):  # the page of the faces has a stricter policy of its own
        own.pop("content-security-policy")

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.decode("latin-1").lower() not in own]
            message = {**message, "headers": [*kept, *((name.encode(), value.encode()) for name, value in own.items())]}
        await send(message)

    return send_with_headers
