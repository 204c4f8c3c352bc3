"""Adapt an SVG that matplotlib drew to a page: the page chooses colours and fonts, light or dark."""

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

DECIMALS = 2
"""Of a coordinate, which is in points; no screen shows finer ones."""


def embed_svg(svg: str, label: str, variables: Mapping[str, str]) -> str:
    """Return an `<svg class="chart">` element to put into HTML.

    `label` is for readers who cannot see the chart. `variables` maps colours of the drawing to CSS variables
    of the page.
    """
    file = ElementTree.fromstring(svg)
    chart = Element("svg", {"class": "chart", "viewBox": file.attrib["viewBox"], "role": "img"})
    chart.set("aria-label", label)
    chart.extend(_find_drawing(file))
    for element in chart.iter():
        _remove_namespaces(element)
        _remove_indentation(element)
        _round_coordinates(element)
        if element.tag == "g":
            element.attrib.pop("id", None)  # nothing refers to it, and every chart has the same ones
        if "style" in element.attrib:
            element.set("style", _adapt_style(element.attrib["style"], variables))
    return ElementTree.tostring(chart, encoding="unicode")


def _find_drawing(file: Element) -> Iterator[Element]:
    """Leave out the metadata, and the style sheet, which would apply to the whole page."""
    for child in file:
        if not child.tag.endswith("}metadata") and child.find("{*}style") is None:
            yield child


def _remove_namespaces(element: Element) -> None:
    """Shorten names such as `{http://www.w3.org/2000/svg}path`, because HTML knows the names of SVG."""
    element.tag = element.tag.rpartition("}")[2]
    for name in list(element.attrib):
        element.set(name.rpartition("}")[2], element.attrib.pop(name))


def _remove_indentation(element: Element) -> None:
    element.tail = None
    if not (element.text or "").strip():
        element.text = None


def _round_coordinates(element: Element) -> None:
    """Round the numbers of paths and positions; letters between numbers stay."""
    for name in ("d", "x", "y"):
        if name in element.attrib:
            parts = element.attrib[name].split()
            numbers = (part if part.isalpha() else f"{round(float(part), DECIMALS):g}" for part in parts)
            element.set(name, " ".join(numbers))


def _adapt_style(style: str, variables: Mapping[str, str]) -> str:
    """Replace colours by variables of the page, and leave the font to the page."""
    declarations = dict(declaration.split(": ", 1) for declaration in style.split("; "))
    declarations.pop("font-family", None)
    return "; ".join(
        f"{name}: var(--{variables[value]})" if value in variables else f"{name}: {value}"
        for name, value in declarations.items()
    )
