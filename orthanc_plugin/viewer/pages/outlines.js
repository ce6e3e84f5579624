// Draws the newest outlines of the node upon their source, wherever that hangs first; after that they are the person's.
import { headerOf, isResult, newestFirst } from './hanging.js';
import { Panes } from './panes.js';

const LABELMAP = 'Labelmap';

export class Outlines extends Panes {
  constructor(servicesManager) {
    super(servicesManager);
    this.unmeasured = new Map();
  }

  async look() {
    const { displaySetService, viewportGridService } = this.services;
    const outlined = newestFirst(displaySetService.getActiveDisplaySets().filter(isResult)).filter(
      each => each.Modality === 'SEG'
    );
    for (const [id, { displaySetInstanceUIDs }] of viewportGridService.getState().viewports) {
      const shown = displaySetInstanceUIDs.map(uid => displaySetService.getDisplaySetByUID(uid));
      const newest = outlined.find(each => shown.some(image => liesOn(each, image)));
      if (!newest || this.done.has(newest.displaySetInstanceUID)) {
        continue;
      }
      if (this.drawn(id)) {
        await this.draw(newest, id);
      } else {
        this.soon();
      }
    }
    this.measure();
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
    this.unmeasured.set(segmentationId, viewportId);
    this.measure();
  }

  // OHIF measures segments only when it is told that they changed, and not at all while images are still on their way.
  measure() {
    for (const [segmentationId, viewportId] of this.unmeasured) {
      if (this.drawn(viewportId)?.getImageIds().every(each => window.cornerstone.cache.getImage(each))) {
        window.cornerstoneTools.segmentation.triggerSegmentationEvents.triggerSegmentationDataModified(segmentationId);
        this.unmeasured.delete(segmentationId);
      } else {
        this.soon();
      }
    }
  }
}

// Of a series whose images hang one by one, each may have outlines of its own.
function liesOn(outlined, image) {
  const series = [headerOf(outlined).ReferencedSeriesSequence ?? []].flat();
  const named = series.flatMap(each => [each.ReferencedInstanceSequence ?? []].flat());
  const known = new Set(named.map(each => each.ReferencedSOPInstanceUID));
  return (image?.instances ?? []).some(each => known.has(each.SOPInstanceUID));
}
