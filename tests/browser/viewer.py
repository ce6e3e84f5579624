"""The viewer as tests see it: what is hung, drawn, outlined and written in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.browser.browser import Browser
from tests.waiting import eventually

SHOWN = """() => {
  const { viewportGridService, displaySetService } = window.services;
  return [...viewportGridService.getState().viewports.values()].map(({ displaySetInstanceUIDs }) =>
    displaySetInstanceUIDs.map(uid => displaySetService.getDisplaySetByUID(uid).SeriesInstanceUID)
  );
}"""
HUNG = """series => {
  const { viewportGridService, displaySetService } = window.services;
  return [...viewportGridService.getState().viewports.values()].some(({ displaySetInstanceUIDs }) =>
    displaySetInstanceUIDs.some(uid => displaySetService.getDisplaySetByUID(uid).SeriesInstanceUID === series)
  );
}"""
# Every viewport that shows images has drawn one.
DRAWN = """count => {
  const { viewportGridService, cornerstoneViewportService } = window.services;
  const panes = [...viewportGridService.getState().viewports.values()];
  return panes.length >= count && panes.every(({ viewportId, displaySetInstanceUIDs }) =>
    displaySetInstanceUIDs.length && cornerstoneViewportService.getCornerstoneViewport(viewportId).getImageData()
  );
}"""
OUTLINED = """count => {
  const segments = (window.services?.segmentationService.getSegmentations() ?? []).flatMap(each =>
    Object.values(each.segments)
  );
  const stated = segments.filter(each => each.cachedStats?.namedStats?.volume);
  return stated.length >= count && Object.fromEntries(stated.map(({ label, cachedStats: { namedStats } }) => [label, {
    voxels: namedStats.count.value, mm3: namedStats.volume.value, mean: namedStats.mean.value,
  }]));
}"""
PANE = """const { viewportGridService, cornerstoneViewportService } = window.services;
  const ids = [...viewportGridService.getState().viewports.keys()];
  const viewport = cornerstoneViewportService.getCornerstoneViewport(ids[pane]);"""
TURN = """async sop => {
  const pane = 0;
  PANE
  await viewport.setImageIdIndex(viewport.getImageIds().findIndex(each => each.includes(sop)));
  viewport.render();
}""".replace("PANE", PANE)
# Where points of the patient are in the window, once the first pane shows that image.
POINTS = """({ sop, points }) => {
  const pane = 0;
  PANE
  const { x, y } = viewport.element.getBoundingClientRect();
  return viewport.getCurrentImageId().includes(sop) &&
    points.map(point => viewport.worldToCanvas(point)).map(([a, b]) => [x + a, y + b]);
}""".replace("PANE", PANE)
SQUARE = """pane => {
  PANE
  const { x, y, width, height } = viewport.element.getBoundingClientRect();
  return [x, y, width, height];
}""".replace("PANE", PANE)
# The mean of each slice of a map, as the viewer keeps it: times 100.
MAP = """pane => {
  const { viewportGridService } = window.services;
  const { displaySetInstanceUIDs } = [...viewportGridService.getState().viewports.values()][pane];
  const volume = displaySetInstanceUIDs.map(uid => window.cornerstone.cache.getVolume(uid)).find(each => each);
  if (!volume?.loadStatus?.loaded) return false;
  const values = volume.voxelManager.getCompleteScalarDataArray();
  const [columns, rows, slices] = volume.dimensions;
  return Array.from({ length: slices }, (_, slice) => {
    const part = values.slice(slice * rows * columns, (slice + 1) * rows * columns);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}"""
STANDS = """sop => {
  const pane = 0;
  PANE
  return viewport.getCurrentImageId().includes(sop);
}""".replace("PANE", PANE)
ACTIVATE = """() => {
  const { viewportGridService } = window.services;
  viewportGridService.setActiveViewportId([...viewportGridService.getState().viewports.keys()][0]);
}"""
# A text drawn upon an image, with all of the parts.
WRITTEN = """wanted => {
  const found = [...document.querySelectorAll('[data-cy=viewport-pane] svg text')].map(each => each.textContent);
  return found.some(text => wanted.every(part => text.includes(part))) && found;
}"""
VERDICT = """() => {
  const found = [...document.querySelectorAll('.inference-node-verdict')].map(each => each.innerText);
  return found.length > 0 && found;
}"""

SAMPLES = 40


@dataclass(frozen=True)
class Viewer:
    browser: Browser

    def open(self, job: dict[str, Any], panes: int = 1, hold: str = "") -> None:
        """By the job's own link, until the panes are drawn."""
        self.browser.open(job["viewer"], hold=hold)
        self.browser.until(DRAWN, panes)

    def open_series_alone(self, study_uid: str, series_uid: str) -> None:
        self.browser.open(f"/ohif/viewer?StudyInstanceUIDs={study_uid}&SeriesInstanceUIDs={series_uid}")
        self.browser.until(DRAWN, 1)

    def shown(self) -> list[list[str]]:
        """The series of each pane."""
        return list(self.browser.evaluate(SHOWN))

    def outlined(self, segments: int) -> dict[str, dict[str, float]]:
        """The viewer's own statistics by the segments' labels, once it has made so many."""
        return dict(self.browser.until(OUTLINED, segments))

    def map_means(self, pane: int) -> list[float]:
        """Of each slice of the map in a pane, once it is loaded."""
        return [mean / 100 for mean in self.browser.until(MAP, pane)]

    def turn_to(self, sop_instance_uid: str) -> None:
        """The first pane, to that image."""
        self.browser.evaluate(TURN, sop_instance_uid)

    def colour(self, sop_instance_uid: str, point_mm: list[float]) -> tuple[int, int, int]:
        """Of the first pane at a point of the patient, once it shows that image."""
        (at,) = self.browser.until(POINTS, {"sop": sop_instance_uid, "points": [point_mm]})
        (found,) = self.browser.colours([at])
        return found

    def colours(self, pane: int) -> list[tuple[int, int, int]]:
        """All over it; the first is 0."""
        left, top, width, height = self.browser.evaluate(SQUARE, pane)
        shares = [(2 * number + 1) / (2 * SAMPLES) for number in range(SAMPLES)]
        return self.browser.colours([(left + x * width, top + y * height) for x in shares for y in shares])

    def stands_on(self, sop_instance_uid: str) -> None:
        """Waits until the first pane does."""
        self.browser.until(STANDS, sop_instance_uid)

    def open_report(self, description: str, series_uid: str) -> None:
        """In the first pane. A busy machine may take a double click for two single ones."""

        def hung() -> bool:
            self.browser.evaluate(ACTIVATE)
            self.browser.double_click(f"[data-cy*=study-browser-thumbnail]:has-text('{description}')")
            return self.browser.comes(HUNG, series_uid, within_s=5)

        eventually(hung, what=f"the report {description} in a pane")

    def written(self, *parts: str) -> list[str]:
        """What is written upon the images, once a text with all these parts is."""
        return list(self.browser.until(WRITTEN, parts))

    def predict(self, model: str, *, slice_alone: bool = False) -> list[str]:
        """What the viewer says on the image when the model has run."""
        self.ask_for(model, slice_alone=slice_alone)
        return list(self.browser.until(VERDICT))

    def ask_for(self, model: str, *, slice_alone: bool = False) -> None:
        self.browser.click("[data-cy=Predict]")
        self.browser.wait_for("[data-cy=predict-dialog]")
        self.browser.click(f"[data-cy=predict-dialog] input[value='{model}']")
        if slice_alone:
            self.browser.click("[data-cy=predict-dialog] input[value=slice]")
        self.browser.click("[data-cy=predict-dialog] button[value=run]")
