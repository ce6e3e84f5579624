// The node's extension of OHIF: a button that runs a model, what it said on the image, results beside their source.
import { protocolOf, PROTOCOL } from './hanging.js';
import { Outlines } from './outlines.js';
import { Places } from './places.js';
import { predict } from './predict.js';
import { Reports } from './reports.js';
import { Verdicts } from './verdicts.js';
import { Windows } from './windows.js';

const BUTTON = {
  id: 'Predict',
  uiType: 'ohif.toolButton',
  props: {
    icon: 'tool-magnetic-roi',
    label: 'Predict',
    tooltip: 'Run a model on the displayed series or slice',
    commands: 'predict',
    evaluate: 'evaluate.action',
  },
};

// OHIF's icons have none for this, so the word stands beside the one that is there.
const NAMED = `[data-cy=${BUTTON.id}] button { width: auto !important; padding: 0 8px; }
  [data-cy=${BUTTON.id}] button::after { content: '${BUTTON.props.label}'; color: #fff; font-size: 14px; }`;

let outlines = null;
let places = null;
let reports = null;
let verdicts = null;
let windows = null;

export const extension = {
  id: 'inference-node',

  // Joins the toolbar that the modes share.
  modeCustomizations: {
    toolbarButtons: { $push: [BUTTON] },
    'cornerstone.toolbarSections': { primary: { $push: [BUTTON.id] } },
    // Neither a page nor a single frame is a film.
    autoCineModalities: { $set: [] },
  },

  preRegistration({ servicesManager, commandsManager, extensionManager }) {
    const { hangingProtocolService } = servicesManager.services;
    document.head.appendChild(Object.assign(document.createElement('style'), { textContent: NAMED }));
    hangingProtocolService.addProtocol(PROTOCOL, () => ({ protocol: protocolOf(servicesManager) }));
    commandsManager.registerCommand('DEFAULT', 'predict', {
      commandFn: () => predict({ servicesManager, extensionManager, outlines, verdicts }),
    });
  },

  onModeEnter({ servicesManager }) {
    outlines = new Outlines(servicesManager);
    places = new Places(servicesManager);
    reports = new Reports(servicesManager);
    verdicts = new Verdicts(servicesManager);
    windows = new Windows(servicesManager);
  },

  onModeExit() {
    outlines?.close();
    places?.close();
    reports?.close();
    verdicts?.close();
    windows?.close();
    outlines = places = reports = verdicts = windows = null;
  },
};
