// Draws the newest outlines of the node upon their source, wherever that hangs first; after that they are the person's.
import { isResult, newestFirst } from './hanging.js';

const RESTS_MS = 250;
const LABELMAP = 'Labelmap';

export class Outlines {
  constructor({ services }) {
    this.services = services;
    this.done = new Set();
    this.timer = null;
    const { viewportGridService: grid, cornerstoneViewportService: viewports } = this.services;
    const soon = () => this.soon();
    this.subscriptions = [
      grid.subscribe(grid.EVENTS.VIEWPORTS_READY, soon),
      grid.subscribe(grid.EVENTS.GRID_STATE_CHANGED, soon),
      viewports.subscribe(viewports.EVENTS.VIEWPORT_DATA_CHANGED, soon),
    ];
  }

  close() {
    clearTimeout(this.timer);
    this.subscriptions.forEach(each => each.unsubscribe());
  }

  // OHIF hangs everything twice when a study opens, which would take the first drawing away.
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look().catch(console.error), RESTS_MS);
  }

  async look() {
    const { displaySetService, viewportGridService, cornerstoneViewportService } = this.services;
    const outlined = newestFirst(displaySetService.getActiveDisplaySets().filter(isResult)).find(
      each => each.Modality === 'SEG'
    );
    const hung = [...viewportGridService.getState().viewports].find(([, { displaySetInstanceUIDs }]) =>
      displaySetInstanceUIDs.includes(outlined?.referencedDisplaySetInstanceUID)
    );
    if (!hung || this.done.has(outlined.displaySetInstanceUID)) {
      return;
    }
    if (cornerstoneViewportService.getCornerstoneViewport(hung[0])?.getImageData()) {
      await this.draw(outlined, hung[0]);
    } else {
      this.soon(); // nobody says when the image itself has come
    }
  }

  async draw(displaySet, viewportId) {
    const segmentationId = displaySet.displaySetInstanceUID;
    if (this.done.has(segmentationId)) {
      return;
    }
    this.done.add(segmentationId);
    if (!displaySet.isLoaded) {
      await displaySet.load({ headers: {} });
    }
    await this.services.segmentationService.addSegmentationRepresentation(viewportId, { segmentationId, type: LABELMAP });
    // OHIF measures segments only when it is told that they changed.
    window.cornerstoneTools.segmentation.triggerSegmentationEvents.triggerSegmentationDataModified(segmentationId);
  }
}
