// What the viewer asks the node; every refusal is an Error with the node's own sentence.

const API = '/inference/api';
const ENDED = ['done', 'skipped', 'failed', 'set-aside', 'cancelled'];
const LOOK_EVERY_MS = 400;

async function asked(address, options) {
  const answer = await fetch(address, options);
  const said = await answer.json();
  if (!answer.ok) {
    throw new Error(said.detail ?? `The node answers with ${answer.status}.`);
  }
  return said;
}

// The models that may run on the series, those that it is for first.
export async function routesOf(seriesUid) {
  const { routes } = await asked(`${API}/routes?series=${seriesUid}`);
  return routes.filter(each => each.switch !== 'off').sort((a, b) => b.matches - a.matches);
}

export async function run(wish) {
  const { jobs, remarks } = await asked(`${API}/run`, { method: 'POST', body: JSON.stringify(wish) });
  return { jobs, remarks };
}

// The job once it has ended; `heard` gets every state on the way.
export async function ended(id, heard) {
  for (;;) {
    const job = await asked(`${API}/jobs/${id}`);
    heard(job.state);
    if (ENDED.includes(job.state)) {
      return job;
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

// The content of a report, as DICOM JSON.
export async function report(studyUid, seriesUid) {
  const [header] = await asked(`/dicom-web/studies/${studyUid}/series/${seriesUid}/metadata`);
  return header;
}
