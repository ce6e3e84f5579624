// What a model said, in a corner of every viewport that shows the series or slice it was said of.

const MARK = 'inference-node-verdict';
const STYLE = `position:absolute; right:8px; top:48px; max-width:60%; padding:6px 8px; border-radius:4px; z-index:10;
  background:rgba(0,0,0,.65); color:#7bf; font:13px/1.4 sans-serif; white-space:pre-line; pointer-events:none;
  text-align:right;`;

export class Verdicts {
  constructor({ services }) {
    this.services = services;
    this.said = new Map();
    const { viewportGridService: grid, cornerstoneViewportService: viewports } = services;
    const paint = () => requestAnimationFrame(() => this.paint());
    this.subscriptions = [
      grid.subscribe(grid.EVENTS.GRID_STATE_CHANGED, paint),
      grid.subscribe(grid.EVENTS.VIEWPORTS_READY, paint),
      viewports.subscribe(viewports.EVENTS.VIEWPORT_DATA_CHANGED, paint),
    ];
  }

  // Lines on a series; where they are of one slice alone, the first line says so.
  say(seriesUid, lines) {
    this.said.set(seriesUid, lines);
    this.paint();
  }

  paint() {
    const { viewportGridService, displaySetService, cornerstoneViewportService } = this.services;
    for (const [id, { displaySetInstanceUIDs }] of viewportGridService.getState().viewports) {
      const element = cornerstoneViewportService.getCornerstoneViewport(id)?.element;
      const shown = displaySetInstanceUIDs.map(uid => displaySetService.getDisplaySetByUID(uid)?.SeriesInstanceUID);
      if (element) {
        write(element, shown.flatMap(uid => this.said.get(uid) ?? []));
      }
    }
  }

  close() {
    this.subscriptions.forEach(each => each.unsubscribe());
    document.querySelectorAll(`.${MARK}`).forEach(each => each.remove());
  }
}

function write(element, lines) {
  const known = element.querySelector(`:scope > .${MARK}`);
  if (!lines.length) {
    known?.remove();
    return;
  }
  const mark = known ?? element.appendChild(Object.assign(document.createElement('div'), { className: MARK }));
  mark.style.cssText = STYLE;
  mark.textContent = lines.join('\n');
}
