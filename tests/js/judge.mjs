// What dcmjs and the adapters of Cornerstone, on which OHIF stands, read in our objects: a question is a line on standard
// input, its answer the next line on standard output that begins with "> "; what the libraries chat goes between.
//   {"ask": "read", "path"}                 dcmjs: the data set by keyword, written and read once more
//   {"ask": "segmentation", "path", "images"}   label maps over the images, as layers of runs [label, length], and segments
//   {"ask": "map", "path", "images"}        the map's values laid over the images
// `images` are {"id", and what the viewer knows of the image, module by module}.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import dcmjs from 'dcmjs';

const { DicomMessage, DicomMetaDictionary } = dcmjs.data;

function bytes(path) {
  const file = readFileSync(path);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
}

function naturalized(buffer) {
  const message = DicomMessage.readFile(buffer);
  const dataset = DicomMetaDictionary.naturalizeDataset(message.dict);
  for (const keyword of Object.keys(dataset)) {
    if (keyword.endsWith('PixelData') || keyword === 'EncapsulatedDocument') delete dataset[keyword];
  }
  return { message, dataset };
}

function read({ path }) {
  const { message, dataset } = naturalized(bytes(path));
  const again = naturalized(message.write());
  return { dataset, same: JSON.stringify(again.dataset) === JSON.stringify(dataset) };
}

// Whatever an earlier question told the libraries is forgotten.
async function viewing(images) {
  const { metaData, cache } = await import('@cornerstonejs/core');
  const known = new Map(images.map(image => [image.id, image]));
  const provider = { get: (module, id) => known.get(id)?.[module] };
  cache.purgeCache();
  metaData.removeAllProviders();
  metaData.addProvider(provider.get, 10_000);
  return { ids: images.map(image => image.id), provider, ...(await import('@cornerstonejs/adapters')) };
}

function runs(values) {
  const found = [];
  for (const value of values) {
    if (found.length && found.at(-1)[0] === value) found.at(-1)[1] += 1;
    else found.push([value, 1]);
  }
  return found;
}

async function segmentation({ path, images }) {
  const { ids, provider, adaptersSEG } = await viewing(images);
  const { Segmentation } = adaptersSEG.Cornerstone3D;
  const found = await Segmentation.createFromDICOMSegBuffer(ids, bytes(path), { metadataProvider: provider });
  const layers = found.labelMapImages.map(layer => layer.map(image => runs(image.getPixelData())));
  return { layers, segments: found.segMetadata.data };
}

async function map({ path, images }) {
  const { ids, provider, adaptersPMAP } = await viewing(images);
  const { pixelData } = await adaptersPMAP.Cornerstone3D.ParametricMap.generateToolState(ids, bytes(path), provider);
  return { values: Array.from(pixelData) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  let said;
  try {
    said = { answer: await { read, segmentation, map }[question.ask](question) };
  } catch (error) {
    said = { error: error.stack };
  }
  process.stdout.write(`\n> ${JSON.stringify(said)}\n`);
}
