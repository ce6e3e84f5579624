"""One patient through a model folder as the node runs it: a phantom in, what was said of it beside the truth out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from export.evaluation.trials import answered, read_volume
from export.heads.trying import near, peak_inside, upright
from export.heads.window import Floats
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.data import ABOUT, TRUTH
from export.mci_conversion_pet.export import FOLDER
from export.phantoms.metabolism import Group
from export.phantoms.metabolism.case import Case, draw_case, simple_numbers
from export.phantoms.metabolism.dicom import write_values
from orthanc_plugin import suited
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.routing.folder import read

NEAR_MM = 6.0
"""So far beside what the disease acts on a peak may lie and still be in it: what a PET scanner resolves."""


@dataclass(frozen=True, eq=False)
class Trial:
    """What was answered, in the order of `ANSWERS`, and whether the peak of each one's map lies where the disease acts.

    `near_share` is the share of the brain that such a peak may lie in. What is `simple` to measure is kept, too.
    """

    seed: int
    shifted: bool
    group: Group
    age_years: float
    probabilities: tuple[float, float]
    peaks_inside: tuple[bool, bool]
    near_share: float
    simple: Mapping[str, float]
    cautions: tuple[str, ...]

    def about(self, answer: int) -> bool:
        return bool(ABOUT[self.group][answer])

    def true(self, answer: int) -> bool:
        return bool(TRUTH[self.group][answer])

    @property
    def strange(self) -> bool:
        return any("unlike" in each for each in self.cautions)


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER) -> Trial:
    return try_case(draw_case(seed, shifted=shifted), folder)


def try_case(case: Case, folder: Path = FOLDER) -> Trial:
    seen = case.series()
    answer = ask(case, seen.values, folder)
    step_mm = case.scanner.grid.step_mm
    disease, conversion = (peak_inside(heat, seen.acted_on, step_mm, NEAR_MM) for heat in answer.heats)
    around = near(seen.acted_on, step_mm, NEAR_MM) & seen.brain
    return Trial(
        seed=case.seed,
        shifted=case.shifted,
        group=case.group,
        age_years=case.age_years,
        probabilities=answer.probabilities,
        peaks_inside=(disease, conversion),
        near_share=float(around.sum() / seen.brain.sum()),
        simple={**simple_numbers(case, seen.values), "age": case.age_years},
        cautions=answer.cautions,
    )


@dataclass(frozen=True, eq=False)
class Answer:
    """`heats` of both answers on the grid of the phantom: axes go up, to the back, to the left."""

    probabilities: tuple[float, float]
    heats: tuple[Floats, Floats]
    cautions: tuple[str, ...]


def ask(case: Case, values: Floats, folder: Path = FOLDER) -> Answer:
    """Written as DICOM, read and inferred by the node's own code."""
    with TemporaryDirectory() as scratch:
        return ask_of(read_volume(write_values(case, values, Path(scratch))), folder)


def ask_of(seen: Volume, folder: Path = FOLDER) -> Answer:
    model = read(folder)
    raw = answered(model, {"series": seen})
    assert raw.classification is not None
    cautions = (*suited.by_header(model.card, seen), *suited.by_answers(model.card, raw.said))
    disease, conversion = (upright(seen, raw.drawn.maps[f"Heat map: {name}"]) for name in ANSWERS)
    first, second = raw.classification.probabilities
    return Answer((first, second), (disease, conversion), cautions)
