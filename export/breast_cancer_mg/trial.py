"""One patient through a model folder as the node runs it: a phantom in, what was said of her breasts out.

She is judged with all that there is, without the earlier study, and with one kind of view alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from export.breast_cancer_mg import SIDES
from export.breast_cancer_mg.data import parts_of
from export.breast_cancer_mg.export import FOLDER
from export.breast_cancer_mg.settings import Settings
from export.breast_cancer_mg.sources import FINE_MM, PhantomCase
from export.evaluation.trials import answered
from export.phantoms.mammography.anatomy import VIEWS, View
from export.phantoms.mammography.dicom import write_examination
from export.phantoms.mammography.history import TIMES, Ill, When, examined, history
from export.phantoms.mammography.sheet import Window
from orthanc_plugin import suited
from orthanc_plugin.imaging.image import Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.slots import Views
from orthanc_plugin.routing.folder import read

ALL = "all views, with the study before"
WITHOUT_PRIOR = "all views, without the study before"
Asking = tuple[tuple[View, ...], bool]
"""Which views are given, and whether the study before is."""
WAYS: Mapping[str, tuple[Asking, ...]] = {
    ALL: ((VIEWS, True),),
    WITHOUT_PRIOR: ((VIEWS, False),),
    "CC alone": ((("RCC", "LCC"), False),),
    "MLO alone": ((("RMLO", "LMLO"), False),),
    "one breast alone": ((("RCC", "RMLO"), False), (("LCC", "LMLO"), False)),
}
"""Of several askings each is about another breast."""
NEAR_MM = 2.0
"""So far beside a lesion a peak may lie, whose map has a place each 3.5 mm."""


@dataclass(frozen=True, eq=False)
class Trial:
    """`probability` by way, of the right breast and the left one, not a number where nothing is said of it.

    `kinds` are those of the breasts' lesions; `peak_near` tells whether the highest place of the heat maps of a
    breast is in its malignant lesion or within `NEAR_MM` of it.
    """

    seed: int
    shifted: bool
    kinds: tuple[Ill, Ill]
    probability: Mapping[str, tuple[float, float]]
    peak_near: tuple[bool, bool]
    strangeness: float

    @property
    def patient(self) -> str:
        return f"{'shifted' if self.shifted else 'phantom'}-{self.seed}"

    @property
    def malignant(self) -> tuple[bool, bool]:
        right, left = (kind == "malignant" for kind in self.kinds)
        return right, left

    @property
    def strange(self) -> bool:
        return self.strangeness > 1


def held_out_seeds(settings: Settings) -> list[int]:
    return [case.seed for case in parts_of("phantoms", settings).test if isinstance(case, PhantomCase)]


def threshold_of(folder: Path) -> float:
    """From which on a breast is called suspicious, by the card."""
    classes = read(folder).card.outputs.classes
    assert classes is not None
    return classes.items[0].threshold


class Examined(PhantomCase):
    """A patient whose files are kept: to draw her takes longer than to ask about her."""

    drawing = (*PhantomCase.drawing, "mammography.dicom")

    def files(self, root: Path) -> dict[tuple[When, View], list[Path]]:
        """Of each view, made where they are not there yet."""
        folder = root / self.name
        whole = folder / "whole"
        if not whole.exists():
            for when, view in product(TIMES, VIEWS):
                write_examination(
                    self.seed, folder / when / view, when, shifted=self.shifted, pixel_mm=self.pixel_mm, views=(view,)
                )
            whole.touch()
        return {(when, view): sorted((folder / when / view).iterdir()) for when, view in product(TIMES, VIEWS)}


def try_patient(
    seed: int, shifted: bool, folder: Path = FOLDER, pixel_mm: float = FINE_MM, kept: Path | None = None
) -> Trial:
    """`kept` is a folder for the patient's files, so that she need not be drawn again."""
    with TemporaryDirectory() as scratch:
        seen = Examined(seed, shifted, pixel_mm).files(kept or Path(scratch))
        answers = {way: [ask(_given(seen, asking), folder) for asking in askings] for way, askings in WAYS.items()}
    [whole] = answers[ALL]
    inside = [_peak_near(seed, shifted, whole.views, side, pixel_mm) for side in SIDES]
    return Trial(
        seed=seed,
        shifted=shifted,
        kinds=(_kind(seed, shifted, "R"), _kind(seed, shifted, "L")),
        probability={way: _said([answer.by_side for answer in each]) for way, each in answers.items()},
        peak_near=(inside[0], inside[1]),
        strangeness=whole.strangeness,
    )


def _given(files: Mapping[tuple[When, View], Sequence[Path]], asking: Asking) -> dict[str, Images]:
    views, with_prior = asking
    times: tuple[When, ...] = TIMES if with_prior else ("now",)
    return {when: read_images([path for view in views for path in files[when, view]]) for when in times}


def _said(of_askings: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of each breast by the asking that was about it."""
    right, left = np.nanmax(np.array(of_askings), axis=0)
    return float(right), float(left)


def read_images(paths: Sequence[Path]) -> Images:
    return images(assemble([decode(path.read_bytes()) for path in paths]))


@dataclass(frozen=True, eq=False)
class Answer:
    views: Views
    strangeness: float
    cautions: tuple[str, ...]

    @property
    def by_side(self) -> tuple[float, float]:
        """Not a number of a breast without a view."""
        seen = {view.slot[0] for view in self.views.seen}
        right, left = (
            share if side in seen else float("nan") for side, share in zip(SIDES, self.views.probabilities, strict=True)
        )
        return right, left


def ask(given: Mapping[str, Images], folder: Path = FOLDER) -> Answer:
    """By the node's own code."""
    model = read(folder)
    raw = answered(model, given)
    assert raw.views is not None
    cautions = (*suited.by_header(model.card, given["now"]), *suited.by_answers(model.card, raw.said))
    return Answer(raw.views, float(raw.said["breasts"].answers["strangeness"].reshape(-1)[0]), cautions)


def _kind(seed: int, shifted: bool, side: str) -> Ill:
    mine = [each for each in history(seed, shifted=shifted).suspects if each.side == side]
    return "none" if not mine else "malignant" if any(each.malignant for each in mine) else "benign"


def _peak_near(seed: int, shifted: bool, views: Views, side: str, pixel_mm: float) -> bool:
    """Never of a breast without a malignant lesion."""
    mine = [view for view in views.seen if view.slot[0] == side]
    highest = max(mine, key=lambda view: view.height)
    assert highest.peak_yx is not None
    row, column = highest.peak_yx
    return bool(near(cancer_on(seed, highest.slot, shifted, pixel_mm), row, column, round(NEAR_MM / pixel_mm)))


def cancer_on(seed: int, slot: str, shifted: bool, pixel_mm: float) -> NDArray[np.bool_]:
    """Where it lies on the image as it is stored."""
    view = next(each for each in VIEWS if each == slot)
    found = examined(seed, view, "now", shifted=shifted).malignancy(Window.whole(pixel_mm))
    return found[:, ::-1] if slot.startswith("R") else found


def near(mask: NDArray[np.bool_], row: float, column: float, within: int) -> bool:
    top, left = max(int(row) - within, 0), max(int(column) - within, 0)
    return bool(mask[top : int(row) + within + 1, left : int(column) + within + 1].any())
