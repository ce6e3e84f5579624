// OHIF's settings for this node. The extension makes the rest: no fork, no build.
import { extension } from './extension.js';
import { PROTOCOL } from './hanging.js';

window.config = {
  name: 'inference-node',
  routerBasename: '/ohif',
  extensions: [extension],
  modes: [],
  customizationService: { mode: { '*': extension.modeCustomizations } },
  modesConfiguration: {
    '@ohif/mode-longitudinal': { hangingProtocol: { $set: [PROTOCOL, 'default'] } },
  },
  showStudyList: true,
  maxNumberOfWebWorkers: 3,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: true,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  investigationalUseDialog: { option: 'never' },
  // A SEG or SR is drawn at once: whoever opens a result wants to see it.
  disableConfirmationPrompts: true,
  maxNumRequests: { interaction: 20, thumbnail: 5, prefetch: 5 },
  defaultDataSourceName: 'node',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'node',
      configuration: {
        friendlyName: 'Inference node',
        name: 'node',
        // Searches take a way of their own (see docs/viewer.md); everything else is Orthanc's.
        qidoRoot: '/inference/dicom-web',
        wadoRoot: '/dicom-web',
        wadoUriRoot: '/wado',
        qidoSupportsIncludeField: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        supportsReject: false,
        dicomUploadEnabled: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
      },
    },
  ],
};
