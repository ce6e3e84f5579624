"""A trained classifier in, the folder that the node serves out: graph with weights by name, card, parity.json."""

import json
import shutil
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from export.from_folders import Unusable
from export.from_folders.images import Collection
from export.from_folders.network import Classifier, metadata
from export.from_folders.train import Trained
from orthanc_plugin.routing.network import Stage

_TOLERANCE = 1e-4
# Codes of our own, where nobody gives better ones (PS3.16 section 8.2: schemes that begin with 99 are private).
_OWN_SCHEME = "99INODE"
_CODE_LENGTH = 16


@dataclass(frozen=True)
class Wishes:
    """What the images do not say and somebody may; `codes` by label, `begun_with` the model whose network went on."""

    title: str
    licence: str
    modality: str | None
    body_part: str | None
    codes: dict[str, dict[str, str]]
    begun_with: str | None


def write(trained: Trained, collection: Collection, stage: Stage, wishes: Wishes, out: Path) -> float:
    if out.exists():
        raise Unusable(f"{out.name} is there already; remove it or name another folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".training-", dir=out.parent) as scratch:
        folder = Path(scratch) / out.name
        folder.mkdir()
        trained_on = described(collection, wishes.begun_with)
        difference = export(trained.network, stage, trained_on, folder / "model.onnx")
        write_json(folder / "card.json", card(out.name, trained, collection, stage, wishes, trained_on))
        write_json(folder / "parity.json", {"tolerance": _TOLERANCE, "largest_difference": {"model.onnx": difference}})
        shutil.move(folder, out)
    return difference


def described(collection: Collection, begun_with: str | None) -> str:
    counts = Counter(sample.label for sample in collection.samples)
    each = ", ".join(f"{counts[number]} of {label}" for number, label in enumerate(collection.labels))
    patients = len({sample.source for sample in collection.samples})
    begun = f" Begun with the network of {begun_with}." if begun_with else ""
    return f"{len(collection.samples)} images ({each}) of {patients} sources, one folder a label.{begun}"


def export(network: Classifier, stage: Stage, trained_on: str, path: Path) -> float:
    network.eval()
    with warnings.catch_warnings():
        # The newer exporter needs onnxscript, which nothing else here needs; this one is deprecated and says so.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, stage.rows, stage.columns),),
            str(path),
            input_names=[stage.input],
            output_names=list(stage.outputs),
            dynamic_axes={name: {0: "images"} for name in (stage.input, *stage.outputs)},
            opset_version=17,
            dynamo=False,
        )
    graph = onnx.load(path)
    onnx.helper.set_model_props(graph, metadata(network, trained_on))
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)
    return parity(network, stage, path)


def parity(network: Classifier, stage: Stage, path: Path) -> float:
    images = torch.rand(3, 1, stage.rows, stage.columns, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    theirs = session.run(list(stage.outputs), {stage.input: images.numpy()})
    with torch.inference_mode():
        ours = [values.numpy() for values in network(images)]
    worst = max(float(np.max(np.abs(one - other))) for one, other in zip(ours, theirs, strict=True))
    if not worst <= _TOLERANCE:
        raise Unusable(f"The graph differs from the network by {worst:.1e}; at most {_TOLERANCE:g} is allowed.")
    return worst


def card(
    name: str, trained: Trained, collection: Collection, stage: Stage, wishes: Wishes, trained_on: str
) -> dict[str, Any]:
    """Modality and body part that neither the headers nor somebody says are null: `models check` names them."""
    modalities = [wishes.modality] if wishes.modality else list(collection.modalities) or None
    regions = [wishes.body_part] if wishes.body_part else None
    scores, heat = ({"stage": stage.name, "output": output} for output in stage.outputs)
    judged = f"{trained.judged_on} images of other patients than it learned from, out of the same folders"
    return {
        "card_version": 1,
        "name": name,
        "title": wishes.title[:40],
        "version": "1.0.0",
        "licence": wishes.licence,
        "intended_use": f"Research: tells {' from '.join(collection.labels)} on single images.",
        "trained_on": trained_on,
        "figures": [{"name": "Balanced accuracy", "value": round(trained.accuracy, 4), "data": judged}],
        "clinical_use": False,
        "notice": "Not for clinical use. Trained on a folder of images a label.",
        "applies": {"all": [{"tag": "Modality", "in": modalities}, {"body_part": regions}]},
        "unknown": "skip",
        "stages": [stage.model_dump(mode="json", exclude_defaults=True) | {"intensity": stage.intensity.model_dump()}],
        "outputs": {
            "classes": {
                "from": scores,
                "activation": "softmax",
                "exclusive": True,
                "items": [class_entry(label, wishes.codes) for label in collection.labels],
                "heat_map": heat,
            }
        },
        "limits": {"seconds": 120},
    }


def class_entry(label: str, codes: dict[str, dict[str, str]]) -> dict[str, Any]:
    slug = "-".join(label.lower().split())[:_CODE_LENGTH]
    return {
        "label": label,
        "code": codes.get(label, {"value": slug, "scheme": _OWN_SCHEME, "meaning": label}),
        "threshold": 0.5,
    }


def write_json(path: Path, entries: dict[str, Any]) -> None:
    path.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", "utf-8")
