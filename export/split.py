"""Entries of patients in, those of the three parts out; no patient is in two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np


class Entry(Protocol):
    @property
    def patient(self) -> str: ...


class Split(Protocol):
    """Patients of the parts; of real data their proportions."""

    @property
    def train(self) -> int: ...
    @property
    def validation(self) -> int: ...
    @property
    def test(self) -> int: ...


_Entry = TypeVar("_Entry", bound=Entry)


@dataclass(frozen=True)
class Parts(Generic[_Entry]):
    train: tuple[_Entry, ...]
    validation: tuple[_Entry, ...]
    test: tuple[_Entry, ...]


def wanted(split: Split) -> int:
    return split.train + split.validation + split.test


def split_by_patient(entries: Sequence[_Entry], split: Split, seed: int) -> Parts[_Entry]:
    """Shuffles the patients by the seed and deals them in the split's proportions (exactly, where there are enough)."""
    patients = sorted({entry.patient for entry in entries})
    shuffled = [patients[place] for place in np.random.default_rng(seed).permutation(len(patients))]
    counts = np.array([split.train, split.validation, split.test])
    first, second, _ = np.rint(np.cumsum(counts) * len(patients) / counts.sum()).astype(int)
    groups = (set(shuffled[:first]), set(shuffled[first:second]), set(shuffled[second:]))
    train, validation, test = (tuple(each for each in entries if each.patient in group) for group in groups)
    return Parts(train, validation, test)
