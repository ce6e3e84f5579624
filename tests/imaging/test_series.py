"""Instances of one series belong together, or a sentence says why they do not."""

from copy import deepcopy

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.series import assemble, together
from tests.builders.series import Scan, slices, stating, with_localizer
from tests.imaging.reading import read, refusal


def test_a_series_knows_itself() -> None:
    datasets = slices()
    series = read(reversed(datasets))
    assert (series.study_uid, series.series_uid) == (datasets[0].StudyInstanceUID, datasets[0].SeriesInstanceUID)
    assert series.modality == "CT"
    assert [instance.header.SOPInstanceUID for instance in series.instances] == sorted(
        dataset.SOPInstanceUID for dataset in datasets
    )
    assert series.cautions == ()


def test_nothing_at_all() -> None:
    with pytest.raises(Unsuitable) as refused:
        assemble([])
    assert refused.value.sentence == "The series holds no images; there is nothing a model could run on."


@pytest.mark.parametrize(
    ("keyword", "sentence"),
    [
        ("StudyInstanceUID", "Instances of the series belong to different studies; correct them in the archive."),
        ("SeriesInstanceUID", "Instances of the series belong to different series; run on one series at a time."),
        ("PatientID", "Instances of the series belong to different patients; correct them in the archive."),
        ("Modality", "Instances of the series are of different modalities; run on a series of one."),
    ],
)
def test_what_does_not_belong_together(keyword: str, sentence: str) -> None:
    datasets = slices()
    setattr(datasets[1], keyword, "1.2.3")
    assert refusal(datasets) == sentence


def test_localizers_are_left_out_with_a_caution() -> None:
    series = read(with_localizer())
    assert len(series.instances) == len(with_localizer()) - 1
    assert series.cautions == ("Localizers in the series were left out (1).",)


def test_nothing_but_localizers() -> None:
    assert refusal(stating(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])) == (
        "The series holds nothing but localizers; run on the series that was planned on them."
    )


def test_an_instance_that_came_twice_counts_once() -> None:
    series = read([*slices(), slices()[0]])
    assert len(series.instances) == len(slices())
    assert series.cautions == ("Instances that came more than once were used once (1).",)


def test_two_images_under_one_uid() -> None:
    other = deepcopy(slices()[0])
    other.PixelData = bytes(len(other.PixelData))
    assert refusal([*slices(), other]) == (
        f"Two different images bear the SOP instance UID {other.SOPInstanceUID}; correct them in the archive."
    )


def of_one_study(name: str, **values: str) -> list[Dataset]:
    datasets = slices(Scan(slices=2, name=name))
    for dataset in datasets:
        dataset.StudyInstanceUID = "1.2.3"
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
    return datasets


def test_series_of_one_study_count_as_one() -> None:
    several = [read(of_one_study(name)) for name in ("one", "two")]
    whole = together(several)
    uids = [str(instance.header.SOPInstanceUID) for instance in whole.instances]
    assert len(uids) == 4 and uids == sorted(uids)
    assert (whole.study_uid, whole.series_uid) == ("1.2.3", several[0].series_uid)
    assert together(several[:1]) is several[0]


def test_series_of_two_patients_are_not_put_together() -> None:
    with pytest.raises(Unsuitable) as refused:
        together([read(of_one_study("one")), read(of_one_study("two", PatientID="another"))])
    assert refused.value.sentence == (
        "Instances of the series belong to different patients; correct them in the archive."
    )
