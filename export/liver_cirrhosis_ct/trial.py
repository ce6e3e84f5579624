"""One series through the exported graph as the node runs it: a phantom or a foreign series in, its answer out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.evaluation import shipped
from export.liver_cirrhosis_ct import VALUES
from export.liver_cirrhosis_ct.sources import in_order
from export.phantoms.liver.case import Case, Slice, draw_case
from export.phantoms.regions import region
from orthanc_plugin.inference.resample import planes
from orthanc_plugin.routing.folder import Model, read

FOLDER = Path(__file__).parents[2] / "onnx_models" / "liver-cirrhosis-ct"
SPACING_MM = 10.0
_ROWS = 256
_HIDDEN_SHARE = 0.5
_OTHER_REGIONS = ("head", "neck", "chest", "pelvis", "leg", "knee")
FOREIGN_KINDS = ("another region", "no body", "not in HU", "turned by 90 degrees", "narrow field of view", "inverted")

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Answer:
    """Of each slice [S]; `chosen` are those that count, `activation` [S, h, w]."""

    both: Floats
    image: Floats
    liver: Floats
    strangeness: Floats
    activation: Floats
    chosen: NDArray[np.bool_]

    @property
    def cautioned(self) -> bool:
        """Refused, too: where no slice shows the liver there is no score that one could rely on."""
        return not self.chosen.any() or float(np.median(self.strangeness[self.chosen])) > 1

    @property
    def shown(self) -> int:
        """The slice whose heat map the node shows."""
        return int(np.argmax(np.where(self.chosen, self.both, -1)))


@dataclass(frozen=True, eq=False)
class Trial:
    """One patient. Scores are the means over the chosen slices: of the image alone, with the values that are known,
    with half of them hidden, with all hidden. Of slices: how much liver they show and were found to show, and what was
    said of each that was chosen. `mean_hu` is that of the liver.
    """

    seed: int
    shifted: bool
    cirrhosis: bool
    refused: bool
    cautioned: bool
    scores: tuple[float, float, float, float]
    share: Floats
    found_share: Floats
    chosen: NDArray[np.bool_]
    said: Floats
    mean_hu: float
    peak_in_liver: bool
    peak_in_signs: bool


def try_patient(seed: int, shifted: bool) -> Trial:
    case, model = draw_case(seed, shifted=shifted), read(FOLDER)
    drawn = [case.render(float(z), _ROWS) for z in case.heights(SPACING_MM)]
    clinical = in_order(case.clinical())
    hidden = np.random.default_rng([seed, 29]).random(len(VALUES)) < _HIDDEN_SHARE
    hu = np.stack([each.hu for each in drawn]).astype(np.float32)
    answer = ask(model, hu, clinical)
    half, none = (ask(model, hu, np.where(gone, np.nan, clinical)) for gone in (hidden, np.ones_like(hidden)))
    chosen = answer.chosen
    scores = tuple(
        float(each[chosen].mean()) if chosen.any() else np.nan
        for each in (answer.image, answer.both, half.both, none.both)
    )
    in_liver, in_signs = _peak(drawn[answer.shown], answer)
    return Trial(
        seed=seed,
        shifted=shifted,
        cirrhosis=case.disease.cirrhosis,
        refused=not chosen.any(),
        cautioned=answer.cautioned,
        scores=(scores[0], scores[1], scores[2], scores[3]),
        share=np.array([each.share for each in drawn], np.float32),
        found_share=answer.liver,
        chosen=chosen,
        said=answer.image[chosen],
        mean_hu=float(np.concatenate([each.hu[each.liver] for each in drawn]).mean()),
        peak_in_liver=in_liver,
        peak_in_signs=in_signs,
    )


def ask(model: Model, hu: Floats, clinical: Floats) -> Answer:
    """Slices [S, rows, rows] are brought to the stage's matrix as the node does it."""
    [stage] = model.card.stages
    [graph] = model.graphs(stage)
    assert model.card.outputs.classes is not None and model.card.outputs.classes.where is not None
    session, found = shipped.session(graph), []
    for start in range(0, len(hu), stage.batch):
        some = planes(hu[start : start + stage.batch], (stage.rows, stage.columns))[:, None]
        values = np.repeat(clinical[np.newaxis].astype(np.float32), len(some), axis=0)
        found.append(session.run(list(stage.outputs), {"hu": some, "clinical": values}))
    both, image, liver, activation, strangeness = (np.concatenate(each) for each in zip(*found, strict=True))
    chosen = liver >= model.card.outputs.classes.where.least
    return Answer(both[:, 0], image[:, 0], liver, strangeness, activation[:, 0], chosen)


def _peak(shown: Slice, answer: Answer) -> tuple[bool, bool]:
    """Whether the heat map's peak lies in the liver, and in the liver or another sign of disease."""
    heat = planes(answer.activation[answer.shown], shown.liver.shape)
    at = np.unravel_index(int(heat.argmax()), heat.shape)
    return bool(shown.liver[at]), bool(shown.liver[at] | shown.signs[at])


@dataclass(frozen=True)
class ForeignTrial:
    kind: str
    cautioned: bool


def try_foreign(seed: int) -> list[ForeignTrial]:
    """One series of each kind that the network was not made for."""
    model, unknown = read(FOLDER), np.full(len(VALUES), np.nan, np.float32)
    return [ForeignTrial(kind, ask(model, hu, unknown).cautioned) for kind, hu in _foreign(seed)]


def _foreign(seed: int) -> Iterator[tuple[str, Floats]]:
    rng = np.random.default_rng([seed, 31])
    yield "another region", _other_region(rng)
    yield "no body", np.stack([region.phantom(int(n), "none").image for n in rng.integers(1_000_000, size=3)]) * 100
    hu = _slices(draw_case(seed))
    yield "not in HU", hu + 1024
    yield "turned by 90 degrees", np.rot90(hu, axes=(1, 2)).copy()
    middle = slice(_ROWS // 4, 3 * _ROWS // 4)
    yield "narrow field of view", hu[:, middle, middle]
    yield "inverted", -np.clip(hu, -1000, 1000)


def _slices(case: Case) -> Floats:
    return np.stack([case.render(float(z), _ROWS).hu for z in case.heights(2 * SPACING_MM)]).astype(np.float32)


def _other_region(rng: np.random.Generator) -> Floats:
    """CT of another part of the body, drawn until it is one."""
    wanted = _OTHER_REGIONS[int(rng.integers(len(_OTHER_REGIONS)))]
    found = (region.phantom(int(n), wanted) for n in rng.integers(1_000_000, size=60))
    return np.stack([each.image for each in found if each.view == "CT"][:3]).astype(np.float32)
