"""The lists of transforms in a bundle's inference.json in, the card's entries that say the same out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from export.importers.draft import Entries

# These read files, give names, move or cut away and undo: the node has its own way for each.
_OURS_ANYWAY = (
    "LoadImage",
    "EnsureType",
    "EnsureChannelFirst",
    "ToTensor",
    "CastToType",
    "Invert",
    "SaveImage",
    "ToDevice",
)
# MONAI's letters are, as ours, those towards which the axes run.
_HEADS = str.maketrans("SI", "HF")


@dataclass(frozen=True)
class Prepared:
    """How an image is made ready; None where the bundle does not say or a card can't."""

    intensity: Entries | None
    axes: str | None
    spacing_mm: list[float] | None


def before(inference: Entries, left_behind: list[str]) -> Prepared:
    intensities: list[Entries | None] = []
    axes, spacing = None, None
    for kind, given in _transforms(inference, "preprocessing"):
        if kind == "Orientation" and isinstance(given.get("axcodes"), str):
            axes = given["axcodes"].translate(_HEADS)
        elif kind == "Spacing" and _numbers(given.get("pixdim"), 3):
            spacing = [float(size) for size in given["pixdim"]]
        elif kind not in _OURS_ANYWAY:
            said = _intensity(kind, given)
            if said is None:
                left_behind.append(f"The transform {kind} before the network is not translated.")
            if said is not None or "Intensity" in kind:
                intensities.append(said)
    if len(intensities) > 1:
        left_behind.append("The bundle changes intensities more than once, which a card can't say.")
    if not list(_transforms(inference, "preprocessing")):
        left_behind.append("inference.json lists no transforms before the network.")
        intensities = [None]
    untouched: Entries = {"kind": "untouched"}
    chosen = next(iter([*intensities, untouched])) if len(intensities) < 2 else None
    return Prepared(chosen, axes, spacing)


def after(inference: Entries, left_behind: list[str]) -> Iterator[Entries]:
    for kind, given in _transforms(inference, "postprocessing"):
        if kind == "Activations" and given.get("softmax") is True:
            yield {"step": "softmax"}
        elif kind == "Activations" and given.get("sigmoid") is True:
            yield {"step": "sigmoid"}
        elif kind == "AsDiscrete" and given.get("argmax") is True:
            yield {"step": "likeliest"}
        elif kind == "AsDiscrete" and given.get("threshold") == 0.5:
            yield {"step": "threshold"}
        elif kind not in _OURS_ANYWAY:
            left_behind.append(f"The transform {kind} after the network is not translated.")


def _intensity(kind: str, given: Entries) -> Entries | None:
    if kind == "ScaleIntensityRange" and _numbers([given.get("a_min"), given.get("a_max")], 2):
        return _range(float(given["a_min"]), float(given["a_max"]), given)
    if kind == "ScaleIntensityRangePercentiles" and given.get("b_min") == 0 and given.get("b_max") == 1:
        if given.get("clip") is True and not given.get("relative", False):
            return {"kind": "percentile", "lowest": given.get("lower"), "highest": given.get("upper")}
        return None
    if kind == "ScaleIntensity" and given.get("minv", 0) == 0 and given.get("maxv", 1) == 1 and not given.get("factor"):
        return {"kind": "percentile", "lowest": 0, "highest": 100}
    if kind == "NormalizeIntensity" and not given.get("nonzero", False):
        if given.get("subtrahend") is None and given.get("divisor") is None:
            return {"kind": "z-score"}
        if _numbers([given.get("subtrahend"), given.get("divisor")], 2):
            divisor = float(given["divisor"])
            return {"kind": "scale", "factor": 1 / divisor, "shift": -float(given["subtrahend"]) / divisor}
    return None


def _range(lowest: float, highest: float, given: Entries) -> Entries | None:
    """(value - lowest) / (highest - lowest), then to b_min … b_max; clipped or not."""
    low, high = given.get("b_min"), given.get("b_max")
    low, high = (0.0, 1.0) if low is None or high is None else (float(low), float(high))
    clipped = given.get("clip", False) is True
    if clipped and (low, high) == (0.0, 1.0):
        return {"kind": "window", "lowest": lowest, "highest": highest}
    factor = (high - low) / (highest - lowest)
    scale: Entries = {"kind": "scale", "factor": factor, "shift": low - lowest * factor}
    return scale | ({"lowest": lowest, "highest": highest} if clipped else {})


def _numbers(given: Any, count: int) -> bool:
    return isinstance(given, list) and len(given) == count and all(isinstance(each, int | float) for each in given)


def _transforms(inference: Entries, side: str) -> Iterator[tuple[str, Entries]]:
    """Each transform by its name without the module and without the d of those on dictionaries."""
    composed = inference.get(side) or {}
    given = composed.get("transforms") or [] if isinstance(composed, dict) else []
    if isinstance(given, str):
        given = inference.get(given.lstrip("$@").partition("#")[0]) or []
    for each in given:
        name = str(each.get("_target_", "")).rpartition(".")[2] if isinstance(each, dict) else ""
        if not (isinstance(each, dict) and each.get("_disabled_") is True):
            yield name.removesuffix("d"), each if isinstance(each, dict) else {}
