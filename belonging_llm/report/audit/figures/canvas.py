"""From a matplotlib figure to an SVG that can stand inside a page.

Sizes are points, and also the units of the viewBox; `WIDTH` is about what a phone shows. Colours of text and lines
become the page's own CSS variables, so that figures follow dark mode and print.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 360.0
SMALL, SIZE = 10.5, 11.5

# Stand-ins that matplotlib can parse; the page's variables take their place in the SVG.
INK, QUIET, LINE, PAPER = "#010203", "#010204", "#010205", "#010206"
# Okabe & Ito (2008), told apart with any colour vision; the page lightens them on dark paper.
BLUE, VERMILLION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
_VARIABLES = {
    INK: "--ink",
    QUIET: "--quiet",
    LINE: "--line",
    PAPER: "--paper",
    BLUE: "--blue",
    VERMILLION: "--vermillion",
    GREEN: "--green",
    PURPLE: "--purple",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",  # comes with matplotlib and is wider than what readers see: nothing is clipped
    "font.size": SIZE,
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": LINE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "axes.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "legend.borderpad": 0.0,
    "legend.borderaxespad": 0.0,
    "lines.linewidth": 1.6,
    "lines.markersize": 6.0,
    "hatch.linewidth": 0.7,
    "hatch.color": LINE,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Drawing:
    """A figure: its SVG, and in `says` what it shows, with its key numbers."""

    name: str
    svg: str
    says: str


def draw(name: str, says: str, height: float, paint: Callable[[Figure], None]) -> Drawing:
    """Draw a figure `WIDTH` wide.

    Args:
        name: Unique on the page; begins with a letter.
        says: What the figure shows, for readers who do not see it.
        paint: Puts everything on the figure.
    """
    import matplotlib
    from matplotlib.figure import Figure

    out = io.StringIO()
    # Names may hold any script; glyphs that the measuring font lacks are there in the reader's.
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        matplotlib.rcdefaults()  # whatever the reader's own matplotlibrc says
        matplotlib.rcParams.update({**_STYLE, "svg.hashsalt": name})
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        paint(figure)
        figure.savefig(out, format="svg", transparent=True, metadata=_NO_METADATA)
    return Drawing(name, _inline(out.getvalue(), name, says), says)


def axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in points from the figure's upper left corner."""
    whole = float(figure.get_figheight()) * 72
    place = (left / WIDTH, 1 - (top + height) / whole, width / WIDTH, height / whole)
    return figure.add_axes(place)


def write(figure: Figure, left: float, top: float, text: str, **how: Any) -> None:
    """Text whose upper left corner is given in points from the figure's."""
    whole = float(figure.get_figheight()) * 72
    figure.text(left / WIDTH, 1 - top / whole, clean(text), **({"va": "top", "ha": "left"} | how))


def clean(text: str) -> str:
    """Text without characters that SVG cannot hold."""
    return _CONTROLS.sub("\ufffd", text)


def clear(given: Axes, *, keep: str = "bottom") -> None:
    """No spines but those named."""
    for side, spine in given.spines.items():
        spine.set_visible(side in keep.split())


def _inline(svg: str, name: str, says: str) -> str:
    """The drawing alone: no prologue, no style for the whole page, unique names, the page's colours and font."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = body.replace("xlink:href", "href")
    body = body.replace("'DejaVu Sans'", "var(--sans)")
    body = _own_names(body, name)
    for stand_in, variable in _VARIABLES.items():
        body = body.replace(stand_in, f"var({variable})")
    title = f'<title id="{name}-title">{escape(clean(says), quote=False)}</title>'
    box = re.search(r'viewBox="[^"]+"', body)
    more = f'preserveAspectRatio="xMinYMin meet" role="img" aria-labelledby="{name}-title"'
    head = f'<svg class="drawn" {box[0] if box else ""} {more}>'
    return re.sub(r"<svg[^>]*>", lambda _: head + title, body, count=1).strip()


def _own_names(body: str, name: str) -> str:
    """Ids that something refers to, prefixed with the figure's name; all others are dropped."""
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', body))

    def renamed(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    body = re.sub(r'\sid="([^"]*)"', renamed, body)
    return re.sub(r'(url\(#|href="#)([^)"]+)', rf"\g<1>{name}-\g<2>", body)
