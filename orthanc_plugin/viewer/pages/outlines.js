// Draws the newest outlines of the node upon their source, wherever that hangs first; after that they are the person's.
import { headerOf, isResult, newestFirst } from './hanging.js';
import { Panes } from './panes.js';

const LABELMAP = 'Labelmap';
// OHIF waits a second before it measures, and takes some more for it.
const MEASURES_MS = 10000;
const TRIES_MOST = 6;

export class Outlines extends Panes {
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
    for (let tries = 0; tries < TRIES_MOST && !this.closed && !this.measured(segmentationId); tries += 1) {
      await this.add(segmentationId, viewportId);
      // OHIF measures segments only when it is told that they changed.
      window.cornerstoneTools.segmentation.triggerSegmentationEvents.triggerSegmentationDataModified(segmentationId);
      await new Promise(resolve => setTimeout(resolve, MEASURES_MS));
    }
  }

  // Where what hangs changes meanwhile, OHIF takes the outlines away, and measures nothing then.
  async add(segmentationId, viewportId) {
    const { segmentationService } = this.services;
    if (!segmentationService.getSegmentationRepresentations(viewportId, { segmentationId }).length) {
      await segmentationService.addSegmentationRepresentation(viewportId, { segmentationId, type: LABELMAP });
    }
  }

  measured(segmentationId) {
    const segments = Object.values(this.services.segmentationService.getSegmentation(segmentationId)?.segments ?? {});
    return segments.some(each => each.cachedStats?.namedStats?.volume);
  }
}

// Of a series whose images hang one by one, each may have outlines of its own.
function liesOn(outlined, image) {
  const series = [headerOf(outlined).ReferencedSeriesSequence ?? []].flat();
  const named = series.flatMap(each => [each.ReferencedInstanceSequence ?? []].flat());
  const known = new Set(named.map(each => each.ReferencedSOPInstanceUID));
  return (image?.instances ?? []).some(each => known.has(each.SOPInstanceUID));
}
