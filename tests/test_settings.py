import json
from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.people import credentials
from orthanc_plugin.settings import ENVIRONMENT, PROJECT, Settings, from_environment, from_orthanc, key


def refusal(section: object, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        from_orthanc(json.dumps({"Inference": section}), environment or {})
    return caught.value.sentence


def test_an_empty_section_gives_the_defaults() -> None:
    settings = from_orthanc("{}", {})

    assert settings.state_folder == PROJECT / "state"
    assert settings.models_folder == PROJECT / "onnx_models"
    assert settings.database_url == f"sqlite:///{PROJECT}/state/ledger.db"
    assert settings.orthanc_url == "http://127.0.0.1:8042"
    assert (settings.device, settings.attempts_most, settings.lease_s) == ("auto", 5, 15)


def test_the_address_of_orthanc_follows_its_own_keys() -> None:
    assert from_orthanc('{"HttpPort": 8100, "SslEnabled": true}', {}).orthanc_url == "https://127.0.0.1:8100"
    assert from_orthanc('{"Inference": {"OrthancUrl": "http://pacs:1"}}', {}).orthanc_url == "http://pacs:1"


def test_the_environment_wins_over_the_section(tmp_path: Path) -> None:
    configuration = json.dumps({"Inference": {"StateFolder": "/elsewhere", "Device": "cpu"}})

    settings = from_orthanc(configuration, {"INFERENCE_DATA": str(tmp_path), "INFERENCE_DEVICE": "cuda:1"})

    assert settings.state_folder == tmp_path
    assert settings.device == "cuda:1"
    assert settings.database_url == f"sqlite:///{tmp_path}/ledger.db"


def test_the_section_travels_to_another_process_unchanged(tmp_path: Path) -> None:
    settings = from_orthanc(json.dumps({"Inference": {"JobsAtOnce": 7, "StateFolder": str(tmp_path)}}), {})

    assert from_environment({"INFERENCE_SETTINGS": settings.section()}) == settings


def test_by_hand_the_configuration_is_read_as_orthanc_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "orthanc.json"
    path.write_text(
        '{ // a comment\n "HttpPort": ${PORT:-8042}, /* another */ "Name": "http://no//comment",\n'
        ' "Inference": {"Device": "${NAMED:-auto}"}}'
    )

    settings = from_environment({"INFERENCE_CONFIG": str(path), "PORT": "8050", "NAMED": "cpu"})

    assert settings.orthanc_url == "http://127.0.0.1:8050"
    assert settings.device == "cpu"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"JobsAtOnce": 0}, '"Inference.JobsAtOnce" is 0; allowed is a whole number from 1 to 64.'),
        ({"JobsAtOnce": "2"}, '"Inference.JobsAtOnce" is "2"; allowed is a whole number from 1 to 64.'),
        ({"JobsAtOnce": 1.5}, '"Inference.JobsAtOnce" is 1.5; allowed is a whole number from 1 to 64.'),
        ({"LeaseSeconds": None}, '"Inference.LeaseSeconds" is null; allowed is a number of seconds from 0.5 to 3600.'),
        ({"AskSenders": "yes"}, '"Inference.AskSenders" is "yes"; allowed is true or false.'),
        (
            {"Device": "gpu"},
            '"Inference.Device" is "gpu"; allowed is "auto", "cpu", "openvino", "cuda", "cuda:" with a number, '
            "or several with commas between.",
        ),
        (
            {"OrthancUrl": "localhost"},
            '"Inference.OrthancUrl" is "localhost"; allowed is a URL without a path, such as "http://127.0.0.1:8042".',
        ),
        ({"StateFolder": 3}, '"Inference.StateFolder" is 3; allowed is the path of a folder.'),
        (
            {"QuietLeastSeconds": 9, "QuietMostSeconds": 2},
            '"Inference.QuietLeastSeconds" is 9; allowed is at most the value of "Inference.QuietMostSeconds", 2.',
        ),
        ([], '"Inference" is []; allowed is a section {…}.'),
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(section: object, expected: str) -> None:
    assert refusal(section) == expected


def test_an_unknown_key_names_the_known_ones() -> None:
    assert refusal({"quiet_least_s": 1}) == (
        '"Inference.quiet_least_s" is not a key of the node; allowed are AskSenders, AttemptsMost, DatabaseUrl, '
        "Device, DeviceMemoryMegabytes, HostMemoryMegabytes, JobsAtOnce, KeepEndedJobsDays, KeepVersions, "
        "LeaseSeconds, ModelsFolder, OrthancUrl, PriorsFrom, PriorsWaitSeconds, Profile, Profiles, "
        "QuietLeastSeconds, QuietMostSeconds, ReconcileEverySeconds, StateFolder, Threads."
    )


def test_a_wrong_value_of_the_environment_names_the_variable() -> None:
    assert refusal({}, {"INFERENCE_DEVICE": "tpu"}) == (
        'INFERENCE_DEVICE is "tpu"; allowed is "auto", "cpu", "openvino", "cuda", "cuda:" with a number, '
        "or several with commas between."
    )


def test_the_password_of_a_database_is_never_shown() -> None:
    assert refusal({"DatabaseUrl": "mysql://node:secret@host/db"}) == (
        '"Inference.DatabaseUrl" is not shown here; allowed is a URL that starts with "sqlite:///" or "postgresql://".'
    )
    assert "secret" not in repr(from_orthanc('{"Inference": {"DatabaseUrl": "postgresql://a:secret@b/c"}}', {}))


def test_a_configuration_that_is_not_json_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_orthanc("{,}", {})
    assert caught.value.sentence == (
        "The configuration is not JSON: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1); correct orthanc.json."
    )


def test_a_configuration_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_environment({"INFERENCE_CONFIG": str(tmp_path / "none.json")})
    assert caught.value.sentence == (
        f"The configuration {tmp_path / 'none.json'} can't be read: No such file or directory; "
        "name another one in INFERENCE_CONFIG."
    )


def test_orthanc_is_asked_with_the_token_of_this_start_or_by_hand_with_the_password(tmp_path: Path) -> None:
    settings = from_orthanc("{}", {"INFERENCE_DATA": str(tmp_path)})
    made = credentials.read_or_make(tmp_path)

    assert settings.authorization({"INFERENCE_ORTHANC_AUTHORIZATION": "Bearer x"}) == "Bearer x"
    assert settings.authorization({}) == made.basic


def test_every_key_and_variable_is_documented() -> None:
    documented = (PROJECT / "docs" / "configuration.md").read_text("utf-8")

    for name in Settings.model_fields:
        assert f"| `{key(name)}` |" in documented
    for variable in (*ENVIRONMENT, "INFERENCE_HTTP_PORT", "INFERENCE_DICOM_PORT", "INFERENCE_CONFIG"):
        assert f"`{variable}`" in documented or f"{variable}=" in documented


def test_the_shipped_configuration_is_right(tmp_path: Path) -> None:
    settings = from_environment({"INFERENCE_DATA": str(tmp_path), "INFERENCE_HTTP_PORT": "8100"})

    assert settings.orthanc_url == "http://127.0.0.1:8100"
    assert settings.models_folder == PROJECT / "onnx_models"
