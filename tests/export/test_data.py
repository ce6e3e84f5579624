from pathlib import Path

import numpy as np
import torch

from export.abdominal_muscle_ct.data import (
    CachedSlices,
    cache_cases,
    entries_of,
    slices_of,
    training_batches,
    validation_batches,
)
from export.abdominal_muscle_ct.settings import Split
from export.abdominal_muscle_ct.sources import Entry, PhantomEntry
from export.split import split_by_patient
from tests.export.training import KEPT, ROWS, tiny


def test_no_patient_is_in_two_parts_and_the_seed_deals() -> None:
    entries: list[Entry] = [PhantomEntry(seed) for seed in range(40)]
    split = Split(20, 10, 10, 1, 1, -120, 150)
    parts = split_by_patient(entries, split, seed=1)
    names = [{entry.patient for entry in part} for part in (parts.train, parts.validation, parts.test)]
    assert [len(part) for part in names] == [20, 10, 10]
    assert len(set.union(*names)) == 40
    assert split_by_patient(entries, split, seed=1) == parts
    assert split_by_patient(entries, split, seed=2) != parts


def test_several_series_of_a_patient_stay_together() -> None:
    class Series(PhantomEntry):
        @property
        def patient(self) -> str:
            return f"patient-{self.seed // 2}"

    entries: list[Entry] = [Series(seed) for seed in range(20)]
    parts = split_by_patient(entries, Split(1, 1, 1, 1, 1, -120, 150), seed=3)
    for part in (parts.train, parts.validation, parts.test):
        for entry in part:
            assert sum(other.patient == entry.patient for other in part) == 2


def test_cached_slices_are_the_phantoms_slices(tmp_path: Path) -> None:
    entry = PhantomEntry(2)
    folders = cache_cases((entry,), KEPT, tmp_path)
    case = entry.load(KEPT)
    slices = CachedSlices(folders, ROWS, None)
    assert len(slices) == 2
    np.testing.assert_array_equal(slices[1]["hu"][0], case.voxels_zyx[1])
    np.testing.assert_array_equal(slices[1]["labels"][0], case.labels_zyx[1])
    assert slices[1]["offset_mm"] == case.offsets_mm[1]
    halved = CachedSlices(folders, ROWS // 2, None)[1]
    assert halved["hu"].shape == halved["labels"].shape == (1, ROWS // 2, ROWS // 2)


def test_a_case_on_disk_is_not_made_again(tmp_path: Path) -> None:
    (folder,) = cache_cases((PhantomEntry(2),), KEPT, tmp_path)
    written = (folder / "hu.npy").stat().st_mtime_ns
    cache_cases((PhantomEntry(2), PhantomEntry(3)), KEPT, tmp_path)
    assert (folder / "hu.npy").stat().st_mtime_ns == written


def test_an_epoch_is_the_same_again_and_unlike_the_next(tmp_path: Path) -> None:
    settings = tiny()
    folders = cache_cases(entries_of("phantoms", settings).train, KEPT, tmp_path)
    first, again, following = (
        torch.cat([batch.hu for batch in training_batches(folders, settings, settings.stages[0], epoch, workers=0)])
        for epoch in (0, 0, 1)
    )
    torch.testing.assert_close(first, again)
    assert not torch.equal(first, following)


def test_epochs_go_round_the_slices_that_are_kept() -> None:
    assert [slices_of(epoch, 3, 6) for epoch in range(3)] == [(0, 1, 2), (3, 4, 5), (0, 1, 2)]
    assert slices_of(1, 8, 6) == (0, 1, 2, 3, 4, 5)


def test_an_epoch_sees_only_its_slices(tmp_path: Path) -> None:
    folders = cache_cases(entries_of("phantoms", tiny()).train, KEPT, tmp_path)
    some = CachedSlices(folders, ROWS, None, chosen=(1,))
    whole = CachedSlices(folders, ROWS, None)
    assert [sample["offset_mm"] for sample in some] == [whole[number]["offset_mm"] for number in (1, 3, 5)]


def test_batches_have_one_channel_per_tissue_and_no_pixel_two(tmp_path: Path) -> None:
    settings = tiny()
    folders = cache_cases(entries_of("phantoms", settings).train, KEPT, tmp_path)
    batch = next(iter(validation_batches(folders, settings.stages[0], workers=0)))
    assert batch.hu.shape == (2, 1, ROWS, ROWS)
    assert batch.tissues.shape == (2, 3, ROWS, ROWS)
    assert batch.tissues.sum(dim=1).max() == 1
    assert (batch.tissues.sum(dim=(0, 2, 3)) > 0).all()
