"""Every registered page as pictures, to be looked at: `PYTHONPATH=. python tests/review/screenshots.py FOLDER [NAME…]`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import world
from browsing import Browsing, Scheme
from serving import Served
from visited import visited

SIZES = ((1280, 900), (360, 740), (1920, 1080))
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    study = Path(tempfile.mkdtemp()) / "study"
    with Served(world.make(study)) as served, Browsing() as browsing:
        for width, height in SIZES:
            for scheme in SCHEMES:
                for name, path, window in visited(browsing, served, width=width, height=height, scheme=scheme):
                    if names and name not in names:
                        continue
                    window.goto(path)
                    window.page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=width < 400)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
