import shutil
import subprocess
import sys
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from export.phantoms import abdomen
from export.phantoms.dicom import write_series

SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLSLossless,
    JPEG2000Lossless,
]

SIGNED, UNSIGNED = 1, 0  # seeds


def made(seed: int = 7) -> abdomen.Phantom:
    return abdomen.phantom(seed, slices=4, rows=64)


@pytest.mark.parametrize("seed", [SIGNED, UNSIGNED])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.keyword)
def test_hounsfield_units_and_places_survive_the_file(tmp_path: Path, seed: int, syntax: UID) -> None:
    phantom = made(seed)
    files = [pydicom.dcmread(path) for path in write_series(phantom, tmp_path, transfer_syntax=syntax)]
    assert {file.file_meta.TransferSyntaxUID for file in files} == {syntax}
    volume = highdicom.get_volume_from_series(files).to_patient_orientation("HPL")
    np.testing.assert_array_equal(volume.array, phantom.voxels_zyx)
    np.testing.assert_allclose(volume.position, phantom.geometry.origin_lps, atol=1e-3)
    assert volume.spacing == pytest.approx((5.0, phantom.geometry.row_spacing_mm, phantom.geometry.column_spacing_mm))


def test_both_ways_of_storing_values_occur() -> None:
    assert made(SIGNED).scan.signed
    assert not made(UNSIGNED).scan.signed


@pytest.mark.parametrize("seed", range(4))
def test_dciodvfy_finds_nothing_wrong(tmp_path: Path, seed: int) -> None:
    judge = shutil.which("dciodvfy")
    if judge is None:
        pytest.skip("dciodvfy (Debian dicom3tools) is not installed")
    for path in write_series(made(seed), tmp_path):
        verdict = subprocess.run([judge, "-new", path], capture_output=True, text=True, check=False)
        lines = (verdict.stdout + verdict.stderr).splitlines()
        assert [line for line in lines if line.startswith(("Error", "Warning"))] == []
        assert "CTImage" in lines


def test_the_header_is_that_of_a_scanner_without_a_real_patient(tmp_path: Path) -> None:
    phantom = made(7)
    paths = write_series(phantom, tmp_path)
    first = pydicom.dcmread(paths[0])
    assert first.SOPClassUID == CTImageStorage
    assert (str(first.PatientName), first.PatientID) == ("Phantom^Abdomen", "PHANTOM-7")
    assert first.get("PatientSize") == phantom.patient.height_m
    assert (first.PatientPosition, first.BodyPartExamined) == ("HFS", "ABDOMEN")
    numbers = [pydicom.dcmread(path).InstanceNumber for path in paths]
    heights = [pydicom.dcmread(path).ImagePositionPatient[2] for path in paths]
    assert numbers == [1, 2, 3, 4]
    assert heights == sorted(heights, reverse=True)


def test_uids_follow_from_the_seed_and_can_be_given(tmp_path: Path) -> None:
    def uids(folder: str, **given: str) -> list[tuple[str, str, str, str]]:
        files = [pydicom.dcmread(path) for path in write_series(made(7), tmp_path / folder, **given)]
        return [(f.StudyInstanceUID, f.SeriesInstanceUID, f.SOPInstanceUID, f.FrameOfReferenceUID) for f in files]

    assert uids("a") == uids("b")
    assert not {uid for file in uids("a") for uid in file} & {uid for file in uids("c", uid_seed="x") for uid in file}
    assert {file[:2] for file in uids("d", study_uid="1.2.3", series_uid="1.2.4")} == {("1.2.3", "1.2.4")}
    assert len({file[2] for file in uids("a")}) == 4


def test_the_command_writes_a_series_and_says_where_l3_is(tmp_path: Path) -> None:
    phantom = made(7)
    call = [sys.executable, "-m", "export.phantoms", "abdomen"]
    call += ["--seed", "7", "--slices", "4", "--rows", "64", "--out", str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stdout == f"4 slices in {tmp_path}; mid L3 is CT{4 - phantom.l3_index:04d}.dcm\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"CT{n:04d}.dcm" for n in (1, 2, 3, 4)]
