import logging
import warnings
from collections.abc import Iterator

import pytest

from orthanc_plugin import log
from orthanc_plugin.errors import Broken


@pytest.fixture(autouse=True)
def own_configuration() -> Iterator[None]:
    """The loggers and warning filters as they were."""
    own = logging.getLogger("orthanc_plugin")
    before = (own.handlers[:], own.level, own.propagate, logging.lastResort)
    with warnings.catch_warnings():
        yield
    own.handlers[:], own.level, own.propagate, logging.lastResort = before


def test_a_record_is_one_line_of_names_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()

    logging.getLogger("orthanc_plugin.jobs.worker").info(
        'It said "no"\nand %s', "left", extra={"job": "12", "series": "1.2.3", "patient": "DOE^JOHN"}
    )

    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert line.startswith("time=2")
    assert line.endswith(' level=info room=jobs.worker event="It said \\"no\\"\\nand left" job=12 series=1.2.3\n')
    assert "DOE" not in line


def test_a_traceback_says_where_and_leaves_foreign_words_out(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()

    try:
        try:
            int("DOE^JOHN")
        except ValueError as error:
            raise Broken("The model breaks its card.") from error
    except Broken:
        logging.getLogger("orthanc_plugin.pipeline").exception("A job failed")

    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert 'error="ValueError at ' in line
    assert " then Broken: The model breaks its card. at " in line
    assert "test_log.py" in line
    assert "DOE" not in line


def test_only_the_nodes_own_words_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()

    logging.getLogger("pydicom").warning("Invalid value for VR PN: DOE^JOHN")
    warnings.warn("Invalid value for VR PN: DOE^JOHN", stacklevel=1)

    assert capsys.readouterr().err == ""


def test_less_than_information_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    logging.getLogger("orthanc_plugin.intake").debug("Looking")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ("ü", "ü"),
        ("\x1b[2J", '"\\u001b[2J"'),
    ],
)
def test_values_are_quoted_where_a_reader_could_stumble(value: str, expected: str) -> None:
    assert log.quoted(value) == expected
