"""The report on breast-mass-mg: the shipped graphs go in, a page and its figures as JSON come out."""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from export.breast_mass_mg import figures, grey
from export.breast_mass_mg.data import parts_of
from export.breast_mass_mg.sections import FIRST_LINE, PAPER, foreign_section, generator_sections, summary
from export.breast_mass_mg.settings import read_settings
from export.breast_mass_mg.sources import PhantomView, of_patient
from export.breast_mass_mg.trial import FOLDER, ROWS, RegionTrial, WholeTrial, try_foreign, try_regions, try_whole
from export.evaluation import shipped
from export.evaluation.classification import as_json as classes_as_json
from export.evaluation.classification import figures_of
from export.evaluation.page import render
from export.phantoms.mammography.foreign import FOREIGN
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import read

_CONFIGS = Path(__file__).parent / "configs"
_TITLE = "breast-mass-mg: masses on mammograms"
_SHIFTED = 40
_FOREIGN_EACH = 12
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def evaluate(held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    """So many patients of each generator, both views of the ill breast and one of the other."""
    card = read(FOLDER).card
    views = {
        "Held-out phantoms": held_out_views(held_out),
        "Shifted phantoms": views_of(range(_SHIFTED if shifted is None else shifted), shifted=True),
    }
    regions = {name: _tried(try_regions, some, f"{name}, regions", processes) for name, some in views.items()}
    of_regions = {name: [trial for trials in found for trial in trials] for name, found in regions.items()}
    whole = {name: _tried(try_whole, some, f"{name}, whole images", processes) for name, some in views.items()}
    greys = {
        name: grey.hardness(_tried(grey.greys, some, f"{name}, grey values", processes)) for name, some in views.items()
    }
    strange: dict[str, list[float]] = {
        kind: _tried(partial(try_foreign, kind=kind), range(_FOREIGN_EACH), kind, processes) for kind in FOREIGN
    }
    seconds = seconds_each(card)
    told = _told(card, of_regions, whole, greys, strange, seconds)
    sections = [summary(told, seconds)]
    for name in views:
        sections += generator_sections(name, of_regions[name], whole[name], views[name], thresholds(card), out)
    sections.append(foreign_section(strange, greys))
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, card.notice, sections))
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def held_out_views(patients: int | None) -> list[PhantomView]:
    parts = [parts_of("phantoms", read_settings(_CONFIGS / f"{name}.json").split) for name in ("find", *ROWS)]
    names = [[view.name for view in part.test] for part in parts]
    if names.count(names[0]) != len(names):
        raise SystemExit("The networks were not trained on the same patients; give their configurations one split.")
    views = [view for view in parts[0].test if isinstance(view, PhantomView)]
    seeds = list(dict.fromkeys(view.seed for view in views))[:patients]
    return [view for view in views if view.seed in seeds]


def views_of(seeds: Sequence[int], *, shifted: bool) -> list[PhantomView]:
    found = (view for seed in seeds for view in of_patient(seed, shifted=shifted))
    return [view for view in found if isinstance(view, PhantomView)]


def thresholds(card: Card) -> tuple[float, float]:
    """Of the candidates, and of an image that shows a mass."""
    within = next(stage.within for stage in card.stages if stage.within is not None)
    if card.outputs.classes is None:
        raise SystemExit("The card of breast-mass-mg has no class that says whether an image shows a mass.")
    return within.threshold, card.outputs.classes.items[0].threshold


def _tried(trial: Callable[[_Given], _Made], views: Sequence[_Given], said: str, processes: int | None) -> list[_Made]:
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        return list(tqdm(pool.map(trial, views), total=len(views), desc=said, unit="image", mininterval=5))


def _told(
    card: Card,
    regions: dict[str, list[RegionTrial]],
    whole: dict[str, list[WholeTrial]],
    greys: dict[str, dict[str, float]],
    strange: dict[str, list[float]],
    seconds: dict[str, float],
) -> dict[str, Any]:
    threshold, present = thresholds(card)
    told: dict[str, Any] = {
        "data": FIRST_LINE,
        "model": {
            "version": card.version,
            "sha256": {p.name: shipped.sha256(p) for p in sorted(FOLDER.glob("*.onnx"))},
        },
        "paper": PAPER,
        "seconds": seconds,
        "foreign cautioned": {kind: float(np.mean(np.array(found) > 1)) for kind, found in strange.items()},
        "grey value alone (AUC)": greys,
    }
    for name in regions:
        told[name] = {
            "given regions": {n: figures.as_json(figures.of_regions(regions[name], n, at_edge=False)) for n in ROWS},
            "masses at the edge of the region": {
                n: figures.as_json(figures.of_regions(regions[name], n, at_edge=True)) for n in ROWS
            },
            "whole images": {n: figures.as_json(figures.of_whole(whole[name], n, threshold, present)) for n in ROWS},
            "images that show a mass": classes_as_json(figures_of(figures.answers_of(whole[name], present))),
        }
    return told


def seconds_each(card: Card) -> dict[str, float]:
    random = np.random.default_rng(0)
    find = card.stage("find")
    inputs = {"find": {"image": random.normal(2000, 500, (1, 1, find.rows, find.columns)).astype(np.float32)}}
    for name, rows in ROWS.items():
        inputs[name] = {"region": random.normal(2000, 500, (1, 1, rows, rows)).astype(np.float32)}
    return {name: shipped.seconds_per_item(FOLDER / f"{name}.onnx", given) for name, given in inputs.items()}
