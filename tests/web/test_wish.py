import pytest

from orthanc_plugin.jobs.job import Priority
from orthanc_plugin.web.message import Wrong
from orthanc_plugin.web.wish import Wish, wish


def test_the_least_that_a_wish_says() -> None:
    assert wish('{"series": "1.2.3"}') == Wish(None, "1.2.3", None, Priority.ROUTINE, ())


def test_all_that_a_wish_may_say() -> None:
    body = '{"study": "1.2.3", "model": "m", "priority": "stat", "parameters": {"b": true, "a": 1.5}}'

    assert wish(body) == Wish("1.2.3", None, "m", Priority.STAT, (("a", 1.5), ("b", True)))


def test_a_wish_for_a_single_image() -> None:
    assert wish('{"instance": "1.2.3", "frame": 7}') == Wish(None, None, None, Priority.ROUTINE, (), "1.2.3", 7)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("[]", 'The body must be a JSON object such as {"series": "1.2.840…"}.'),
        ("{", 'The body must be a JSON object such as {"series": "1.2.840…"}.'),
        (
            '{"series": "1.2", "parameters": {"a": NaN}}',
            'The body must be a JSON object such as {"series": "1.2.840…"}.',
        ),
        ("{}", 'Name either a "study", a "series" or an "instance" by its UID.'),
        ('{"study": "1", "series": "2"}', 'Name either a "study", a "series" or an "instance" by its UID.'),
        ('{"series": "2", "instance": "2.1"}', 'Name either a "study", a "series" or an "instance" by its UID.'),
        ('{"series": "2", "frame": 1}', 'A "frame" is one of an "instance"; name that by its UID.'),
        ('{"instance": "2", "frame": 0}', '"frame" is 0; allowed is a whole number from 1.'),
        ('{"instance": "2", "frame": true}', '"frame" is true; allowed is a whole number from 1.'),
        ('{"instance": "2", "frame": "1"}', '"frame" is "1"; allowed is a whole number from 1.'),
        (
            '{"series": "1.2", "modl": "m"}',
            '"modl" is not known here; allowed are study, series, instance, frame, model, priority, parameters.',
        ),
        ('{"series": "1.02"}', '"series" is "1.02"; allowed is a DICOM UID.'),
        ('{"series": "1.2\\n"}', '"series" is "1.2\\n"; allowed is a DICOM UID.'),
        ('{"series": null}', '"series" is null; allowed is a DICOM UID.'),
        ('{"series": "1.' + "2" * 90 + '"}', '"series" is "1.' + "2" * 76 + "…; allowed is a DICOM UID."),
        ('{"series": "1.2", "model": ""}', '"model" is ""; allowed is the name of an installed model.'),
        ('{"series": "1.2", "priority": "high"}', '"priority" is "high"; allowed are stat, routine.'),
        (
            '{"series": "1.2", "parameters": {"frame": 1}}',
            '"parameters" holds "frame", by which the node means something itself; leave it out.',
        ),
        (
            '{"series": "1.2", "parameters": {"roi": "10,20,30"}}',
            'The parameter roi is "10,20,30"; give it as left,top,width,height in whole pixels, 16 at least for each '
            "side.",
        ),
        (
            '{"series": "1.2", "parameters": {"a": [1]}}',
            '"parameters" is {"a": [1]}; allowed is an object of texts, numbers, true and false.',
        ),
    ],
)
def test_a_wish_that_can_not_be_understood(body: str, sentence: str) -> None:
    with pytest.raises(Wrong) as caught:
        wish(body)
    assert caught.value.sentence == sentence
