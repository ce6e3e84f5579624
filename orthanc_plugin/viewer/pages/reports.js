// Has the viewer draw a report's outlines and numbers again: OHIF 3.13.2 learns which ones belong to the pane after it has
// drawn the image, and says it to nobody, so that what came late stays invisible until the image is touched.

const RESTS_MS = 250;
const LOOKS = 120;

export class Reports {
  constructor({ services }) {
    this.services = services;
    this.timers = new Map();
    const { viewportGridService: grid, cornerstoneViewportService: viewports } = services;
    const look = () => this.look();
    this.subscriptions = [
      grid.subscribe(grid.EVENTS.GRID_STATE_CHANGED, look),
      viewports.subscribe(viewports.EVENTS.VIEWPORT_DATA_CHANGED, look),
    ];
  }

  close() {
    this.subscriptions.forEach(each => each.unsubscribe());
    this.timers.forEach(clearTimeout);
  }

  look() {
    for (const [id, { displaySetInstanceUIDs }] of this.services.viewportGridService.getState().viewports) {
      const { displaySetService } = this.services;
      if (displaySetInstanceUIDs.some(uid => displaySetService.getDisplaySetByUID(uid)?.Modality === 'SR')) {
        this.draw(id, LOOKS);
      }
    }
  }

  // Until something is written on the image; the report may measure nothing there, so not for ever.
  draw(id, looks) {
    clearTimeout(this.timers.get(id));
    const element = this.services.cornerstoneViewportService.getCornerstoneViewport(id)?.element;
    if (looks === 0 || element?.querySelector('svg text')) {
      return;
    }
    if (element) {
      window.cornerstoneTools.utilities.triggerAnnotationRenderForViewportIds([id]);
    }
    this.timers.set(id, setTimeout(() => this.draw(id, looks - 1), RESTS_MS));
  }
}
