"""What does a page look like?

Plain HTML from the templates beside this file: no script, no cookie, nothing from elsewhere, one style sheet inside the
page, under 20 KB, because phones with a bad connection open it first (carriers.md 1.5). Japanese always; a reader whose
browser asks for no Japanese gets each sentence in English below it.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from mailer.domain.maintenance import japanese_time
from mailer.domain.moment import JAPAN
from mailer.language import translate
from mailer.service.receipt import ReceiptPage

TEMPLATES = Path(__file__).with_name("templates")
#: The most octets of a text that a page shows; the mail has it whole, and the page stays under 20 KB.
TEXT_BYTES = 12_000


class Pages:
    """The templates, ready to be filled; `style_hash` is what a browser must find the style sheet to be."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
        self.style_hash = "sha256-" + b64encode(sha256(style.encode()).digest()).decode()
        self._templates.globals.update(style=Markup(style), say=_say, N_=str)

    def receipt(self, scope: Scope, page: ReceiptPage) -> Response:
        """Return the page that a receipt URL opens."""
        text, cut = fitting(page.text)
        schools = "、".join(page.schools)
        at = page.confirmed_at and in_both_languages(page.confirmed_at)
        values = {"page": page, "schools": schools, "text": text, "cut": cut, "at": at}
        return self._html("receipt", 200, scope, {}, values)

    def message(
        self,
        name: str,
        status: int,
        *,
        scope: Scope | None = None,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """Return one of the small pages, named as its template."""
        return self._html(name, status, scope, headers or {}, values)

    def _html(
        self, name: str, status: int, scope: Scope | None, headers: Mapping[str, str], values: Mapping[str, Any]
    ) -> Response:
        asked = Headers(scope=scope).get("accept-language", "") if scope else ""
        html = self._templates.get_template(f"{name}.html").render(values, english=reads_no_japanese(asked))
        return HTMLResponse(html, status, dict(headers))


@pass_context
def _say(context: Context, message: str, **values: Any) -> Markup:
    """Return a sentence in Japanese and, for who reads none, in English below it. Values may be (Japanese, English)."""
    pairs = {name: value if isinstance(value, tuple) else (value, value) for name, value in values.items()}
    japanese = escape(translate("ja", message)).format(**{name: pair[0] for name, pair in pairs.items()})
    if not context["english"]:
        return japanese
    english = escape(message).format(**{name: pair[1] for name, pair in pairs.items()})
    return Markup('{} <span class="en" lang="en">{}</span>').format(japanese, english)


def reads_no_japanese(accept_language: str) -> bool:
    """Tell from Accept-Language whether a reader asks for other languages only; without the header: no."""
    wanted = [part.split(";")[0].strip().lower() for part in accept_language.split(",")]
    return any(wanted) and not any(tag == "*" or tag.split("-")[0] == "ja" for tag in wanted)


def fitting(text: str) -> tuple[str, bool]:
    """Return what a page shows of a text, and whether something is missing at its end."""
    used = 0
    for at, character in enumerate(text):
        used += len(escape(character).encode("utf-8", "surrogatepass"))
        if used > TEXT_BYTES:
            return text[:at], True
    return text, False


def in_both_languages(moment: datetime) -> tuple[Markup, Markup]:
    """Return a time in Japan as each language writes it."""
    local = moment.astimezone(JAPAN)
    marked = partial(Markup('<time datetime="{}">{}</time>').format, local.isoformat("T", "minutes"))
    return marked(f"{local.year}年{japanese_time(moment)}"), marked(f"{local:%Y-%m-%d %H:%M}, Japan time")
