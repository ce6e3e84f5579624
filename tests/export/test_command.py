"""The command line of every training, which all of them share."""

from importlib import import_module
from pathlib import Path

import pytest

from export import command

TRAININGS = sorted(
    path.parent.name
    for path in Path(command.__file__).parent.glob("*/train.py")
    if "training_parser" in path.read_text()
)


def test_all_but_those_with_questions_of_their_own_share_it() -> None:
    assert len(TRAININGS) >= 9


@pytest.mark.parametrize("name", TRAININGS)
def test_what_is_asked_for_reaches_the_training(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(f"export.{name}.train")
    config = next(iter(sorted((Path(str(module.__file__)).parent / "configs").glob("*.json"))))
    seen: list[object] = []
    monkeypatch.setattr(module, "train", lambda *given: seen.extend(given))
    asked = ["train", "--config", str(config), "--data", "dicom:x", "--out", str(tmp_path), "--threads", "1"]
    monkeypatch.setattr("sys.argv", [*asked, "--cache", str(tmp_path / "cache"), "--device", "cpu"])
    module.main()
    assert seen[1:4] == ["dicom:x", tmp_path, tmp_path / "cache"]


def test_without_a_configuration_it_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.training_parser("Trains.", "dicom:FOLDER", Path("cache")).parse_args(["--help"])
    assert "phantoms or dicom:FOLDER" in capsys.readouterr().out
