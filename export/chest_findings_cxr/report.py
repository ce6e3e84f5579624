"""The report on chest-findings-cxr: the shipped graph is tried on phantoms, and JSON figures and a page come out."""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray
from pydicom import dcmread
from tqdm import tqdm

from export.chest_findings_cxr.calibrate import auc
from export.chest_findings_cxr.data import HELD_OUT_FROM, KNOWN_FOREIGN
from export.chest_findings_cxr.export import FOLDER, GRAPH
from export.chest_findings_cxr.trial import Said, Trial, rows, try_foreign, try_one
from export.evaluation.classification import Answers, ClassFigures, figures_of, section
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.plots import save
from export.evaluation.shipped import described, seconds_per_item
from export.evaluation.statistics import Figure, bootstrap_values
from export.evaluation.whole_job import seconds_a_file
from export.phantoms.chest import FINDINGS
from export.phantoms.chest.dicom import write_study
from export.phantoms.chest.radiograph import radiograph
from export.phantoms.dicom import phantom_uid
from orthanc_plugin.routing.folder import read

FIRST_LINE = "Data: synthetic phantoms; no patient data."
TITLE = "chest-findings-cxr: fourteen findings on radiographs of the chest"
CHEXNEXT = {"atelectasis": "0.862 (readers 0.808)"}
"""Rajpurkar et al., PLoS Medicine 15(11), 2018, e1002686: the area under the curve on 420 radiographs of patients."""
CHEXNEXT_MINUTES, READERS_MINUTES, IMAGES = 1.5, 240, 420
HELD_OUT, SHIFTED, LATERAL, FOREIGN = 800, 500, 120, 20
NEVER_SHOWN = ("knee", "foot", "leg", "arm", "spine", "breast", "none")
_WORST = 6
_FEW, _MANY = 4, 68  # images of the series that are timed


def evaluate(held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    trials = {
        "Held-out phantoms": _tried(held_out or HELD_OUT, False, processes),
        "Shifted phantoms": _tried(shifted or SHIFTED, True, processes),
    }
    strange = _foreign(processes)
    model = read(FOLDER)
    thresholds = np.array([item.threshold for item in model.card.outputs.classes.items])  # type: ignore[union-attr]
    answers = {name: answers_of(some, thresholds) for name, some in trials.items()}
    figures = {name: figures_of(some) for name, some in answers.items()}
    peaks = {name: peaks_of(trials[name], answers[name]) for name in trials}
    alone = seconds_per_item(FOLDER / GRAPH, {"image": np.zeros((1, 1, rows(), rows()), np.float32)})
    seconds = {"the network alone": alone, "end to end, many in a series": _seconds_in_a_series()}
    out.mkdir(parents=True, exist_ok=True)
    page = [
        _summary(figures, seconds),
        *(section(name, answers[name], out, exclusive=False, said=CHEXNEXT) for name in trials),
        _named(figures),
        _peaks_section(peaks),
        _strange_section(trials, strange),
        _laid_section(trials, thresholds),
        _grey_section(trials["Held-out phantoms"]),
        *(_worst(name, trials[name], answers[name], out) for name in trials),
    ]
    (out / "report.html").write_text(render(TITLE, FIRST_LINE, model.card.notice, page))
    told = {
        "data": FIRST_LINE,
        "model": described(model),
        "CheXNeXt": {"AUC of atelectasis": 0.862, "of readers": 0.808, "minutes for 420 images": CHEXNEXT_MINUTES},
        "seconds per image": seconds,
        "foreign": {name: _share([said.cautioned for said in some]) for name, some in strange.items()},
        **{
            name: {
                "mean AUC": float(np.mean([each.auc.value for each in figures[name].values()])),
                "classes": {label: asdict(each) for label, each in figures[name].items()},
                "peak inside": {label: asdict(each) for label, each in peaks[name].items()},
                "cautioned": _share([trial.said.cautioned for trial in trials[name]]),
                "laid": laid_figures(trials[name]),
            }
            for name in trials
        },
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def _tried(count: int, shifted: bool, processes: int | None) -> list[Trial]:
    seeds = range(HELD_OUT_FROM, HELD_OUT_FROM + count)
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        made = pool.map(try_one, seeds, [shifted] * count, chunksize=8)
        return list(tqdm(made, total=count, desc="shifted" if shifted else "held out", unit="image", mininterval=5))


def _seconds_in_a_series(seed: int = HELD_OUT_FROM) -> float:
    """What each further image of a series costs, from its file to the written results."""
    with TemporaryDirectory() as folder:
        [one] = write_study(seed, Path(folder) / "one")
        image, files = dcmread(one), []
        for number in range(_MANY):
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = phantom_uid("timed", seed, number)
            image.InstanceNumber = number + 1
            files.append(Path(folder) / f"{number}.dcm")
            image.save_as(files[-1])
        return seconds_a_file(FOLDER, files, _FEW)


def _foreign(processes: int | None) -> dict[str, list[Said]]:
    """Laterals, and other regions: those that the training showed, and those that it did not."""
    counts = {"lateral": LATERAL, **dict.fromkeys((*KNOWN_FOREIGN, *NEVER_SHOWN), FOREIGN)}
    wanted = [(HELD_OUT_FROM + seed, region) for region, count in counts.items() for seed in range(count)]
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        said = list(pool.map(try_foreign, *zip(*wanted, strict=True), chunksize=8))
    found: dict[str, list[Said]] = {}
    for (_, region), each in zip(wanted, said, strict=True):
        found.setdefault(region, []).append(each)
    return found


def answers_of(trials: Sequence[Trial], thresholds: NDArray[np.float64]) -> Answers:
    return Answers(
        names=FINDINGS,
        truth=np.array([trial.truth for trial in trials]),
        probability=np.stack([trial.said.probability for trial in trials]).astype(np.float64),
        thresholds=thresholds,
        patients=np.arange(len(trials)),
    )


def peaks_of(trials: Sequence[Trial], answers: Answers) -> dict[str, Figure]:
    """Of the true positives the share whose map has its peak within the finding; `all` counts them together."""
    inside = np.stack([trial.inside for trial in trials])
    hit = answers.truth & answers.present
    found = {name: inside[hit[:, column], column] for column, name in enumerate(FINDINGS) if hit[:, column].any()}
    found["all"] = inside[hit]
    return {name: bootstrap_values(values, lambda drawn: float(drawn.mean())) for name, values in found.items()}


def _share(flags: Sequence[bool]) -> float:
    return float(np.mean(flags))


def _summary(figures: Mapping[str, Mapping[str, ClassFigures]], seconds: Mapping[str, float]) -> Section:
    held_out, shifted = (
        float(np.mean([each.auc.value for each in figures[name].values()]))
        for name in ("Held-out phantoms", "Shifted phantoms")
    )
    return Section(
        "In short",
        [
            "CheXNeXt's figures are for radiographs of patients, ours for phantoms: they stand side by side and do not "
            "compare. Shifted: a second generator (another maker's processing, blur and noise, more portable images, "
            "stouter patients, more devices), never trained on. Thresholds and calibration come from other phantoms of "
            "the first generator. Brackets: 95 % confidence over images.",
            Rows([
                ("", "CheXNeXt (patients)", "held-out phantoms", "shifted phantoms"),
                ("mean AUC of the fourteen findings", "", f"{held_out:.3f}", f"{shifted:.3f}"),
                *((f"{IMAGES} images, minutes: {what}, two cores", f"{CHEXNEXT_MINUTES} (readers {READERS_MINUTES})",
                   f"{IMAGES * each / 60:.2f}", "") for what, each in seconds.items()),
            ]),
            "Of CheXNeXt's areas under the curve only that of atelectasis is set beside ours; the others could not be "
            "looked up and are left out rather than quoted from memory.",
        ],
    )  # fmt: skip


def _named(figures: Mapping[str, Mapping[str, ClassFigures]]) -> Section:
    names = [("emphysema", "wide, symmetric, without a border"), ("hernia", "rare")]
    table = [("", "why it is hard", *(f"{name}: {what}" for name in figures for what in ("AUC", "sensitivity")))]
    for finding, why in names:
        row = [finding, why]
        for some in figures.values():
            row += [str(some[finding].auc), str(some[finding].sensitivity)] if finding in some else ["", ""]
        table.append(tuple(row))
    return Section("Emphysema and hernia, on which CheXNeXt is weak", [Rows(table)])


def _peaks_section(peaks: Mapping[str, Mapping[str, Figure]]) -> Section:
    table = [("true positives with the peak of their map inside the finding", *peaks)]
    for finding in (*FINDINGS, "all"):
        table.append((finding, *(str(some[finding]) if finding in some else "" for some in peaks.values())))
    return Section("Where the network looked", [Rows(table)])


def _strange_section(trials: Mapping[str, Sequence[Trial]], strange: Mapping[str, Sequence[Said]]) -> Section:
    table: list[tuple[str, ...]] = [
        ("images", "how many", "refused as no frontal chest", "strange (above 1)", "refused or cautioned")
    ]
    groups: dict[str, list[Said]] = {name: [trial.said for trial in some] for name, some in trials.items()}
    groups |= {f"{name}{' (shown in training)' if name in KNOWN_FOREIGN else ''}": [*s] for name, s in strange.items()}
    groups["all regions never shown in training"] = [said for name in NEVER_SHOWN for said in strange[name]]
    groups["all other regions and views"] = [said for some in strange.values() for said in some]
    for name, some in groups.items():
        refused, odd = [said.frontal < 0.5 for said in some], [said.strangeness > 1 for said in some]
        shares = (_share(refused), _share(odd), _share([said.cautioned for said in some]))
        table.append((name, str(len(some)), *(f"{share:.3f}" for share in shares)))
    return Section("Images that the model was not made for", [Rows(table)])


def laid_figures(trials: Sequence[Trial]) -> dict[str, float]:
    """Of the same images lying in another way, a half of them inverted."""
    truth = np.array([trial.truth for trial in trials])
    areas = []
    for column in range(len(FINDINGS)):
        there = truth[:, column]
        if 0 < there.sum() < len(there):
            scores = np.array([float(trial.laid.probability[column]) for trial in trials])
            areas.append(auc(scores, there))
    return {
        "turn right": _share([(trial.laid.turned + trial.quarters) % 4 == 0 for trial in trials]),
        "inversion right": _share([trial.laid.inverted == trial.negative for trial in trials]),
        "upright images said to lie turned or inverted": _share(
            [trial.said.turned != 0 or trial.said.inverted for trial in trials]
        ),
        "mean AUC": float(np.mean(areas)),
    }


def _laid_section(trials: Mapping[str, Sequence[Trial]], thresholds: NDArray[np.float64]) -> Section:
    figures = {name: laid_figures(some) for name, some in trials.items()}
    table = [("", *trials)]
    table += [(key, *(f"{some[key]:.3f}" for some in figures.values())) for key in next(iter(figures.values()))]
    row = ["peak inside, of true positives"]
    for some in trials.values():
        hit = np.array([trial.truth for trial in some]) & (
            np.stack([trial.laid.probability for trial in some]) > thresholds
        )
        row.append(f"{float(np.stack([trial.laid_inside for trial in some])[hit].mean()):.3f}")
    table.append(tuple(row))
    says = "Every image once more, turned by none to three quarters, every second one as its negative."
    return Section("Images that lie on their side or are inverted", [says, Rows(table)])


def _grey_section(trials: Sequence[Trial]) -> Section:
    """How much the mean grey value alone would tell: what a phantom that is too easy gives away."""
    truth = np.array([trial.truth for trial in trials])
    greys = {
        "of the image": np.array([trial.grey for trial in trials]),
        "of the lungs": np.array([trial.grey_of_lungs for trial in trials]),
    }
    table = [("AUC of the mean grey value", *greys)]
    for column, finding in enumerate(FINDINGS):
        if 0 < truth[:, column].sum() < len(truth):
            areas = [auc(values, truth[:, column]) for values in greys.values()]
            table.append((finding, *(f"{max(area, 1 - area):.3f}" for area in areas)))
    return Section("How hard the phantoms are", [Rows(table)])


def _worst(name: str, trials: Sequence[Trial], answers: Answers, folder: Path) -> Section:
    """What was missed with the lowest, and what was claimed with the highest probability."""
    missed = np.where(answers.truth, answers.probability - answers.thresholds, np.inf)
    claimed = np.where(answers.truth, np.inf, answers.thresholds - answers.probability)
    short = name.split()[0].lower()
    files = [
        _pictures(trials, order, answers, folder / f"{short}-{kind}.png")
        for kind, order in (("missed", missed), ("claimed", claimed))
    ]
    return Section(f"{name}: worst cases", [Pictures(files, "Missed (its place outlined), claimed (its map outlined)")])


def _pictures(trials: Sequence[Trial], order: NDArray[np.float64], answers: Answers, path: Path) -> str:
    picture, all_axes = pyplot.subplots(1, _WORST, figsize=(2.1 * _WORST, 2.5))
    for axes, at in zip(all_axes, np.argsort(order, axis=None)[:_WORST], strict=True):
        number, column = np.unravel_index(int(at), order.shape)
        trial, finding = trials[int(number)], FINDINGS[int(column)]
        made = radiograph(trial.seed, shifted=trial.shifted)
        axes.imshow(made.image[::2, ::2], cmap="gray", vmin=0, vmax=1)
        if finding in made.places:
            axes.contour(made.places[finding][::2, ::2], levels=[0.5], colors="red", linewidths=0.7)
        axes.set_title(f"{finding}: {answers.probability[number, column]:.2f}", fontsize=7)
        axes.axis("off")
    return save(picture, path)
