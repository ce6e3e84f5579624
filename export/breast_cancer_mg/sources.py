"""Where patients come from: phantoms, INbreast or CBIS-DDSM."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch.nn.functional import max_pool2d

from export.breast_cancer_mg import BENIGN, MALIGNANT, SIDES, cbis_ddsm, inbreast
from export.breast_cancer_mg.study import Case, Key, Outline, Study
from export.breast_mass_mg.data import fitted
from export.breast_mass_mg.sources import Pixels
from export.checkpoints import SettingsError
from export.phantoms.entry import PhantomPatient
from export.phantoms.mammography.acquisition import bright
from export.phantoms.mammography.anatomy import VIEWS
from export.phantoms.mammography.dicom import as_stored
from export.phantoms.mammography.history import TIMES, examined, history, machine_of
from export.phantoms.mammography.sheet import Window

FIRST_SEED = 200_000
"""The finder that the network begins from has learned on the breasts of lower ones."""
FINE_MM = 0.2  # of pixels that stand for a detector's: its own take ten times as long to draw
_INSIDE = 0.5
_READERS = {"inbreast": inbreast.cases, "cbis-ddsm": cbis_ddsm.cases}


@dataclass(frozen=True)
class PhantomCase(PhantomPatient):
    pixel_mm: float = FINE_MM
    drawing: ClassVar[tuple[str, ...]] = tuple(
        f"mammography.{name}"
        for name in ("sheet", "anatomy", "lesions", "drawing", "acquisition", "suspects", "history")
    )

    @property
    def name(self) -> str:
        return f"{super().name}-{self.pixel_mm:g}"

    def load(self) -> Study:
        window = Window.whole(self.pixel_mm)
        views: dict[Key, tuple[Pixels, Outline]] = {}
        for when in TIMES:
            by = machine_of(self.seed, when, shifted=self.shifted)
            for view in VIEWS:
                seen = examined(self.seed, view, when, shifted=self.shifted)
                outline = np.asarray(seen.truth(window) * BENIGN, np.uint8)
                outline[seen.malignancy(window)] = MALIGNANT
                outline = outline[:, ::-1] if view.startswith("R") else outline
                views[when, view] = bright(as_stored(seen, by, window), by), outline
        of_patient = history(self.seed, shifted=self.shifted)
        return Study(views, {side: of_patient.malignant(side) for side in SIDES})


def worst_outline(outline: Outline, matrix: tuple[int, int]) -> Outline:
    """As the node fits an image into the matrix; on half of that the worst of what lies there."""
    found = np.zeros((matrix[0] // 2, matrix[1] // 2), np.uint8)
    for kind in (BENIGN, MALIGNANT):
        _, share = fitted(np.zeros(outline.shape, np.float32), outline == kind, matrix)
        found[max_pool2d(torch.from_numpy(share)[None, None], 2)[0, 0].numpy() > _INSIDE] = kind
    return found


def drawn(case: Case, pixel_mm: float) -> Case:
    """A phantom with pixels so large; what is real has its own."""
    return replace(case, pixel_mm=pixel_mm) if isinstance(case, PhantomCase) else case


def list_cases(data: str, patients: int) -> Sequence[Case]:
    """`data` is `phantoms`, `inbreast:FOLDER` or `cbis-ddsm:FOLDER`."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomCase(FIRST_SEED + number) for number in range(patients)]
    if kind not in _READERS or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms, inbreast:FOLDER or cbis-ddsm:FOLDER.")
    found = _READERS[kind](Path(where))
    if not found:
        raise SettingsError(f"There is no patient with views and a verdict in {where}.")
    return found
