"""The folder of models in, the models that can run and the sentences about those that can't out."""

from __future__ import annotations

from pathlib import Path

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.card import Model, read


class Catalogue:
    """All models of a folder as they were when it was read; a bad one is a problem, the others go on."""

    def __init__(self, folder: Path) -> None:
        self.models, self.problems = read_all(folder)

    def model(self, name: str) -> Model:
        """The model of that name; ConfigurationError names those that are there."""
        for model in self.models:
            if model.card.name == name:
                return model
        installed = ", ".join(model.card.name for model in self.models) or "none"
        raise ConfigurationError(f"No model is called {name}; installed: {installed}.")


def read_all(folder: Path) -> tuple[tuple[Model, ...], tuple[str, ...]]:
    models: list[Model] = []
    problems: list[str] = []
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        return (), (f"The models folder {folder} can't be read ({error.strerror}); create it or correct ModelsFolder.",)
    for each in folders:
        try:
            models.append(read(each))
        except ConfigurationError as error:
            problems.append(error.sentence)
    return tuple(models), tuple(problems)
