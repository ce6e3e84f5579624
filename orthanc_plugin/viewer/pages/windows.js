// Shows PET as its header says, beside results and beneath them.
//
// OHIF 3.13.2 brings the values to SUV and leaves the header's window in what is stored: beneath a map nothing is to be
// seen then. In a pane of its own it shows 0 to 5 SUV, where much of a brain is white.
import { sides } from './hanging.js';
import { Panes } from './panes.js';

export class Windows extends Panes {
  async look() {
    const { displaySetService, viewportGridService } = this.services;
    const { left } = sides(displaySetService.getActiveDisplaySets());
    const voiRange = left?.Modality === 'PT' ? inSuv(left) : null;
    const panes = voiRange ? [...viewportGridService.getState().viewports.keys()] : [];
    panes.filter(id => !this.done.has(id)).forEach(id => this.show(voiRange, id, left));
  }

  // Once for each pane; after that it is the person's.
  show(voiRange, id, { imageIds }) {
    const viewport = this.drawn(id);
    if (!viewport) {
      this.soon();
    } else if (viewport.getImageIds().some(each => imageIds.includes(each))) {
      this.done.add(id);
      viewport.setProperties({ voiRange });
      viewport.render();
    }
  }
}

// Null where the values stay as they are stored.
function inSuv({ instances }) {
  const { WindowCenter, WindowWidth, imageId } = instances[0];
  const [centre, width] = [WindowCenter, WindowWidth].map(each => Number([each].flat()[0]));
  const factor = window.cornerstone.metaData.get('scalingModule', imageId)?.suvbw;
  return factor && width ? { lower: factor * (centre - width / 2), upper: factor * (centre + width / 2) } : null;
}
