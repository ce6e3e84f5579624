from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import EncapsulatedPDFStorage

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import page, shown_slices
from orthanc_plugin.encode.pdf import page_document
from orthanc_plugin.encode.theme import LIGHT
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.encode import making, outlined

ON = making.volume()
MAKING = Making(making.findings(ON), ON, making.origin())


def test_the_judges_hold_nothing_against_it(volume: Volume, tmp_path: Path) -> None:
    path = tmp_path / "page.dcm"
    path.write_bytes(making.written(page_document(Making(making.findings(volume), volume, making.origin()))))

    assert judges.dciodvfy(path) == []


@pytest.mark.parametrize("source", outlined.FLAT)
def test_the_judges_hold_nothing_against_that_of_single_images(source: str, tmp_path: Path) -> None:
    path = tmp_path / "page.dcm"
    path.write_bytes(making.written(page_document(outlined.made(outlined.FLAT[source]()))))

    assert judges.dciodvfy(path) == []


def test_the_same_making_gives_the_same_bytes() -> None:
    assert making.written(page_document(MAKING)) == making.written(page_document(MAKING))


def test_it_is_the_page_on_paper_as_a_pdf_of_one_page() -> None:
    result = making.read_back(page_document(MAKING))

    assert (result.SOPClassUID, result.Modality) == (EncapsulatedPDFStorage, "DOC")
    assert (result.MIMETypeOfEncapsulatedDocument, result.DocumentTitle) == ("application/pdf", making.origin().title)
    pdf = result.EncapsulatedDocument[: result.EncapsulatedDocumentLength]
    assert pdf.startswith(b"%PDF-1.") and pdf.rstrip().endswith(b"%%EOF") and pdf.count(b"/Type /Page\n") == 1
    assert b"/CreationDate (D:20260203140506" in pdf
    jpeg = pdf[pdf.index(b"\xff\xd8\xff") : pdf.rindex(b"\xff\xd9") + 2]
    shown = np.asarray(Image.open(BytesIO(jpeg)), np.int16)
    assert np.abs(shown - page(MAKING, LIGHT)).mean() < 1


def test_another_program_takes_the_pdf_out_of_it(tmp_path: Path) -> None:
    path, result = tmp_path / "page.dcm", page_document(MAKING)
    path.write_bytes(making.written(result))

    taken = judges.dcm2pdf(path, tmp_path / "page.pdf")

    assert (
        taken[: result.EncapsulatedDocumentLength] == result.EncapsulatedDocument[: result.EncapsulatedDocumentLength]
    )


def test_it_names_the_images_that_it_shows_and_nobody_on_its_page() -> None:
    result = page_document(MAKING)

    named = [item.ReferencedSOPInstanceUID for item in result.SourceInstanceSequence]
    assert named == [ON.sources[index].sop_instance_uid for index in shown_slices(MAKING.findings)]
    assert result.BurnedInAnnotation == "NO"
    asked = replace(MAKING, profile=Profile().model_copy(update={"patient_on_page": True}))
    assert page_document(asked).BurnedInAnnotation == "YES"


def test_of_a_multi_frame_source_the_instance_is_named_once_without_frames() -> None:
    on = making.enhanced_volume()

    [item] = page_document(Making(making.findings(on), on, making.origin())).SourceInstanceSequence

    assert item.ReferencedSOPInstanceUID == on.sources[0].sop_instance_uid and "ReferencedFrameNumber" not in item
