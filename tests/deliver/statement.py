"""The code in, the tables of docs/conformance-statement.md out; `python -m tests.deliver.statement` writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from pydicom.datadict import dictionary_description, dictionary_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.context import KIND_IN_DESCRIPTION, PLACE_IN_SERIES, RESULTS_FROM, moment
from orthanc_plugin.encode.making import Making, Predecessor
from orthanc_plugin.encode.rejection import SUPERSEDED, Rejection, rejection_note
from orthanc_plugin.encode.results import Result, encode
from orthanc_plugin.encode.status import status_page
from orthanc_plugin.encode.syntax import KNOWN
from orthanc_plugin.imaging.image import Imaged
from tests.encode import making, outlined

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = PROJECT / "docs" / "conformance-statement.md"
SECTION = re.compile(r"(<!-- from the code: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
# Newer than pydicom's dictionary of UIDs.
NEWER = {"1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage"}
ENTITY = (
    *("DicomAet", "DicomPort", "DicomCheckCalledAet", "DicomModalities", "DicomAlwaysAllowEcho"),
    *("DicomAlwaysAllowStore", "DicomAlwaysAllowFind", "DicomAlwaysAllowMove", "DicomAlwaysAllowGet"),
    *("DicomAlwaysAllowFindWorklist", "DefaultEncoding", "OverwriteInstances"),
)


@dataclass(frozen=True, eq=False)
class Made:
    """Objects on one source, with the header that they were made from."""

    source: Dataset
    results: tuple[Result, ...]


def rewritten(document: str) -> str:
    """The document with what stands between its marks as the code has it."""
    return SECTION.sub(lambda match: f"{match[1]}\n{TABLES[match['name']]()}\n{match[3]}", document)


@cache
def everything() -> Made:
    """One object at least of each kind on a CT series, as its destination may take it."""
    on = making.volume()
    profile = Profile().model_copy(update={"objects": tuple(PLACE_IN_SERIES)})
    beside = outlined.laid()
    results = encode(Making(outlined.everything(on), on, making.origin(), profile, beside.headers, laid=(beside,)))
    status = Result("STATUS", status_page(on.headers, making.origin(), "No slice is there."))
    return Made(on.headers[0], (*results, status))


@cache
def others() -> tuple[Result, ...]:
    """What other destinations take, and other sources give."""
    mammogram = outlined.flat(outlined.mammogram())
    found = [
        *_encoded(making.volume(), segmentations=("labelmap",), report="comprehensive", scrolling_page=True),
        *_encoded(mammogram, template="cad"),
        *_encoded(outlined.FLAT["DX"](), template="cad"),
        *_encoded(outlined.FLAT["US in colour"]()),
        *_encoded(outlined.pet()),
        *_encoded(outlined.oblique_mr()),
        *_encoded(outlined.FLAT["CR"]()),
    ]
    return (*found, Result("KO", _rejection()))


def _encoded(on: Imaged, **profile: object) -> tuple[Result, ...]:
    wanted = Profile().model_copy(update={"objects": tuple(PLACE_IN_SERIES), **profile})
    return encode(Making(outlined.everything(on), on, making.origin(), wanted))


def _rejection() -> Dataset:
    report = next(result.dataset for result in everything().results if result.kind == "SR")
    uids = (report.StudyInstanceUID, report.SeriesInstanceUID, report.SOPClassUID, report.SOPInstanceUID)
    rejection = Rejection(SUPERSEDED, "Superseded.", (Predecessor(*map(str, uids)),))
    return rejection_note(everything().source, rejection, moment(everything().source, making.origin()))


def classes_made() -> str:
    by_kind: dict[str, dict[str, None]] = {kind: {} for kind in PLACE_IN_SERIES}
    for result in chain(everything().results, others()):
        by_kind[result.kind][str(result.dataset.SOPClassUID)] = None
    rows = [(kind, _class_name(uid), uid) for kind, uids in by_kind.items() for uid in uids]
    return _table(("object", "SOP class", "UID"), rows)


def transfer_syntaxes() -> str:
    return _table(("transfer syntax", "UID"), [(UID(uid).name, uid) for uid in KNOWN])


def entity() -> str:
    written = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (PROJECT / "orthanc.json").read_text("utf-8"))
    configuration = json.loads(written)
    return _table(("key", "value"), [(f"`{key}`", f"`{json.dumps(configuration[key])}`") for key in ENTITY])


def series() -> str:
    modalities = {result.kind: str(result.dataset.Modality) for result in everything().results}
    modalities["IMAGE"] = "the source's"
    rows = []
    for name, ending in KIND_IN_DESCRIPTION.items():
        kind = name.partition(" ")[0]
        rows.append((kind, modalities[kind], f"{RESULTS_FROM} + 10 x n + {PLACE_IN_SERIES[kind]}", ending))
    return _table(("object", "Modality", "Series Number", "Series Description ends with"), rows)


def schemes() -> str:
    used = {code for result in chain(everything().results, others()) for code in _schemes(result.dataset)}
    used -= set(_schemes(everything().source))
    return _table(("designator",), [(designator,) for designator in sorted(used)])


def attributes() -> str:
    """Of each attribute at the top level, by kind: C copied from the source, N from the node, E empty."""
    source = everything().source
    first: dict[str, Dataset] = {}
    for result in everything().results:
        first.setdefault(result.kind, making.read_back(result.dataset))
    tags = sorted({element.tag for dataset in first.values() for element in dataset})
    kinds = [kind for kind in PLACE_IN_SERIES if kind in first]
    rows = [
        (
            dictionary_description(tag),
            str(tag),
            dictionary_VR(tag),
            *(_whose(first[kind], source, tag) for kind in kinds),
        )
        for tag in tags
    ]
    return _table(("attribute", "tag", "VR", *kinds), rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "classes-made": classes_made,
    "transfer-syntaxes": transfer_syntaxes,
    "entity": entity,
    "series": series,
    "schemes": schemes,
    "attributes": attributes,
}


def _whose(dataset: Dataset, source: Dataset, tag: BaseTag) -> str:
    if tag not in dataset:
        return ""
    if dataset[tag].is_empty:
        return "E"
    return "C" if tag in source and source[tag].value == dataset[tag].value else "N"


def _schemes(dataset: Dataset) -> Iterator[str]:
    for element in dataset.iterall():
        if element.tag == Tag("CodingSchemeDesignator"):
            yield str(element.value)


def _class_name(uid: str) -> str:
    return NEWER.get(uid, UID(uid).name)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text("utf-8")), "utf-8")
