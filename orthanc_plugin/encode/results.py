"""Findings in, the checked objects that go to the archive out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from orthanc_plugin.encode import check, check_derived, check_frames, check_report
from orthanc_plugin.encode.cad import cad_report, template
from orthanc_plugin.encode.derived import derived_images
from orthanc_plugin.encode.key_objects import selection, worth_opening
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.maps import maps
from orthanc_plugin.encode.pdf import page_document
from orthanc_plugin.encode.presentation import presentation_states
from orthanc_plugin.encode.registration import registration
from orthanc_plugin.encode.sc import capture, scrolling
from orthanc_plugin.encode.seg import segmentations
from orthanc_plugin.encode.sr import report
from orthanc_plugin.encode.syntax import smallest
from orthanc_plugin.errors import Broken, NodeError


@dataclass(frozen=True, eq=False)
class Result:
    """An object of ours before it is stored; `kind` is as profiles name it, and several may be of one."""

    kind: str
    dataset: Dataset


def encode(making: Making) -> tuple[Result, ...]:
    """What the destination takes, in the order in which the objects refer to one another."""
    try:
        results = tuple(_results(making))
    except NodeError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError) as error:
        raise Broken(
            f"The results can't be written as DICOM ({type(error).__name__}); "
            "the source's header lacks or garbles what they need. See the log.",
            stage="encode",
        ) from error
    _check(making, results)
    taken = making.profile.transfer_syntaxes
    wanted = (result for result in results if result.kind in making.profile.objects)
    return tuple(Result(result.kind, smallest(result.dataset, taken)) for result in wanted)


def _results(making: Making) -> Iterator[Result]:
    """No SEG where nothing was outlined; it is made even where none is wanted, since others speak of it."""
    wanted, outlined = making.profile.objects, segmentations(making)
    if "REG" in wanted and making.laid:
        yield Result("REG", registration(making))
    yield from _all("SEG", outlined)
    if "PM" in wanted and making.header.Modality not in making.profile.maps_not_on:
        yield from _all("PM", maps(making))
    if "IMAGE" in wanted:
        yield from _all("IMAGE", derived_images(making))
    said = tuple(_reports(making, outlined))
    yield from _all("SR", said)
    if "SC" in wanted:
        yield from _all("SC", _pictures(making))
    if "PDF" in wanted:
        yield Result("PDF", page_document(making))
    if "PR" in wanted:
        yield from _all("PR", presentation_states(making))
    if "KO" in wanted and worth_opening(making.findings):
        stored = [*(outlined if "SEG" in wanted else ()), *(said if "SR" in wanted else ())]
        yield Result("KO", selection(making, stored))


def _reports(making: Making, outlined: Sequence[Dataset]) -> Iterator[Dataset]:
    """None where a model gave nothing but maps and images, of which there is nothing to say."""
    if making.findings.says_something:
        of = template(making)
        yield report(making, outlined) if of is None else cad_report(making, of)


def _pictures(making: Making) -> Iterator[Dataset]:
    yield capture(making)
    if making.profile.scrolling_page and len(making.imaged) > 1:
        yield scrolling(making)


def _all(kind: str, datasets: Iterable[Dataset]) -> Iterator[Result]:
    return (Result(kind, dataset) for dataset in datasets)


def _check(making: Making, results: Sequence[Result]) -> None:
    imaged = making.imaged
    outlined = _of("SEG", results)
    check_frames.segmentations(outlined, making)
    if _of("PM", results):
        check_frames.maps(_of("PM", results), making)
    if "IMAGE" in making.profile.objects:
        check_derived.derived_images(_of("IMAGE", results), making)
    for document in _of("SR", results):
        check_report.report(document, outlined if "SEG" in making.profile.objects else (), making)
    for picture in _of("SC", results):
        check.capture(picture, imaged)
    for kind in ("KO", "PDF", "PR"):
        for dataset in _of(kind, results):
            check.references(dataset, imaged, [result.dataset for result in results])
    for dataset in _of("REG", results):
        check.references(dataset, imaged, making.beside)


def _of(kind: str, results: Sequence[Result]) -> list[Dataset]:
    return [result.dataset for result in results if result.kind == kind]
