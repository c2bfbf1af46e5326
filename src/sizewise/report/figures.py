"""Charts as files: PNG and SVG of the same."""

import textwrap
from collections.abc import Iterable
from pathlib import Path
from threading import Thread

import vl_convert

from sizewise.report.section import Chart

PIXELS = 2  # of a PNG, for each of the chart's own
TITLE_WIDTH = 72  # characters in a line
EMPTY = {"mark": "point", "data": {"values": []}}


def warm_up() -> None:
    """Begin to start the engine that draws, which takes half a second on a core of its own."""
    Thread(target=vl_convert.vegalite_to_svg, args=(EMPTY,)).start()


def write_figures(charts: Iterable[Chart], folder: Path) -> list[Path]:
    """Write each chart into `folder`, which is made if it is not there; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for chart in charts:
        title = textwrap.wrap(chart.caption, TITLE_WIDTH)  # a longer line would widen the picture
        spec = chart.spec | {"title": title, "datasets": chart.data, "background": "white"}
        png, svg = (folder / f"{chart.name}.{kind}" for kind in ("png", "svg"))
        drawn = vl_convert.vegalite_to_svg(spec)
        svg.write_text(drawn, encoding="utf-8")
        png.write_bytes(vl_convert.svg_to_png(drawn, scale=PIXELS))
        files += [png, svg]
    return files
