"""A MONAI bundle in, its network and a card with what metadata.json and inference.json say out; none of it is run."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from monai.networks import nets
from torch import Tensor, nn

from export.importers import Refused, draft, torchscript
from export.importers.draft import Entries
from export.importers.folder import Imported
from export.importers.graph import first_line
from export.importers.monai_transforms import Prepared, after, before

SCRIPTS = ("models/model.ts", "models/model.ts.pt")
WEIGHTS = "models/model.pt"


def bring(folder: Path, name: str) -> Imported:
    metadata = draft.read_json(folder / "configs" / "metadata.json")
    inference = draft.read_json(folder / "configs" / "inference.json")
    network = load(folder, inference)
    left_behind: list[str] = []
    prepared = before(inference, left_behind)
    card = Bundle(metadata, inference, prepared).card(name, left_behind)
    image = _input(metadata)
    stage = card["stages"][0]
    sizes = [stage.get("depth")] * (stage["kind"] == "volume") + [stage["rows"], stage["columns"]]
    if None in sizes:
        raise Refused(
            "The bundle does not say the size of its input: neither spatial_shape in metadata.json nor roi_size of the "
            "inferer in inference.json are numbers; state one of them."
        )
    if stage["kind"] != "volume" and prepared.axes is None:
        # MONAI reads a picture with its columns first.
        network = turned(network, (int(image["num_channels"]), *sizes))
    return Imported((network,), (int(image["num_channels"]), *sizes), card, tuple(left_behind))


class Turned(nn.Module):
    """A network that learned on (x, y), fed with rows and columns."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        said: Tensor = self.network(image.transpose(2, 3))
        return said.transpose(2, 3) if said.dim() == 4 else said


def turned(network: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """Traced here, since the exporter does not trace through TorchScript."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced: nn.Module = torch.jit.trace(Turned(network), torch.zeros(2, *shape))  # type: ignore[no-untyped-call]
    return traced


def load(folder: Path, inference: Entries) -> nn.Module:
    """TorchScript when there is one, else the weights in the network that network_def names."""
    for script in SCRIPTS:
        if (folder / script).is_file():
            return torchscript.load(folder / script)
    if not (folder / WEIGHTS).is_file():
        raise Refused(f"The bundle has neither {SCRIPTS[0]} nor {WEIGHTS}; fetch its models.")
    network = defined(inference)
    try:
        state = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
        network.load_state_dict(state.get("model", state.get("state_dict", state)))
    except Exception as error:
        raise Refused(f"{WEIGHTS} does not fit the network_def of the bundle ({first_line(error)}).") from error
    return network.float().eval()


def defined(inference: Entries) -> nn.Module:
    """Networks of MONAI alone, with plain arguments: nothing of the bundle is evaluated."""
    definition = inference.get("network_def", inference.get("network"))
    if not isinstance(definition, dict) or "_target_" not in definition:
        raise Refused("inference.json has no network_def; the weights alone say no network.")
    kind = str(definition["_target_"]).rpartition(".")[2]
    network = getattr(nets, kind, None)
    if not (isinstance(network, type) and issubclass(network, nn.Module)):
        raise Refused(f"The network {definition['_target_']} is none of MONAI's; save the bundle as TorchScript.")
    arguments = {key: plain(value, inference) for key, value in definition.items() if not key.startswith("_")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return network(**arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Refused(f"network_def can't be built ({first_line(error)}); save the bundle as TorchScript.") from error


def plain(value: Any, config: Entries, depth: int = 0) -> Any:
    """`@name` is followed to what it names; `$…` is Python, which is not run."""
    if isinstance(value, list):
        return [plain(entry, config, depth) for entry in value]
    if not isinstance(value, str) or value[:1] not in ("@", "$"):
        return value
    if value[0] == "@" and depth < 8 and value[1:] in config:
        return plain(config[value[1:]], config, depth + 1)
    raise Refused(f'inference.json says "{value}", an expression that is not run; write its value there.')


def _input(metadata: Entries) -> Entries:
    return _one(metadata, "inputs")


def _one(metadata: Entries, side: str) -> Entries:
    found = (metadata.get("network_data_format") or {}).get(side) or {}
    if len(found) != 1:
        raise Refused(f"metadata.json names {len(found)} {side} in network_data_format; this importer takes one.")
    entry: Entries = next(iter(found.values()))
    return entry


class Bundle:
    """The two files of a bundle as they were read, and what becomes of an image before the network."""

    def __init__(self, metadata: Entries, inference: Entries, prepared: Prepared) -> None:
        self._metadata, self._inference, self._prepared = metadata, inference, prepared
        self._image, self._answer = _input(metadata), _one(metadata, "outputs")

    def card(self, name: str, left_behind: list[str]) -> Entries:
        stage, outputs = self._stage(), self._outputs(left_behind)
        if "segments" in outputs and stage["kind"] == "image":
            stage["kind"] = "slices"
        title = str(self._metadata.get("name") or name)
        version = self._metadata.get("version")
        card = draft.card(name, title=title, version=version, origin="a MONAI bundle", stage=stage, outputs=outputs)
        card["intended_use"] = self._metadata.get("intended_use")
        card["trained_on"] = self._metadata.get("data_source")
        card["licence"] = self._metadata.get("license") or self._metadata.get("licence")
        modality = str(self._image.get("modality", "")).upper()
        card["applies"]["all"][0]["in"] = [{"MRI": "MR"}.get(modality, modality)] if len(modality) in (2, 3) else None
        if "roles" in stage:
            rule = {"tag": "SeriesDescription", "matches": None}
            card["inputs"] = {role: {"rule": rule, "required": True} for role in stage["roles"]}
        return card

    def _stage(self) -> Entries:
        patch, overlap = self._patch()
        stage: Entries = {"intensity": self._prepared.intensity}
        if len(patch) == 3:
            stage |= {"kind": "volume", "depth": patch[0], "overlap": overlap, "orientation": None}
        else:
            stage |= {"kind": "image"}
        stage |= {"rows": patch[-2], "columns": patch[-1]}
        if self._prepared.axes is not None:
            stage["orientation"] = self._prepared.axes
        if self._prepared.spacing_mm is not None:
            stage["spacing_mm"] = self._prepared.spacing_mm
        channels = list((self._image.get("channel_def") or {}).values())
        if int(self._image.get("num_channels", 1)) > 1:
            stage["roles"] = [str(channel) for channel in channels] or None
        return stage

    def _patch(self) -> tuple[list[int | None], float]:
        """The window that slides, else the size that the metadata state."""
        inferer = self._inference.get("inferer") or {}
        shape, overlap = self._image.get("spatial_shape") or [], 0.25
        if str(inferer.get("_target_", "")).endswith("SlidingWindowInferer"):
            shape = plain(inferer.get("roi_size"), self._inference)
            overlap = float(plain(inferer.get("overlap", overlap), self._inference))
        patch = [size if isinstance(size, int) and size > 0 else None for size in shape]
        if len(patch) not in (2, 3):
            raise Refused("The bundle takes neither images nor volumes (spatial_shape); this importer takes those.")
        return patch, overlap

    def _outputs(self, left_behind: list[str]) -> Entries:
        channels = {int(key): str(value) for key, value in (self._answer.get("channel_def") or {}).items()}
        count = int(self._answer.get("num_channels", len(channels)))
        labels: list[str | None] = [channels.get(number) for number in range(count)]
        steps = list(after(self._inference, left_behind))
        if self._answer.get("format") == "segmentation":
            background = bool(labels) and str(labels[0]).lower() == "background"
            return draft.segments(labels[background:], background=background, steps=steps)
        if self._answer.get("type") in ("probabilities", "classes", "labels") or self._answer.get("format") in (
            "classes",
            "labels",
        ):
            activation = next(_activations(steps), "none")
            return draft.classes(labels, activation=activation)
        raise Refused(f"The bundle answers {self._answer.get('format')}; this importer takes segmentation and classes.")


def _activations(steps: list[Entries]) -> Iterator[str]:
    yield from (str(step["step"]) for step in steps if step["step"] in ("softmax", "sigmoid"))
