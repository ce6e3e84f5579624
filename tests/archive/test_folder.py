"""What is particular to a folder as an archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from orthanc_plugin.archive.folder import FolderArchive
from orthanc_plugin.errors import Temporary
from tests.archive.results import KIND, SCAN, result
from tests.builders.series import part10, slices


def test_other_files_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM")
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    for dataset in slices(SCAN):
        (tmp_path / "deep" / "deeper" / f"{dataset.InstanceNumber}").write_bytes(part10(dataset))
    assert len(FolderArchive(tmp_path).series(slices(SCAN)[0].SeriesInstanceUID).sop_instance_uids) == SCAN.slices


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path / "missing")
    with pytest.raises(Temporary) as raised:
        archive.store(KIND, result())
    assert raised.value.sentence == (
        "The folder can't be written (No such file or directory), most likely because the disk is full; make room, "
        "the job is tried again."
    )
