// The display sets of a study in, a hanging protocol out: the source on the left, and beside it the derived image, the
// heat map, the page or the report.

export const PROTOCOL = 'inference-node.results';
const MADE_BY = 'Inference node';
// What goes to the right, the best first; any other modality of ours is a derived image.
const RIGHT = ['derived', 'PMAP', 'PM', 'OT', 'SC', 'SR', 'DOC'];

export function protocolOf({ services: { displaySetService } }) {
  const { left, right } = sides(displaySetService.getActiveDisplaySets());
  return protocol([left, right].filter(Boolean));
}

export function sides(displaySets) {
  const results = newestFirst(displaySets.filter(isResult));
  const drawable = results.filter(each => rank(each) >= 0 && !crashes(each, displaySets));
  const right = drawable.sort((a, b) => rank(a) - rank(b))[0];
  const outlined = results.find(each => each.Modality === 'SEG');
  const sources = displaySets.filter(each => !isResult(each) && each.numImageFrames > 0);
  const named = [outlined, right].map(referenced).map(uid => sources.find(each => each.SeriesInstanceUID === uid));
  return results.length ? { left: named.find(Boolean) ?? sources[0], right, outlined } : {};
}

// Of those made at once in the order that they number themselves in, which is not the one they are loaded in.
export function newestFirst(displaySets) {
  return [...displaySets].sort((a, b) => madeAt(b).localeCompare(madeAt(a)) || numberOf(a) - numberOf(b));
}

export function isResult(displaySet) {
  const header = headerOf(displaySet);
  const equipment = [header.ContributingEquipmentSequence ?? []].flat();
  return [header, ...equipment].some(each => each.Manufacturer === MADE_BY);
}

export function headerOf(displaySet) {
  return displaySet.instance ?? displaySet.instances?.[0] ?? {};
}

function madeAt(displaySet) {
  const { SeriesDate = '', SeriesTime = '' } = headerOf(displaySet);
  return `${SeriesDate}${SeriesTime}`;
}

function numberOf(displaySet) {
  return Number(headerOf(displaySet).InstanceNumber ?? 0);
}

function rank({ Modality }) {
  if (Modality === 'SEG' || Modality === 'PR' || Modality === 'KO') {
    return -1;
  }
  return Math.max(RIGHT.indexOf(Modality), 0);
}

// OHIF 3.13.2 ends with an error when it draws a parametric map upon ultrasound.
function crashes({ Modality }, displaySets) {
  return ['PMAP', 'PM'].includes(Modality) && displaySets.some(each => each.Modality === 'US');
}

function referenced(displaySet) {
  const sequence = displaySet && [headerOf(displaySet).ReferencedSeriesSequence ?? []].flat();
  return sequence?.[0]?.SeriesInstanceUID;
}

function protocol(shown) {
  const selectors = shown.map((each, place) => [`side${place}`, { seriesMatchingRules: [is(each)] }]);
  return {
    id: PROTOCOL,
    name: 'Source and result',
    // Without a result nothing matches, and OHIF hangs as it always does.
    protocolMatchingRules: shown.length
      ? [{ id: PROTOCOL, weight: 100, attribute: 'StudyInstanceUID', constraint: { notNull: true } }]
      : [],
    toolGroupIds: ['default'],
    numberOfPriorsReferenced: -1,
    displaySetSelectors: Object.fromEntries(selectors),
    defaultViewport: {
      viewportOptions: { viewportType: 'stack', toolGroupId: 'default', allowUnmatchedView: true },
      displaySets: [{ id: 'side0', matchedDisplaySetsIndex: -1 }],
    },
    stages: [
      {
        name: 'Source and result',
        viewportStructure: { layoutType: 'grid', properties: { rows: 1, columns: Math.max(shown.length, 1) } },
        viewports: (shown.length ? shown : [null]).map((_, place) => ({
          viewportOptions: { viewportType: 'stack', toolGroupId: 'default', allowUnmatchedView: true },
          displaySets: [{ id: `side${place}` }],
        })),
      },
    ],
  };
}

function is({ SeriesInstanceUID }) {
  return {
    weight: 10,
    required: true,
    attribute: 'SeriesInstanceUID',
    constraint: { equals: { value: SeriesInstanceUID } },
  };
}
