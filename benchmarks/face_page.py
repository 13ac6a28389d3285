"""The page that `predict` writes, as a picture for the README: python -m benchmarks.face_page INDEX_HTML [OUT_JPG]."""

import sys
from pathlib import Path

from benchmarks.screenshots import PROJECT, opened


def main(index: Path, out: Path = PROJECT / "docs" / "predicted.jpg") -> None:
    """Its first face, textured as it is seen first, and then turned, shaded."""
    with opened() as page:
        page.set_viewport_size({"width": 420, "height": 560})
        page.goto(index.resolve().as_uri())
        page.wait_for_timeout(2000)
        page.screenshot(path=out, type="jpeg", quality=85)
        canvas = page.locator("canvas").first
        box = canvas.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 5)
        page.mouse.up()
        page.check("#shaded")
        page.wait_for_timeout(500)
        page.screenshot(path=out.with_stem(f"{out.stem}_shaded"), type="jpeg", quality=85)
    print(out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
