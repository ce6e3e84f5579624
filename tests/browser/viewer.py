"""The viewer as tests see it: what is hung, drawn, outlined and written in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.browser.browser import Browser

SHOWN = """() => {
  const { viewportGridService, displaySetService } = window.services;
  return [...viewportGridService.getState().viewports.values()].map(({ displaySetInstanceUIDs }) =>
    displaySetInstanceUIDs.map(uid => displaySetService.getDisplaySetByUID(uid).SeriesInstanceUID)
  );
}"""
# Every viewport that shows images has drawn one.
DRAWN = """count => {
  const { viewportGridService, cornerstoneViewportService } = window.services ?? {};
  const ids = [...(viewportGridService?.getState().viewports.keys() ?? [])];
  return ids.length >= count && ids.every(id => {
    const viewport = cornerstoneViewportService.getCornerstoneViewport(id);
    return !viewport || viewport.getImageData();
  });
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
# Turns the first viewport to the slice and says where points of the patient are in the window.
POINTS = """async ({ index, points }) => {
  const { viewportGridService, cornerstoneViewportService } = window.services;
  const [id] = viewportGridService.getState().viewports.keys();
  const viewport = cornerstoneViewportService.getCornerstoneViewport(id);
  await viewport.setImageIdIndex(index);
  viewport.render();
  await new Promise(resolve => setTimeout(resolve, 1500));
  const { x, y } = viewport.element.getBoundingClientRect();
  return points.map(point => viewport.worldToCanvas(point)).map(([a, b]) => [x + a, y + b]);
}"""
SLICE_OF = """sop => {
  const { viewportGridService, cornerstoneViewportService } = window.services;
  const [id] = viewportGridService.getState().viewports.keys();
  return cornerstoneViewportService.getCornerstoneViewport(id).getImageIds().findIndex(each => each.includes(sop));
}"""
WRITTEN = """wanted => {
  const found = [...document.querySelectorAll('[data-cy=viewport-pane] svg text')].map(each => each.textContent);
  return found.some(text => wanted.every(part => text.includes(part))) && found;
}"""
VERDICT = """() => {
  const found = [...document.querySelectorAll('.inference-node-verdict')].map(each => each.innerText);
  return found.length > 0 && found;
}"""


@dataclass(frozen=True)
class Viewer:
    browser: Browser

    def open(self, job: dict[str, Any], panes: int = 1) -> None:
        """By the job's own link, until the panes are drawn."""
        self.browser.open(job["viewer"])
        self.browser.until(DRAWN, panes)

    def open_study(self, study_uid: str) -> None:
        self.browser.open(f"/ohif/viewer?StudyInstanceUIDs={study_uid}")
        self.browser.until(DRAWN, 1)

    def shown(self) -> list[list[str]]:
        """The series of each pane."""
        return list(self.browser.evaluate(SHOWN))

    def outlined(self, segments: int) -> dict[str, dict[str, float]]:
        """The viewer's own statistics by the segments' labels, once it has made so many."""
        return dict(self.browser.until(OUTLINED, segments))

    def colours(self, sop_instance_uid: str, points_mm: list[list[float]]) -> list[tuple[int, int, int]]:
        """Of the first pane at points of the patient, on the slice of that image."""
        index = self.browser.evaluate(SLICE_OF, sop_instance_uid)
        assert index >= 0, "the first pane does not show that image"
        return self.browser.colours(self.browser.evaluate(POINTS, {"index": index, "points": points_mm}))

    def open_series(self, description: str) -> None:
        self.browser.double_click(f"[data-cy*=study-browser-thumbnail]:has-text('{description}')")

    def written(self, *parts: str) -> list[str]:
        """The texts that are drawn on the images, once one of them has all the parts."""
        return list(self.browser.until(WRITTEN, list(parts)))

    def predict(self, model: str, *, slice_alone: bool = False) -> list[str]:
        """What the viewer says on the image when the model has run."""
        self.browser.click("[data-cy=Predict]")
        self.browser.wait_for("[data-cy=predict-dialog]")
        self.browser.click(f"[data-cy=predict-dialog] input[value='{model}']")
        if slice_alone:
            self.browser.click("[data-cy=predict-dialog] input[value=slice]")
        self.browser.click("[data-cy=predict-dialog] button[value=run]")
        return list(self.browser.until(VERDICT))
