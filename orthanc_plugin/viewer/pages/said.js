// A report (TID 1500, DICOM JSON) in, what it says in short lines out: `Pneumonia: present, Probability 0.93`.

const GROUP = '125007';
const FINDING = '121071';
const TRACKING = '112039';
// What says how, not what.
const ASIDE = new Set(['121071', '370129005', '363698007', '112039', '112040', '121401']);
const MOST = 8;

export function linesOf(report) {
  const lines = groupsOf(report).map(lineOf).filter(Boolean);
  return [...new Set(lines)].slice(0, MOST);
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

function lineOf(group) {
  const items = group['0040A730']?.Value ?? [];
  const named = items.find(item => code(item['0040A043']) === FINDING);
  const tracked = items.find(item => code(item['0040A043']) === TRACKING);
  const name = meaning(named?.['0040A168']) ?? tracked?.['0040A160']?.Value?.[0];
  const said = items.filter(item => !ASIDE.has(code(item['0040A043']))).map(saidBy).filter(Boolean);
  return name && said.length ? `${name}: ${said.join(', ')}` : '';
}

function saidBy(item) {
  switch (item['0040A040']?.Value?.[0]) {
    case 'CODE':
      return meaning(item['0040A168']);
    case 'NUM':
      return `${meaning(item['0040A043'])} ${number(item)}`;
    default:
      return '';
  }
}

function number(item) {
  const measured = item['0040A300']?.Value?.[0];
  const value = Number(measured?.['0040A30A']?.Value?.[0]);
  const unit = code(measured?.['004008EA']);
  const short = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
  return unit && unit !== '1' && !unit.startsWith('{') ? `${short} ${unit}` : short;
}

function code(sequence) {
  return sequence?.Value?.[0]?.['00080100']?.Value?.[0];
}

function meaning(sequence) {
  return sequence?.Value?.[0]?.['00080104']?.Value?.[0];
}
