// Draws the newest outlines of the node upon their source, wherever that hangs first; after that they are the person's.
import { isResult, newestFirst } from './hanging.js';
import { Panes } from './panes.js';

const LABELMAP = 'Labelmap';

export class Outlines extends Panes {
  async look() {
    const outlined = newestFirst(this.services.displaySetService.getActiveDisplaySets().filter(isResult)).find(
      each => each.Modality === 'SEG'
    );
    const [pane] = this.of(outlined?.referencedDisplaySetInstanceUID);
    if (!pane || this.done.has(outlined.displaySetInstanceUID)) {
      return;
    }
    if (this.drawn(pane)) {
      await this.draw(outlined, pane);
    } else {
      this.soon();
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
