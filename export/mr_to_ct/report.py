"""The report on mr-to-ct: what is to be reached, and how a scan is shown."""

from functools import partial
from pathlib import Path

import numpy as np

from export.mr_to_ct import compare
from export.mr_to_ct.baseline import one_for_each_brightness
from export.mr_to_ct.export import FOLDER
from export.mr_to_ct.foreign import KINDS, cautioned
from export.mr_to_ct.train import TASK
from export.mr_to_ct.trial import BONE, ERROR, LOOKUP, OURS, ask, draw, try_patient
from export.phantoms.ageing import dicom as ageing
from export.restoring.report import About, Bar, Shades, side_by_side
from export.restoring.report import evaluate as evaluate_about
from export.restoring.trial import Trial

_WINDOW_HU = (-300, 1300)
_APART_HU = 400


def show(trial: Trial, path: Path) -> str:
    """The T1 is stretched over the window."""
    drawn = draw(trial.seed, trial.shifted)
    low, high = _WINDOW_HU
    stretched = low + drawn.t1 / float(np.percentile(drawn.t1, 99.5)) * (high - low)
    shown = {"CT": drawn.hu, "T1": stretched.astype(np.float32), LOOKUP: one_for_each_brightness(drawn.t1)}
    shown[OURS] = ask(drawn)[0]
    return side_by_side(shown, trial.seed, Shades(low, high, _APART_HU), path)


ABOUT = About(
    folder=FOLDER,
    config=Path(__file__).parent / "configs" / "standard.json",
    task=TASK,
    title="mr-to-ct: CT of the head that nobody took, made of its T1",
    explained=[
        "Truth: the same phantom as CT would show it, without noise. Air and bone are both dark on T1, so that one HU "
        "for each brightness can't tell them apart. Shifted: a second generator (another scanner and contrast, more "
        "noise, a less even coil, heads that lie askew), never trained or tuned on. Brackets: 95 % confidence over "
        "scans of nine slices.",
        "Planted are holes in the skull. One is lost where less than half of its contrast is left, so where bone was "
        "made up; one is invented where a blob of 5 mm within bone differs by half of their contrast from how it "
        "should be.",
    ],
    bars=[Bar.of_number(ERROR, "< 80"), Bar.of_number(BONE, "≥ 0.8")],
    try_patient=try_patient,
    write=partial(ageing.write_study, voxel_mm=1.5),
    show=show,
    shown=f"CT, T1, one HU for each brightness, the model, and how the model differs from CT (±{_APART_HU} HU)",
    cautioned=cautioned,
    kinds=list(KINDS),
    shifted=40,
    first_foreign=770_000,
    more=compare.section,
)
evaluate = partial(evaluate_about, ABOUT)
