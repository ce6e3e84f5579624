"""Headers as no scanner should send them: missing, of the wrong type, with empty sequences, in any script."""

from __future__ import annotations

import random

from orthanc_plugin.routing.headers import Headers

KEYWORDS = (
    "Modality",
    "BodyPartExamined",
    "SliceThickness",
    "SeriesDescription",
    "StudyDescription",
    "ViewCodeSequence",
    "AnatomicRegionSequence",
    "PatientAge",
    "PatientBirthDate",
    "StudyDate",
    "ImageOrientationPatient",
    "ImageType",
    "PatientSex",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "RadiopharmaceuticalInformationSequence",
    "AcquisitionTime",
)
ODD: tuple[object, ...] = (
    None,
    "",
    " ",
    "\0",
    "\\\\\\",
    "CT",
    "Bauch^ÄÖÜß",
    "복부 골반",
    "胸部🫁",
    "\ud800",
    "١٢٣",
    "0" * 5000,
    "1e999",
    "-inf",
    "1\\0\\0\\0\\1\\x",
    "0\\0\\0\\0\\0\\0",
    "999Y",
    "00000000",
    "99999999",
    "a" * 60,
    [],
    [{}],
    [None],
    [[]],
    [{"CodeValue": None}],
    [{"CodeValue": ["818981001"]}],
    [{"PixelMeasuresSequence": [{"SliceThickness": {}}]}],
    [{"PixelMeasuresSequence": 3}],
    {},
    {"CodeValue": "1"},
    b"\xff",
    0,
    -1,
    3.5,
    float("nan"),
    True,
    ("a", 1),
    object(),
)


def odd_headers(count: int) -> list[Headers]:
    """Always the same ones."""
    chance = random.Random(3)
    made = []
    for _ in range(count):
        keywords = chance.sample(KEYWORDS, chance.randint(0, len(KEYWORDS)))
        values = {keyword: chance.choice(ODD) for keyword in keywords}
        made.append(Headers(values, chance.choice((0, 1, 60, -1))))
    return made
