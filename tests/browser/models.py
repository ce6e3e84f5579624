"""Small models whose answers are known: they outline, quieten and classify by brightness alone."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.e2e.node import PROJECT
from tests.inference import graphs

SHIPPED = "abdominal-muscle-ct"
STACKS = {"tag": "Modality", "in": ["MR", "PT"]}
FLAT = {"tag": "Modality", "in": ["MG", "CR", "US"]}
PROBABILITY = {"value": "111047", "scheme": "DCM", "meaning": "Probability of cancer"}
ONE = {"value": "1", "scheme": "UCUM", "meaning": "no units"}
FILTERED = {"value": "113086", "scheme": "DCM", "meaning": "Filtering"}


def install(folder: Path) -> Path:
    shutil.copytree(PROJECT / "onnx_models" / SHIPPED, folder / SHIPPED)
    outliner(folder / "bright-ball")
    quieter(folder / "quieter")
    classifier(folder / "brightness")
    return folder


def outliner(folder: Path) -> None:
    """What is brighter than half of 1000, how sure that is, and its volume."""
    graphs.write_channels(folder / "model.onnx", [1.0], kind=3)
    outputs = graphs.segments(graphs.segment("Ball"), steps=[{"step": "threshold"}])
    outputs["measurements"] = [{"measure": "volumes"}]
    outputs["maps"] = [{"label": "How sure", "quantity": PROBABILITY, "unit": ONE, "segment": "Ball"}]
    graphs.model(folder, [volume()], outputs, applies=STACKS, title="Bright balls")


def quieter(folder: Path) -> None:
    """The source with half its brightness."""
    graphs.write_channels(folder / "model.onnx", [0.5], kind=3)
    image = {
        "label": "Half as bright",
        "derivation": FILTERED,
        "values": "as-input",
        "from": {"stage": "only", "output": "probability"},
    }
    graphs.model(folder, [volume()], {"images": [image]}, applies=STACKS, title="Quieter")


def classifier(folder: Path) -> None:
    """Bright: present; Dark: absent; the heat is the image itself."""
    graphs.write_classifier(folder / "model.onnx", [0.5, -3.0])
    items = [{"label": name, "code": graphs.concept(name, name), "threshold": 0.5} for name in ("Bright", "Dark")]
    classes = {
        "from": {"stage": "only", "output": "logits"},
        "activation": "sigmoid",
        "exclusive": False,
        "items": items,
        "heat_map": {"stage": "only", "output": "heat"},
    }
    window = {"kind": "window", "lowest": 0, "highest": 255}
    stage = graphs.stage(kind="image", rows=64, columns=64, outputs=["logits", "heat"], intensity=window)
    graphs.model(folder, [stage], {"classes": classes}, applies=FLAT, title="Brightness")


def volume() -> dict[str, object]:
    window = {"kind": "window", "lowest": 0, "highest": 1000}
    return graphs.stage(kind="volume", depth=12, rows=48, columns=48, intensity=window)
