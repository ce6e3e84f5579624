"""Letters in any script where the font is installed, the nearest in ASCII where not."""

from itertools import pairwise

import pytest

from orthanc_plugin.encode import lettering
from orthanc_plugin.encode.lettering import fitted, shortened, width, wrapped, writable

SENTENCE = "The field of view cuts the body, so areas of fat are too small."
SCRIPTS = {
    "Latin": "Müller 12 cm² ≥ 0.50",
    "Korean": "임상용으로 사용하지 마십시오",
    "Japanese": "臨床使用禁止カタカナひらがな",
    "Chinese": "不得用于临床",
    "Greek": "αβγ µ Ω",
    "Cyrillic": "Абвгд",
}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "TYPEFACE", lettering.TYPEFACE.with_name("nowhere.ttc"))


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_every_letter_of_these_scripts_has_a_form_of_its_own(text: str) -> None:
    if not lettering.complete():
        pytest.skip("fonts-wqy-microhei is not installed")
    missing = bytes(lettering.font(24).getmask("\uffff"))
    drawn = {letter: bytes(lettering.font(24).getmask(letter)) for letter in text if not letter.isspace()}

    assert [letter for letter, form in drawn.items() if form == missing] == []
    assert writable(text) == text and lettering.typeface() == "wqy-microhei"


@pytest.mark.usefixtures("bare")
def test_without_the_font_the_nearest_letters_are_written() -> None:
    assert writable("Müller, 12 cm² …") == "Muller, 12 cm2 ..."
    assert writable("임상용") == "???"
    assert lettering.typeface() == "built-in"


def test_lines_are_no_wider_than_asked_and_lose_no_word() -> None:
    lines = wrapped(SENTENCE, 200, 17)

    assert " ".join(lines) == SENTENCE and len(lines) > 1
    assert all(width(line, 17) <= 200 for line in lines)
    assert all(width(f"{line} {following.split()[0]}", 17) > 200 for line, following in pairwise(lines))


def test_words_longer_than_a_line_are_broken() -> None:
    word = "臨床使用禁止" * 20

    lines = wrapped(f"A {word}", 200, 17)

    assert "".join(lines) == f"A{word}" or "".join(lines) == f"A {word}"
    assert all(width(line, 17) <= 200 for line in lines)


def test_nothing_gives_no_line() -> None:
    assert wrapped("", 200, 17) == []


def test_a_text_is_made_smaller_before_it_is_shortened() -> None:
    assert fitted("Short", 400, range(32, 19, -2)) == ("Short", 32)
    text, size = fitted(SENTENCE, 480, range(32, 13, -2))
    assert text == SENTENCE and 14 < size < 32
    text, size = fitted(SENTENCE, 200, range(32, 13, -2))
    assert size == 14 and text.endswith("…") and SENTENCE.startswith(text[:-1]) and width(text, 14) <= 200


def test_what_fits_is_not_shortened() -> None:
    assert shortened("cm²", 300, 16) == "cm²"
