"""Findings in, the column of a page out: figures in a table, legend, cautions, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from orthanc_plugin.encode.by_slice import CHART_HEIGHT, draw_by_slice
from orthanc_plugin.encode.lettering import shortened, width, wrapped, write
from orthanc_plugin.encode.picture import HEAT, HEAT_OPACITY
from orthanc_plugin.encode.theme import Theme
from orthanc_plugin.encode.view import heat_label
from orthanc_plugin.measure.findings import Figure, Findings, Segment

# A table that is full of figures has smaller rows: height of a row, size of names, of values, of units.
ROWS = ((38, 18, 23, 16), (30, 16, 19, 14), (24, 14, 16, 12))
LEGEND_ROW, LEGEND_IN_TWO = 28, 6
LEGEND_MOST = 16
CAUTION_ROW, CAUTION_SIZE = 22, 16
# Room that is kept for cautions however many figures there are, or as much as they need.
CAUTIONS_LEAST = 5 * CAUTION_ROW
BETWEEN = 18


@dataclass(frozen=True, eq=False)
class Column:
    """The space between `left` and `right`, `top` and `bottom` of a canvas."""

    draw: ImageDraw.ImageDraw
    theme: Theme
    left: int
    right: int
    top: int
    bottom: int

    def fill(self, findings: Findings) -> None:
        kept = min(self._cautions_height(findings.cautions), CAUTIONS_LEAST) + self._legend_height(findings)
        by_slice = next((found for found in findings.classes if found.by_slice), None)
        kept += 0 if by_slice is None else CHART_HEIGHT + BETWEEN
        below = self._figures(findings.figures, self.bottom - kept)
        if by_slice is not None:
            draw_by_slice(self.draw, self.theme, (self.left, below, self.right, below + CHART_HEIGHT), by_slice)
            below += CHART_HEIGHT + BETWEEN
        below = self._legend(findings, below)
        self._cautions(findings.cautions, below)

    def _figures(self, figures: Sequence[Figure], bottom: int) -> int:
        """A line a figure: name, value to the right, unit behind; returns where the next block may begin."""
        if not figures:
            return self.top
        room = bottom - self.top - BETWEEN
        row, name, value, unit = next((sizes for sizes in ROWS if sizes[0] * len(figures) <= room), ROWS[-1])
        fit = room // row
        shown = figures if len(figures) <= fit else figures[: max(fit - 1, 0)]
        units = min(max((width(figure.unit, unit) for figure in shown), default=0), (self.right - self.left) / 3)
        top = self.top
        for figure in shown:
            baseline, values = top + row * 0.7, self.right - (units + 10 if units else 0)
            names = values - width(figure.value, value) - self.left - 16
            write(self.draw, (self.left, baseline), shortened(figure.name, names, name), self.theme.ink, name, "ls")
            write(self.draw, (values, baseline), figure.value, self.theme.ink, value, "rs")
            write(self.draw, (values + 10, baseline), shortened(figure.unit, units, unit), self.theme.quiet, unit, "ls")
            top += row
            self.draw.line((self.left, top - 1, self.right, top - 1), self.theme.line, 1)
        return self._more(len(figures) - len(shown), top, row) + BETWEEN

    def _more(self, count: int, top: int, row: int) -> int:
        """What a page has no room for is counted, and is in the report."""
        if not count:
            return top
        write(self.draw, (self.left, top + row * 0.7), f"{count} more in the report", self.theme.quiet, 14, "ls")
        return top + row

    def _legend_height(self, findings: Findings) -> int:
        rows = len(self._legend_rows(findings.segments)) + bool(heat_label(findings))
        return rows * LEGEND_ROW + (BETWEEN if rows else 0)

    def _legend_rows(self, segments: Sequence[Segment]) -> list[tuple[Segment, ...]]:
        shown, across = segments[:LEGEND_MOST], 2 if len(segments) > LEGEND_IN_TWO else 1
        return [tuple(shown[start : start + across]) for start in range(0, len(shown), across)]

    def _legend(self, findings: Findings, top: int) -> int:
        rows = self._legend_rows(findings.segments)
        for row in rows:
            each = (self.right - self.left) // (2 if len(findings.segments) > LEGEND_IN_TWO else 1)
            for number, segment in enumerate(row):
                self._legend_entry(segment, self.left + number * each, each, top)
            top += LEGEND_ROW
        if heat_label(findings):
            self._heat_legend(heat_label(findings), top)
            top += LEGEND_ROW
        return top + (BETWEEN if rows or heat_label(findings) else 0)

    def _legend_entry(self, segment: Segment, left: int, across: int, top: int) -> None:
        self.draw.rounded_rectangle((left, top, left + 20, top + 16), 4, fill=segment.rgb)
        label = shortened(segment.label, across - 42, 16)
        write(self.draw, (left + 32, top + 14), label, self.theme.ink, 16, "ls")

    def _heat_legend(self, label: str, top: int) -> None:
        """From little to much, in the colours of the picture on middle grey."""
        wide = 120
        for x in range(wide):
            share = HEAT_OPACITY * x / (wide - 1)
            colour = tuple(round(128 * (1 - share) + part * share) for part in HEAT)
            self.draw.line((self.left + x, top, self.left + x, top + 16), colour)
        text = shortened(label, self.right - self.left - wide - 12, 16)
        write(self.draw, (self.left + wide + 12, top + 14), text, self.theme.ink, 16, "ls")

    def _cautions_height(self, cautions: Sequence[str]) -> int:
        return sum(len(self._caution_lines(caution)) * CAUTION_ROW + 8 for caution in cautions)

    def _caution_lines(self, caution: str) -> list[str]:
        return wrapped(caution, self.right - self.left - 18, CAUTION_SIZE)

    def _cautions(self, cautions: Sequence[str], top: int) -> None:
        """As many as fit; where some don't, the last line says how many more the report holds."""
        for number, caution in enumerate(cautions):
            lines, left_over = self._caution_lines(caution), len(cautions) - number
            if top + CAUTION_ROW * (len(lines) + (left_over > 1)) > self.bottom:
                text = f"{left_over} more in the report"
                write(self.draw, (self.left + 18, top + 16), text, self.theme.caution, CAUTION_SIZE, "ls")
                return
            write(self.draw, (self.left + 2, top + 16), "!", self.theme.caution, CAUTION_SIZE + 2, "ls")
            for line in lines:
                write(self.draw, (self.left + 18, top + 16), line, self.theme.caution, CAUTION_SIZE, "ls")
                top += CAUTION_ROW
            top += 8
