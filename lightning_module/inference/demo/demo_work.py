"""What a demo does when a person drops a photograph, or chooses a network or a face."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray

from datamodules.errors import InputError, described
from datamodules.files.images import write_png
from datamodules.files.photographs import read_photograph
from lightning_module.inference.demo import result_html
from lightning_module.inference.demo.demo_networks import DemoNetworks, OfferedNetwork
from lightning_module.inference.demo.demo_pages import Choice, DemoPages, OpenPage, Shown
from lightning_module.inference.demo.limits import Limits
from lightning_module.inference.demo.map_difference import are_comparable
from lightning_module.inference.demo.result_files import SeenFace, write_preview, write_results
from lightning_module.inference.face import Face

FACES = "faces"  # first part of the addresses of results
_SAMPLE = "astronaut.png"  # scikit-image's portrait of Eileen Collins by NASA, in the public domain


class DemoWork:
    """The work of a demo.

    Args:
        networks: The networks that can be chosen.
        pages: What is kept for each page.
        limits: What is accepted.
    """

    def __init__(self, networks: DemoNetworks, pages: DemoPages, limits: Limits) -> None:
        self._networks = networks
        self._pages = pages
        self._limits = limits

    def drop(self, session: str, sent: str, choice: Choice) -> Shown:
        """Takes a photograph that was sent, and shows its faces.

        Args:
            session: Key of the page.
            sent: Path of the file, as the browser names it.
            choice: What is chosen.
        """
        return _or_fault(lambda: self._drop(self._pages.page(session), sent, choice))

    def take_sample(self, session: str, choice: Choice) -> Shown:
        """Takes a sample photograph, and shows its face."""
        return _or_fault(lambda: self._take_sample(self._pages.page(session), choice))

    def choose(self, session: str, choice: Choice) -> Shown:
        """Shows the faces of the photograph that the page has, as other networks see them."""
        return _or_fault(lambda: self._show(self._pages.page(session), choice))

    def clear(self, session: str) -> Shown:
        """Removes the photograph and the results of a page."""
        self._pages.page(session).clear()
        return Shown(results=result_html.WELCOME)

    def _drop(self, page: OpenPage, sent: str, choice: Choice) -> Shown:
        return self._replace(page, self._pages.sent(sent), choice)

    def _take_sample(self, page: OpenPage, choice: Choice) -> Shown:
        sample = self._pages.uploads / secrets.token_hex(8) / _SAMPLE
        sample.parent.mkdir()
        write_png(sample, skimage.data.astronaut())  # type: ignore[no-untyped-call]
        return self._replace(page, sample, choice)

    def _replace(self, page: OpenPage, sent: Path, choice: Choice) -> Shown:
        former = list(page.results)
        try:
            page.take(sent)
            return self._show(page, choice)
        finally:
            page.forget(former)

    def _show(self, page: OpenPage, choice: Choice) -> Shown:
        if page.photo is None:
            return Shown(results=result_html.WELCOME)
        # the browser may tell of one choice more than once
        if (last := page.last) is not None and last[0] == choice:
            return last[1]
        shown = self._shown(page, page.photo, choice)
        page.last = (choice, shown)
        return shown

    def _shown(self, page: OpenPage, photo: Path, choice: Choice) -> Shown:
        networks = [self._networks.choice(value) for value in (choice.first, choice.second) if value]
        if not networks:
            raise InputError("no network is chosen. Choose one as network A, or train one with python run.py fit.")
        image = self._read(photo)
        faces, faults = self._faces(page, networks, image)
        number = choice.face if choice.face < len(faces[0]) else 0
        out = page.new_results()
        address = f"/{FACES}/{page.folder.name}/{out.name}"
        write_preview(image, faces[0], number, out / "photograph.jpg")
        preview = result_html.preview(address, photo.name)
        if not faces[0]:
            missing = f"{photo.name}: no face was found. Try a photograph in which the face is larger, or upright; `predict` has --boxes and --min_confidence."
            return Shown(preview, result_html.fault(missing))
        shown = _results(networks[: len(faces)], [of[number] for of in faces], photo, out, address)
        return Shown(preview, "".join(map(result_html.fault, faults)) + shown, len(faces[0]), number)

    def _read(self, photo: Path) -> NDArray[np.uint8]:
        try:
            return read_photograph(photo, self._limits.pixels)
        except InputError as error:  # the user has never seen the folder
            raise InputError(str(error).replace(str(photo), photo.name)) from error

    def _faces(
        self, page: OpenPage, networks: list[OfferedNetwork], image: NDArray[np.uint8]
    ) -> tuple[list[list[Face]], list[str]]:
        """The faces of a page's photograph as each network sees them, and what fails about the second network.

        They are searched for once, by the first network that is asked.
        """
        known = page.faces
        page.faces = {}
        faults = []
        for network in networks:
            try:
                page.faces[network.value] = known.get(network.value) or self._reconstructed(network, image, known)
            except InputError as error:
                if not page.faces:
                    raise
                faults.append(f"network B, {network.name}: {error}")
            if not page.faces.get(network.value):
                break
            known |= page.faces
        return [page.faces[network.value] for network in networks if network.value in page.faces], faults

    def _reconstructed(
        self, network: OfferedNetwork, image: NDArray[np.uint8], known: dict[str, list[Face]]
    ) -> list[Face]:
        reconstructor = self._networks.load(network)
        seen = next(filter(None, known.values()), None)
        if seen is None:
            return reconstructor(image)
        return reconstructor.reconstruct(image, [replace(face.detection, confidence=None) for face in seen])


def _results(networks: list[OfferedNetwork], faces: list[Face], photo: Path, out: Path, address: str) -> str:
    slots = "AB" if len(networks) > 1 else "A"
    seen = [
        SeenFace(f"{slot}_{re.sub(r'[^0-9A-Za-z._-]', '-', network.name)}", network.name, face)
        for slot, network, face in zip(slots, networks, faces, strict=True)
    ]
    shown = result_html.results(networks, faces, write_results(seen, photo, out), address)
    if len(faces) == 1 or are_comparable(faces[0].layout, faces[1].layout):
        return shown
    return result_html.fault(_OTHER_LAYOUT) + shown


_OTHER_LAYOUT = (
    "A and B have other layouts: their face models or tables of regions differ, so their maps cannot be compared point by "
    "point. Choose two networks that were trained with the same ones to see a difference."
)


def _or_fault(work: Callable[[], Shown]) -> Shown:
    """What the work shows, or one line about what went wrong."""
    try:
        return work()
    except InputError as error:
        return Shown(results=result_html.fault(str(error)))
    # what detectors and other libraries raise depends on the photograph
    except Exception as error:  # noqa: BLE001
        message = f"the photograph cannot be worked on ({described(error)}). Try another."
        return Shown(results=result_html.fault(message))
