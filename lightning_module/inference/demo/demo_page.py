"""The page of a demo, made with gradio."""

from importlib.resources import files
from typing import Any

import gradio as gr
from fastapi import FastAPI

from lightning_module.inference.demo.demo_networks import DemoNetworks
from lightning_module.inference.demo.demo_pages import Choice, DemoPages, Shown
from lightning_module.inference.demo.demo_work import DemoWork
from lightning_module.inference.demo.limits import Limits

_PACKAGE = "lightning_module.inference.demo"
_FONT = ("system-ui", "sans-serif")  # gradio's own themes may fetch theirs
_MONO = ("ui-monospace", "monospace")
_TITLE = "weightmask"
_NONE = ""  # value of slot B while it is empty
_HEADER = (
    "<h1>weightmask</h1><p>3-D faces from a photograph, by one network or by two side by side. "
    "Photographs stay on this machine and are removed when they are replaced.</p>"
)


class _Events:
    """What gradio calls; answers are updates of the components of the page."""

    def __init__(self, work: DemoWork, networks: DemoNetworks, pages: DemoPages) -> None:
        self._work = work
        self._networks = networks
        self._pages = pages

    def start(self, request: gr.Request) -> tuple[Any, ...]:
        """The choices as they are when a page is opened."""
        offered = self._networks.offered()
        choices = [(network.label, network.value) for network in offered]
        given = [network.value for network in self._networks.given]
        first = given[0] if given else next((value for _, value in choices), None)
        second = given[1] if len(given) > 1 else _NONE
        return (
            gr.update(choices=choices, value=first),
            gr.update(choices=[("none", _NONE), *choices], value=second),
            *_updates(self._work.clear(_key(request))),
        )

    def drop(self, file: Any, first: Any, second: Any, request: gr.Request) -> tuple[Any, ...]:
        """A photograph was sent."""
        path = file.get("path", "") if isinstance(file, dict) else ""
        return _updates(self._work.drop(_key(request), str(path), _choice(first, second)))

    def take_sample(self, first: Any, second: Any, request: gr.Request) -> tuple[Any, ...]:
        """The sample is asked for; the file of an earlier photograph goes from the page."""
        return None, *_updates(self._work.take_sample(_key(request), _choice(first, second)))

    def choose(self, first: Any, second: Any, face: Any, request: gr.Request) -> tuple[Any, ...]:
        """A network or a face is chosen."""
        return _updates(self._work.choose(_key(request), _choice(first, second, face)))

    def clear(self, request: gr.Request) -> tuple[Any, ...]:
        """The photograph is removed."""
        return _updates(self._work.clear(_key(request)))

    def close(self, request: gr.Request) -> None:
        """A page was closed."""
        self._pages.close(_key(request))


def make_page(work: DemoWork, networks: DemoNetworks, pages: DemoPages, limits: Limits) -> FastAPI:
    """The page as an application.

    Args:
        work: What happens when a person drops a photograph or chooses.
        networks: The networks to choose from.
        pages: What is kept for each page.
        limits: Size of files, and number of requests that wait.
    """
    events = _Events(work, networks, pages)
    with gr.Blocks(title=_TITLE, analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(_HEADER, elem_id="header")
        with gr.Row():
            with gr.Column(scale=1, min_width=370, elem_id="choices"):
                file = gr.File(label="Photograph", file_types=["image"], type="filepath", height=150, elem_id="file")
                sample = gr.Button("Sample photograph", size="sm", elem_id="sample")
                first = gr.Dropdown([], label="Network A", elem_id="first")
                second = gr.Dropdown([], label="Network B, to compare", elem_id="second")
                face = gr.Dropdown([], label="Face", visible=False, elem_id="face")
                preview = gr.HTML(elem_id="preview")
            with gr.Column(scale=4, min_width=480):
                results = gr.HTML(elem_id="results")
        chosen = [first, second, face]
        shown = [preview, results, face]
        # raw values, since gradio's own conversions open files before their size is known
        event: dict[str, Any] = {"preprocess": False, "concurrency_id": "work", "api_name": False}
        file.upload(events.drop, [file, first, second], shown, **event)
        file.clear(events.clear, None, shown, **event)
        sample.click(events.take_sample, [first, second], [file, *shown], **event)
        for dropdown in chosen:
            dropdown.input(events.choose, chosen, shown, **event)
        blocks.load(events.start, None, [first, second, *shown], **event)
        blocks.unload(events.close)
    blocks.queue(max_size=limits.waiting, default_concurrency_limit=1)
    page: FastAPI = gr.mount_gradio_app(
        FastAPI(),
        blocks,
        path="/",
        server_name="127.0.0.1",
        footer_links=[],
        run_history=False,
        root_path="",
        show_error=True,
        max_file_size=limits.bytes,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gr.themes.Default(font=_FONT, font_mono=_MONO),
        css=_text("demo.css"),
        head=f"<script>{_text('demo.js')}</script>",
    )
    return page


def _key(request: gr.Request) -> str:
    return str(request.session_hash)


def _choice(first: Any, second: Any, face: Any = 0) -> Choice:
    """The choice of a person, whatever a request holds."""
    number = face if isinstance(face, int) and face >= 0 else 0
    return Choice(str(first) if first else None, str(second) if second else None, number)


def _updates(shown: Shown) -> tuple[Any, ...]:
    choices = [(f"{number + 1} of {shown.faces}, from the left", number) for number in range(shown.faces)]
    face = gr.update(choices=choices, value=shown.face if choices else None, visible=shown.faces > 1)
    return shown.preview, shown.results, face


def _text(name: str) -> str:
    return (files(_PACKAGE) / name).read_text(encoding="utf-8")
