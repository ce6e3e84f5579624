from dataclasses import replace

import pytest

from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.patient import patient_line
from tests.encode import making


@pytest.mark.parametrize(
    ("name", "born", "line"),
    [
        ("Müller^Jürgen", "19610102", "Müller Jürgen  ·  ID P-17  ·  born 1961-01-02"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "19610102", "Hong Gildong  洪 吉洞  홍 길동  ·  ID P-17  ·  born 1961-01-02"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "", "Yamada Tarou  山田 太郎  やまだ たろう  ·  ID P-17"),
        ("", "", "ID P-17"),
    ],
)
def test_a_name_is_written_in_all_its_scripts(name: str, born: str, line: str) -> None:
    on = making.volume(character_set="ISO_IR 192", patient_name=name)
    headers = tuple(making.read_back(header) for header in on.headers)
    for header in headers:
        header.PatientBirthDate = born

    assert patient_line(Making(making.findings(on), replace(on, headers=headers), making.origin())) == line
