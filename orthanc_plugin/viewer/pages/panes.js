// Looks at what hangs whenever that changed and rests: OHIF hangs everything twice when a study opens, which would take
// away what was done before.

const RESTS_MS = 250;

export class Panes {
  // A subclass says what to do as `look`, which may have to be done `soon` again.
  constructor({ services }) {
    this.services = services;
    this.done = new Set();
    this.timer = null;
    const { viewportGridService: grid, cornerstoneViewportService: viewports } = services;
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

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look().catch(console.error), RESTS_MS);
  }

  // What draws in a pane, once the image itself has come; of that nobody says when.
  drawn(id) {
    const viewport = this.services.cornerstoneViewportService.getCornerstoneViewport(id);
    return viewport?.getImageData() ? viewport : null;
  }
}
