// Turns what hangs to the slice that the newest map or outlines stand on by their own words; after that it is the person's.
import { headerOf, sides } from './hanging.js';
import { Panes } from './panes.js';

export class Places extends Panes {
  async look() {
    const { left, right, outlined } = sides(this.services.displaySetService.getActiveDisplaySets());
    const shown = [right, outlined].find(each => each && placeOf(headerOf(each)));
    if (!shown || this.done.has(shown.displaySetInstanceUID)) {
      return;
    }
    const panes = [left, shown].flatMap(each => (each ? this.of(each.displaySetInstanceUID) : []));
    const viewports = panes.map(id => this.drawn(id));
    if (!panes.length) {
      return;
    }
    if (!viewports.every(Boolean)) {
      this.soon();
      return;
    }
    this.done.add(shown.displaySetInstanceUID);
    viewports.forEach(each => each.jumpToWorld(placeOf(headerOf(shown))));
  }

  // The ids of those that a display set hangs in.
  of(displaySetInstanceUID) {
    const panes = [...this.services.viewportGridService.getState().viewports];
    return panes.filter(([, pane]) => pane.displaySetInstanceUIDs.includes(displaySetInstanceUID)).map(([id]) => id);
  }
}

// Of the frame that represents all.
function placeOf({ RepresentativeFrameNumber, PerFrameFunctionalGroupsSequence: frames }) {
  const groups = [frames ?? []].flat()[RepresentativeFrameNumber - 1];
  return [groups?.PlanePositionSequence].flat()[0]?.ImagePositionPatient?.map(Number);
}
