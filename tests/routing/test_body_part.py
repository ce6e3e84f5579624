"""The region of the body: from the tag's terms, from codes, from the texts of sites in six languages."""

from __future__ import annotations

import pytest

from orthanc_plugin.routing.body_part import Found, find, parts_in, table
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import Region
from orthanc_plugin.routing.vocabulary import PARTS, TERMS, WORDS

STANDARD = (
    "ABDOMEN ABDOMENPELVIS ADRENAL ANKLE ARM AXILLA BACK BILEDUCT BLADDER BRAIN BREAST BRONCHUS BUTTOCK CALCANEUS CALF "
    "CAROTID CEREBELLUM CERVIX CHEST CHESTABDOMEN CHESTABDPELVIS CIRCLEOFWILLIS CLAVICLE COCCYX COLON CORONARYARTERY "
    "CSPINE CTSPINE DUODENUM EAR ELBOW ESOPHAGUS EYE FACE FEMUR FIBULA FINGER FOOT GALLBLADDER HAND HEAD HEADNECK "
    "HEART HIP HUMERUS ILEUM ILIUM JAW JEJUNUM KIDNEY KNEE LARYNX LEG LIVER LSPINE LSSPINE LUNG MAXILLA MEDIASTINUM "
    "MOUTH NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELVIS NOSE ORBIT OVARY PANCREAS PATELLA PELVIS PENIS PHARYNX "
    "PROSTATE RADIUS RADIUSULNA RECTUM RIB SSPINE SCALP SCAPULA SCROTUM SHOULDER SKULL SPINE SPLEEN STERNUM STOMACH "
    "SUBMANDIBULAR TESTIS THIGH THUMB THYMUS THYROID TIBIA TIBIAFIBULA TLSPINE TOE TONGUE TRACHEA TSPINE ULNA URETER "
    "UTERUS VAGINA VULVA WHOLEBODY WRIST ZYGOMA"
)


def region(**values: object) -> Region:
    return find(Headers(values, 1)).region


@pytest.mark.parametrize("term", STANDARD.split())
def test_every_term_of_the_standard_is_known(term: str) -> None:
    assert region(BodyPartExamined=term).parts, term


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("CHESTABDPELVIS", "chest abdomen pelvis"),
        ("CHEST_TO_PELVIS", "chest abdomen pelvis"),
        ("Head-Neck", "head neck"),
        ("HEAD AND NECK", "head neck"),
        ("CHEST (THORAX)", "chest"),
        ("THORAXABD", "chest abdomen"),
        ("LUMBO-SACRAL SP", "lumbar-spine sacrum"),
        ("ABD PELV", "abdomen pelvis"),
        ("Schädel", "head"),
        ("TIBIAFIBULA", "leg"),
    ],
)
def test_a_tag_as_scanners_write_it(tag: str, parts: str) -> None:
    assert region(BodyPartExamined=tag) == Region(frozenset(parts.split()), "BodyPartExamined")


@pytest.mark.parametrize("tag", ["UNDEFINED", "PHANTOM", "J BRZUSZNA", "123", "EXTREMITY"])
def test_a_tag_that_says_nothing_is_as_good_as_none(tag: str) -> None:
    assert region(BodyPartExamined=tag, StudyDescription="MRT Knie") == Region(frozenset({"knee"}), "StudyDescription")


def test_a_code_of_the_standard_counts_whatever_its_meaning_says() -> None:
    item = {"CodeValue": "416775004", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Rumpf"}
    parts = frozenset({"chest", "abdomen", "pelvis"})
    assert region(AnatomicRegionSequence=[item]) == Region(parts, "AnatomicRegionSequence")


def test_a_site_s_own_code_counts_by_its_meaning() -> None:
    item = {"CodeValue": "X1", "CodingSchemeDesignator": "99SITE", "CodeMeaning": "Oberbauch"}
    assert region(AnatomicRegionSequence=[item]).parts == {"abdomen"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("CT CHEST W/O CONTRAST", "chest"),
        ("CT ABD/PEL W", "abdomen pelvis"),
        ("CAP venous", "chest abdomen pelvis"),
        ("MRI C-Spine sag", "cervical-spine"),
        ("XR femoral neck", "hip"),
        ("MR cervical cancer staging", "pelvis"),
        ("soft tissue neck", "neck"),
        ("T1 brain MPRAGE", "head"),
        ("Coronary CTA", "chest"),
        ("복부골반 CT (조영)", "abdomen pelvis"),
        ("저선량 흉부 CT", "chest"),
        ("뇌 MRI", "head"),
        ("하지 CT 혈관조영", "leg"),
        ("요추 MRI", "lumbar-spine"),
        ("무릎 X-ray", "knee"),
        ("간 MRI", "abdomen"),
        ("CT Thorax-Abdomen nativ", "chest abdomen"),
        ("MRT Schädel nativ", "head"),
        ("Roe HWS 2 Ebenen", "cervical-spine"),
        ("Becken-Bein-Angio", "pelvis leg"),
        ("Handgelenk links", "wrist"),
        ("Fuß rechts", "foot"),
        ("Ganzkörper-CT", "whole-body"),
        ("Scanner abdomino-pelvien", "abdomen pelvis"),
        ("TDM thoraco-abdomino-pelvienne", "chest abdomen pelvis"),
        ("IRM rachis lombaire", "lumbar-spine"),
        ("Radio épaule gauche", "shoulder"),
        ("col du fémur", "hip"),
        ("IRM tête", "head"),
        ("TC cráneo sin contraste", "head"),
        ("RM rodilla derecha", "knee"),
        ("TAC tórax abdomen y pelvis", "chest abdomen pelvis"),
        ("Columna lumbar AP", "lumbar-spine"),
        ("Mamografía bilateral", "breast"),
        ("胸部単純CT", "chest"),
        ("頭部MRI", "head"),
        ("腰椎 側面", "lumbar-spine"),
        ("胸腹部造影", "chest abdomen"),
        ("膝関節 正面", "knee"),
        ("乳腺MRI", "breast"),
    ],
)
def test_the_text_of_a_site(text: str, parts: str) -> None:
    assert parts_in(text) == frozenset(parts.split())


@pytest.mark.parametrize(
    "text",
    ["coronal reformat", "조영하지 않음", "촬영 시간 기간", "手術前", "Portal venous", "feet first", "main series", ""],
)
def test_a_text_that_only_sounds_like_a_region(text: str) -> None:
    assert parts_in(text) == frozenset()


def test_the_text_closest_to_the_series_counts() -> None:
    found = find(Headers({"StudyDescription": "CT Thorax Abdomen", "SeriesDescription": "Thorax 1.0"}, 1))
    assert found == Found(Region(frozenset({"chest"}), "SeriesDescription"))


def test_the_vocabulary_speaks_of_its_own_parts_alone() -> None:
    named = {part for parts in (*TERMS.values(), *WORDS) for part in parts.split()}
    assert named == set(PARTS)


def test_no_word_stands_for_two_things() -> None:
    words = [word.strip() for listed in WORDS.values() for word in listed.split(",")]
    assert sorted({word for word in words if words.count(word) > 1}) == []
    assert len(table()) == len(words)
