"""Fill a template: one HTML page that needs no script, no request and no other file."""

from typing import TYPE_CHECKING, Any

from sentiment.explain.page import STYLE
from sentiment.report.tables import format_setting

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(template: str, **values: Any) -> str:
    """Return the page of a template in `templates/`; values are escaped."""
    from markupsafe import Markup

    environment = _open_templates()
    style = environment.get_template("style.css").render()
    page = environment.get_template(template).render(style=Markup(style + STYLE), **values)
    return "\n".join(line.strip() for line in page.splitlines() if line.strip()) + "\n"


def _open_templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sentiment.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share, digits: f"{share:.{digits}%}"
    environment.filters["place_on"] = lambda share, scale: f"{(share - scale[0]) / (scale[1] - scale[0]):.4f}"
    environment.filters["setting"] = format_setting
    return environment
