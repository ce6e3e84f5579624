// The displayed series in; a model that the person chooses runs on it or on the slice, and its results are shown.
import { ended, report, routesOf, run } from './node.js';
import { ask } from './dialog.js';
import { linesOf } from './said.js';

const WORKING = 'inference-node-working';

export async function predict({ servicesManager, extensionManager, outlines, verdicts }) {
  const { uiNotificationService: notes } = servicesManager.services;
  try {
    const shown = displayed(servicesManager.services);
    const wish = await ask(await routesOf(shown.series), shown);
    if (wish === null) {
      return;
    }
    const job = await carriedOut(wish, state => working(notes, `${wish.model}: ${state}`));
    if (job.state !== 'done' || !job.results.length) {
      throw new Error(job.reason ?? 'The model gave no result.');
    }
    await show(job, { shown, wish, servicesManager, extensionManager, outlines, verdicts });
    notes.show({ id: WORKING, title: 'Predict', message: `${job.model} is done.`, type: 'success', duration: 4000 });
  } catch (error) {
    notes.show({ id: WORKING, title: 'Predict', message: error.message, type: 'error', duration: 10000 });
  }
}

function displayed({ viewportGridService, displaySetService, cornerstoneViewportService }) {
  const { viewports, activeViewportId } = viewportGridService.getState();
  const uids = viewports.get(activeViewportId)?.displaySetInstanceUIDs ?? [];
  const displaySet = uids.map(uid => displaySetService.getDisplaySetByUID(uid)).find(each => each.numImageFrames > 0);
  if (!displaySet) {
    throw new Error('Choose a viewport that shows images.');
  }
  const viewport = cornerstoneViewportService.getCornerstoneViewport(activeViewportId);
  const image = /instances\/([0-9.]+)\/frames\/(\d+)/.exec(viewport?.getCurrentImageId?.() ?? '');
  return {
    study: displaySet.StudyInstanceUID,
    series: displaySet.SeriesInstanceUID,
    description: displaySet.SeriesDescription,
    instance: image?.[1],
    frame: image && displaySet.instances.length === 1 && displaySet.numImageFrames > 1 ? Number(image[2]) : undefined,
    slice: viewport?.getCurrentImageIdIndex?.() + 1,
    viewport: activeViewportId,
  };
}

async function carriedOut(wish, heard) {
  const { jobs } = await run(wish);
  return ended(jobs[0], heard);
}

function working(notes, message) {
  notes.show({ id: WORKING, title: 'Predict', message, type: 'info', duration: 60000 });
}

async function show(job, { shown, wish, servicesManager, extensionManager, outlines, verdicts }) {
  const { displaySetService } = servicesManager.services;
  const seriesOf = kind => job.results.find(result => result.kind === kind)?.series_instance_uid;
  const series = job.results.map(result => result.series_instance_uid);
  await withoutComplaint(servicesManager.services, () => load(extensionManager, job.study, series));
  const outlined = displaySetService.getActiveDisplaySets().find(each => each.SeriesInstanceUID === seriesOf('SEG'));
  if (outlined) {
    await outlines.draw(outlined, shown.viewport);
  }
  if (seriesOf('SR')) {
    const lines = linesOf(await report(job.study, seriesOf('SR')));
    const where = wish.instance ? [`Slice ${shown.slice}`] : [];
    verdicts.say(shown.series, [`${job.model} ${job.version}`, ...where, ...lines]);
  }
}

// A study that was opened by a link to some of its series complains of each other one that comes.
async function withoutComplaint({ uiNotificationService }, act) {
  const { show } = uiNotificationService;
  uiNotificationService.show = note => (note.title === 'Series filter' ? null : show.call(uiNotificationService, note));
  try {
    await act();
  } finally {
    uiNotificationService.show = show;
  }
}

// The new series of a study that is open already. OHIF 3.13.2 remembers a study under its source's name and UID, and
// forgets it by that key alone.
async function load(extensionManager, studyUid, seriesUids) {
  const [dataSource] = extensionManager.getActiveDataSource();
  dataSource.deleteStudyMetadataPromise(`${dataSource.getConfig().name}:${studyUid}`);
  await dataSource.retrieve.series.metadata({
    StudyInstanceUID: studyUid,
    filters: { seriesInstanceUID: seriesUids },
  });
}
