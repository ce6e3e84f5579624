"""The report's page: titles, tables and pictures go in, one HTML file that needs nothing but its pictures comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .8rem 0 }
th, td { border: 1px solid #ccc; padding: .25rem .6rem; text-align: left }
.notice { background: #fff3cd; border: 1px solid #e0c36a; padding: .6rem .9rem }
img { max-width: 100%; margin: .3rem .3rem .3rem 0 }
"""


@dataclass(frozen=True)
class Rows:
    """A table; the first row is its head."""

    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Pictures:
    """Files beside the page, and what they show."""

    files: Sequence[str]
    caption: str


Part = str | Rows | Pictures


@dataclass(frozen=True)
class Section:
    title: str
    parts: Sequence[Part]


def render(title: str, first_line: str, notice: str, sections: Sequence[Section]) -> str:
    body = "\n".join(
        f"<h2>{escape(section.title)}</h2>\n" + "\n".join(map(_part, section.parts)) for section in sections
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n<p>{escape(first_line)}</p>\n<h1>{escape(title)}</h1>\n"
        f'<p class="notice">{escape(notice)}</p>\n{body}\n</body></html>\n'
    )


def _part(part: Part) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>"
    if isinstance(part, Pictures):
        images = "".join(f'<img src="{escape(file)}" alt="{escape(part.caption)}">' for file in part.files)
        return f"<p>{images}<br>{escape(part.caption)}</p>"
    head, *rows = part.rows
    lines = [_row(head, "th"), *(_row(row, "td") for row in rows)]
    return "<table>" + "".join(lines) + "</table>"


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
