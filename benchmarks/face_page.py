"""A picture of a face in the page that `predict` writes: python -m benchmarks.face_page FOLDER NAME [OUT_JPG].

From left to right: landmarks and mesh on the photograph, the 3-D view of the page, and the same rotated and shaded.
"""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from benchmarks.screenshots import PROJECT, opened

_SIDE = 320
_DRAG_PX = 60  # movement of the mouse that rotates the face


def main(folder: Path, name: str, out: Path = PROJECT / "docs" / "predicted.jpg") -> None:
    """Writes the picture."""
    panels = [Image.open(folder / f"{name}_{kind}.jpg") for kind in ("landmarks", "mesh")]
    with opened() as page:
        page.goto((folder / "index.html").resolve().as_uri())
        page.wait_for_timeout(2000)
        canvas = page.locator("article").filter(has_text=name).first.locator("canvas")
        panels.append(Image.open(BytesIO(canvas.screenshot())))
        box = canvas.bounding_box()
        assert box is not None
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + _DRAG_PX, middle[1])
        page.mouse.up()
        page.check("#shaded")
        page.wait_for_timeout(500)
        panels.append(Image.open(BytesIO(canvas.screenshot())))
    picture = Image.new("RGB", (_SIDE * len(panels), _SIDE))
    for place, panel in enumerate(panels):
        picture.paste(panel.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), (place * _SIDE, 0))
    picture.save(out, quality=85)
    print(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(Path, sys.argv[3:]))
