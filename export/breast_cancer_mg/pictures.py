"""Pictures of the report: trials go in, PNG files come out."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
import numpy as np
from matplotlib import pyplot

from export.breast_cancer_mg import SIDES
from export.breast_cancer_mg.export import FOLDER
from export.breast_cancer_mg.sources import FINE_MM
from export.breast_cancer_mg.trial import ALL, Trial, ask, cancer_on, read_images
from export.evaluation.plots import save
from export.phantoms.mammography.dicom import write_examination
from export.phantoms.mammography.history import TIMES
from orthanc_plugin.imaging.image import Images

matplotlib.use("Agg")


def worst_of(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Those with the breast whose probability is furthest from the truth."""
    return sorted(trials, key=lambda trial: -_away(trial))[:count]


def _away(trial: Trial) -> float:
    return max(abs(share - float(is_so)) for share, is_so in zip(trial.probability[ALL], trial.malignant, strict=True))


def shown_again(trial: Trial, path: Path, folder: Path = FOLDER) -> str:
    """The same patient asked once more."""
    with TemporaryDirectory() as scratch:
        given: dict[str, Images] = {
            when: read_images(
                write_examination(trial.seed, Path(scratch) / when, when, shifted=trial.shifted, pixel_mm=FINE_MM)
            )
            for when in TIMES
        }
    answer = ask(given, folder)
    picture, all_axes = pyplot.subplots(1, len(answer.views.seen), figsize=(9, 3.4))
    shares = dict(zip(SIDES, trial.probability[ALL], strict=True))
    heats = [view.heat_yx for view in answer.views.seen if view.heat_yx is not None]
    lowest, peak = min(float(heat.min()) for heat in heats), max(float(heat.max()) for heat in heats)
    for axes, view in zip(all_axes, answer.views.seen, strict=True):
        pixels = given["now"].pixels[view.index]
        axes.imshow(pixels, cmap="gray", vmin=np.percentile(pixels, 1), vmax=np.percentile(pixels, 99.5))
        if view.heat_yx is not None:
            axes.imshow(view.heat_yx, cmap="inferno", alpha=0.3, vmin=lowest, vmax=peak)
        mask = cancer_on(trial.seed, view.slot, trial.shifted, FINE_MM)
        if mask.any():
            axes.contour(mask, [0.5], colors="lime", linewidths=0.8)
        kind = trial.kinds[SIDES.index(view.slot[0])]
        axes.set_title(f"{view.slot}: {kind}, said {shares[view.slot[0]]:.2f}", fontsize=8)
        axes.axis("off")
    picture.tight_layout()
    return save(picture, path)
