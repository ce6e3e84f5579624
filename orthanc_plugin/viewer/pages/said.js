// A report (TID 1500, DICOM JSON) in, what it says in short lines out: `Pneumonia: Present, Probability 0.93`.

const GROUP = '125007';
const FINDING = '121071';
const TRACKING = '112039';
// What says how, not what.
const ASIDE = new Set(['121071', '370129005', '363698007', '112039', '112040', '121401']);
const DERIVATION = '121401';
const MEAN = '373098007';
const UNITS = { "[hnsf'U]": 'HU', 1: '' };
const MOST = 8;

export function linesOf(report) {
  const byName = new Map();
  for (const { name, said } of groupsOf(report).map(saidOf)) {
    byName.set(name, [...new Set([...(byName.get(name) ?? []), ...said])]);
  }
  const lines = [...byName].filter(([, said]) => said.length).map(([name, said]) => `${name}: ${said.join(', ')}`);
  return lines.slice(0, MOST);
}

function* all(item) {
  for (const child of item['0040A730']?.Value ?? []) {
    yield child;
    yield* all(child);
  }
}

function groupsOf(report) {
  return [...all(report)].filter(item => code(item['0040A043']) === GROUP);
}

// Of one group: the verdict before its numbers, and of a statistic the mean.
function saidOf(group) {
  const items = group['0040A730']?.Value ?? [];
  const named = items.find(item => code(item['0040A043']) === FINDING);
  const tracked = items.find(item => code(item['0040A043']) === TRACKING);
  const told = items.filter(item => !ASIDE.has(code(item['0040A043'])) && [undefined, MEAN].includes(derivation(item)));
  return {
    name: tracked?.['0040A160']?.Value?.[0] ?? meaning(named?.['0040A168']) ?? 'Finding',
    said: ['CODE', 'NUM'].flatMap(type => told.filter(item => typeOf(item) === type).map(SAID[type])).filter(Boolean),
  };
}

const SAID = {
  CODE: item => meaning(item['0040A168']),
  NUM: item => `${meaning(item['0040A043'])} ${number(item)}`,
};

function typeOf(item) {
  return item['0040A040']?.Value?.[0];
}

function derivation(item) {
  const said = item['0040A730']?.Value?.find(below => code(below['0040A043']) === DERIVATION);
  return code(said?.['0040A168']);
}

function number(item) {
  const measured = item['0040A300']?.Value?.[0];
  const value = Number(measured?.['0040A30A']?.Value?.[0]);
  const coded = code(measured?.['004008EA']) ?? '';
  const unit = UNITS[coded] ?? coded;
  const short = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
  return unit && !unit.startsWith('{') ? `${short} ${unit}` : short;
}

function code(sequence) {
  return sequence?.Value?.[0]?.['00080100']?.Value?.[0];
}

function meaning(sequence) {
  return sequence?.Value?.[0]?.['00080104']?.Value?.[0];
}
