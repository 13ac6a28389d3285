"""The HTML of a demo's results."""

from html import escape
from urllib.parse import quote

import numpy as np

from lightning_module.inference.demo.demo_networks import OfferedNetwork
from lightning_module.inference.demo.difference_pictures import ColourScale
from lightning_module.inference.demo.result_files import ResultFiles, ShownDifference
from lightning_module.inference.face import Face

WELCOME = '<p class="hint">Drop a photograph on the left, or take the sample. It stays on this machine.</p>'
_STOPS = 11  # colours of the bar
_TICKS = 5


def fault(message: str) -> str:
    """A line about what went wrong."""
    return f'<p class="fault" role="alert">{escape(message)}</p>'


def preview(address: str, name: str) -> str:
    """The photograph with its faces.

    Args:
        address: Address of the folder of the results.
        name: Name of the photograph, for those who cannot see it.
    """
    return f'<img class="preview" src="{_link(address, "photograph.jpg")}" alt="{escape(name)}">'


def results(networks: list[OfferedNetwork], faces: list[Face], files: ResultFiles, address: str) -> str:
    """The faces to turn, the pictures of each network, and the difference.

    Args:
        networks: One or two networks.
        faces: The face as each of them sees it.
        files: The files of the results.
        address: Address of their folder.
    """
    parts = [_frame(_link(address, page)) for page in files.pages]
    slots = "AB" if len(networks) > 1 else " "
    for slot, network, face, pictures in zip(slots, networks, faces, files.pictures, strict=False):
        pitch, yaw, roll = (f"{angle:+z.0f}°" for angle in face.pose)
        title = escape(f"{slot} · {network.label}" if slot.strip() else network.label)
        parts.append(
            f'<section><h3>{title}</h3><p class="small">pitch {pitch}, yaw {yaw}, roll {roll}</p>'
            f"{_row({kind: _link(address, name) for kind, name in pictures.items()})}</section>"
        )
    if files.difference is not None:
        parts.append(_difference(files.difference, address))
    return f'<div class="results">{"".join(parts)}</div>'


def _difference(shown: ShownDifference, address: str) -> str:
    values = shown.difference.of_face
    figures = {
        "mean of the face": values.mean(),
        "median": np.median(values),
        "95 % are below": np.percentile(values, 95),
        "largest": values.max(),
        "mean of the 68 landmarks": shown.difference.landmarks_percent.mean(),
    }
    rows = "".join(f"<tr><th>{name}</th><td>{number:.2f} %</td></tr>" for name, number in figures.items())
    pictures = _row({title: _link(address, name) for title, name in shown.pictures.items()})
    return (
        f"<section><h3>Difference of A and B</h3>"
        f'<p class="small">Distance of each point of the face from A to B in x, y and z, in percent of the face\'s size '
        f"(the root of the area of the box of the 68 landmarks), after the mean of z is removed from both.</p>"
        f'<div class="difference">{pictures}{_bar(shown.scale)}<table>{rows}</table></div></section>'
    )


def _bar(scale: ColourScale) -> str:
    colours = scale.colours(np.linspace(scale.end, 0, _STOPS))
    stops = ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in colours.tolist())
    ticks = "".join(f"<span>{value:g} %</span>" for value in np.linspace(scale.end, 0, _TICKS))
    return (
        f'<div class="bar" role="img" aria-label="colours from 0 to {scale.end:g} percent">'
        f'<div style="background: linear-gradient({stops})"></div><div class="ticks">{ticks}</div></div>'
    )


def _row(pictures: dict[str, str]) -> str:
    shown = (
        f'<figure><a href="{link}" target="_blank"><img src="{link}" alt="{title}"></a><figcaption>{title}</figcaption>'
        "</figure>"
        for title, link in pictures.items()
    )
    return f'<div class="pictures">{"".join(shown)}</div>'


def _frame(link: str) -> str:
    return f'<iframe class="faces" src="{link}" title="the faces, which can be turned"></iframe>'


def _link(address: str, name: str) -> str:
    return escape(f"{address}/{quote(name)}")
