"""A trained nnU-Net v2 folder in (plans.json, dataset.json, fold_*/checkpoint_final.pth), its networks and card out."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from export.importers import Refused, draft
from export.importers.draft import Entries
from export.importers.folder import Imported
from export.importers.graph import first_line
from export.importers.nnunet_network import Plan, Sizes, build

_CHECKPOINT = "checkpoint_final.pth"
# What the networks are built by; dropout is for training alone.
_BUILT = frozenset(
    {
        *("n_stages", "features_per_stage", "conv_op", "kernel_sizes", "strides", "conv_bias", "deep_supervision"),
        *("n_conv_per_stage", "n_blocks_per_stage", "n_conv_per_stage_decoder"),
        *("norm_op", "norm_op_kwargs", "dropout_op", "dropout_op_kwargs", "nonlin", "nonlin_kwargs"),
    }
)
_ALWAYS_LEFT_BEHIND = (
    "nnU-Net answers the mean over mirrored images; the node asks once.",
    "nnU-Net brings images to the plan's spacing by cubic interpolation; the node by linear interpolation.",
    "nnU-Net crops to the part of the image that is not zero before it normalises; the node does not.",
)


def bring(folder: Path, name: str, configuration: str) -> Imported:
    plans, dataset = draft.read_json(folder / "plans.json"), draft.read_json(folder / "dataset.json")
    chosen = configuration_of(plans, configuration)
    labels, channels = labels_of(dataset), channels_of(dataset)
    try:
        plan = plan_of(chosen, len(channels), len(labels) + 1)
        stage = stage_of(chosen, channels, plans)
        card = card_of(name, dataset, stage, labels)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"plans.json lacks or garbles {error} in the configuration {configuration}; give the folder that nnU-Net "
            "wrote."
        ) from error
    left_behind = (*_ALWAYS_LEFT_BEHIND, *unusual(plans))
    shape = (len(channels), *([stage["depth"]] if plan.dimensions == 3 else []), stage["rows"], stage["columns"])
    return Imported(tuple(network(plan, path) for path in checkpoints(folder)), shape, card, left_behind)


def configuration_of(plans: Any, name: str) -> Entries:
    configurations = plans.get("configurations", {})
    if name not in configurations:
        raise Refused(f"plans.json has no configuration {name}; it has {', '.join(configurations) or 'none'}.")
    chosen: Entries = configurations[name]
    if "inherits_from" in chosen:
        chosen = configuration_of(plans, chosen["inherits_from"]) | chosen
    if chosen.get("previous_stage"):
        raise Refused(f"The configuration {name} is the second of a cascade, which the node does not run; use another.")
    if list(plans.get("transpose_forward", [0, 1, 2])) != [0, 1, 2]:
        raise Refused("The plan swaps the axes of the images (transpose_forward), which a card can't say.")
    return chosen


def labels_of(dataset: Any) -> list[str]:
    """The names of the classes 1, 2, …; 0 is the background."""
    given = {name: value for name, value in dataset.get("labels", {}).items() if name != "ignore"}
    if any(isinstance(value, list) for value in given.values()):
        raise Refused("dataset.json has regions, labels that overlap, which this importer does not translate.")
    ordered = sorted(given, key=lambda name: int(given[name]))
    if [int(given[name]) for name in ordered] != list(range(len(ordered))) or len(ordered) < 2:
        raise Refused("The labels of dataset.json are not 0 for the background, then 1, 2, …; correct it.")
    return ordered[1:]


def channels_of(dataset: Any) -> list[str]:
    channels = dataset.get("channel_names") or dataset.get("modality")
    if not channels:
        raise Refused("dataset.json names no channels (channel_names); add them.")
    return [str(channels[key]) for key in sorted(channels, key=int)]


def plan_of(chosen: Entries, channels: int, classes: int) -> Plan:
    architecture = chosen.get("architecture") or older(chosen)
    kind = str(architecture["network_class_name"]).rpartition(".")[2]
    if kind not in ("PlainConvUNet", "ResidualEncoderUNet"):
        raise Refused(f"The network is a {kind}; this importer builds PlainConvUNet and ResidualEncoderUNet.")
    given = architecture["arch_kwargs"]
    dimensions = len(given["kernel_sizes"][0])
    norm, slope = given.get("norm_op_kwargs") or {}, activation(given)
    expect(given, "norm_op", "InstanceNorm")
    for key, value in given.items():
        # Such as squeeze_excitation, stem_channels, nonlin_first, another pool.
        if key not in _BUILT and value not in (None, False, "conv", 0):
            raise Refused(f"The network has {key} {value}, which this importer does not build.")
    stages = len(given["features_per_stage"])
    return Plan(
        residual=kind == "ResidualEncoderUNet",
        dimensions=dimensions,
        channels=channels,
        classes=classes,
        features=tuple(given["features_per_stage"]),
        kernels=tuple(sizes(kernel, dimensions) for kernel in given["kernel_sizes"]),
        strides=tuple(sizes(stride, dimensions) for stride in given["strides"]),
        blocks=sizes(given["n_blocks_per_stage" if kind.startswith("Res") else "n_conv_per_stage"], stages),
        decoder_blocks=sizes(given["n_conv_per_stage_decoder"], stages - 1),
        bias=bool(given.get("conv_bias", False)),
        epsilon=float(norm.get("eps", 1e-5)),
        affine=bool(norm.get("affine", False)),
        slope=slope,
    )


def older(chosen: Entries) -> Entries:
    """Plans before nnU-Net 2.4 name the numbers at the configuration itself, and the rest was the same for all."""
    kernels = chosen["conv_kernel_sizes"]
    base, most = chosen["UNet_base_num_features"], chosen["unet_max_num_features"]
    return {
        "network_class_name": chosen["UNet_class_name"],
        "arch_kwargs": {
            "features_per_stage": [min(base * 2**level, most) for level in range(len(kernels))],
            "kernel_sizes": kernels,
            "strides": chosen["pool_op_kernel_sizes"],
            "n_conv_per_stage": chosen["n_conv_per_stage_encoder"],
            "n_blocks_per_stage": chosen["n_conv_per_stage_encoder"],
            "n_conv_per_stage_decoder": chosen["n_conv_per_stage_decoder"],
            "conv_bias": True,
            "norm_op": "InstanceNorm",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "nonlin": "LeakyReLU",
        },
    }


def activation(given: Entries) -> float:
    kind = str(given.get("nonlin")).rpartition(".")[2]
    if kind not in ("LeakyReLU", "ReLU"):
        raise Refused(f"The network's activation is {kind}; this importer builds LeakyReLU and ReLU.")
    return float((given.get("nonlin_kwargs") or {}).get("negative_slope", 0.01)) if kind == "LeakyReLU" else 0.0


def expect(given: Entries, key: str, wanted: str) -> None:
    kind = str(given.get(key)).rpartition(".")[2]
    if not kind.startswith(wanted):
        raise Refused(f"The network's {key} is {kind}; this importer builds {wanted}.")


def sizes(given: Any, count: int) -> Sizes:
    """One number stands for all."""
    return (int(given),) * count if isinstance(given, int) else tuple(int(size) for size in given)


def stage_of(chosen: Entries, channels: list[str], plans: Entries) -> Entries:
    spacing, patch = list(chosen["spacing"]), list(chosen["patch_size"])
    stage: Entries = {"overlap": 0.5, "intensity": intensity(chosen, plans, len(channels))}
    if len(channels) > 1:
        stage["roles"] = channels
    if len(patch) == 2:
        return stage | {
            "kind": "slices",
            "rows": patch[0],
            "columns": patch[1],
            "spacing_mm": [None, *spacing[-2:]],
        }
    return stage | {
        "kind": "volume",
        "depth": patch[0],
        "rows": patch[1],
        "columns": patch[2],
        "spacing_mm": spacing,
    }


def intensity(chosen: Entries, plans: Entries, channels: int) -> Entries:
    """A stage treats all its channels alike, so the plan has to."""
    schemes = set(chosen["normalization_schemes"])
    if any(chosen.get("use_mask_for_norm", [])):
        raise Refused("The plan normalises inside a mask (use_mask_for_norm), which a card can't say.")
    if len(schemes) > 1 or (schemes == {"CTNormalization"} and channels > 1):
        raise Refused("The plan normalises its channels each in its own way, which a card can't say.")
    (scheme,) = schemes
    if scheme == "CTNormalization":
        seen = plans["foreground_intensity_properties_per_channel"]["0"]
        deviation = max(float(seen["std"]), 1e-8)
        return {
            "kind": "scale",
            "lowest": float(seen["percentile_00_5"]),
            "highest": float(seen["percentile_99_5"]),
            "factor": 1 / deviation,
            "shift": -float(seen["mean"]) / deviation,
        }
    known: dict[str, Entries] = {
        "ZScoreNormalization": {"kind": "z-score"},
        "NoNormalization": {"kind": "untouched"},
        "RescaleTo01Normalization": {"kind": "percentile", "lowest": 0, "highest": 100},
        "RGBTo01Normalization": {"kind": "scale", "factor": 1 / 255},
    }
    if scheme not in known:
        raise Refused(f"The plan's normalisation {scheme} is not known to this importer.")
    return known[scheme]


def card_of(name: str, dataset: Any, stage: Entries, labels: list[str]) -> Entries:
    steps: list[Entries] = [{"step": "softmax"}, {"step": "likeliest"}]
    outputs = draft.segments(list(labels), background=True, steps=steps)
    title, version = str(dataset.get("name") or name), dataset.get("release")
    card = draft.card(name, title=title, version=version, origin="nnU-Net", stage=stage, outputs=outputs)
    card["licence"] = dataset.get("licence") or dataset.get("license")
    if "roles" in stage:
        card["inputs"] = {
            role: {"rule": {"tag": "SeriesDescription", "matches": None}, "required": True} for role in stage["roles"]
        }
    elif stage["intensity"]["kind"] == "scale" and "lowest" in stage["intensity"]:
        card["applies"]["all"][0]["in"] = ["CT"]  # CTNormalization is for CT alone
    return card


def unusual(plans: Any) -> tuple[str, ...]:
    reader = plans.get("image_reader_writer")
    if reader in (None, "SimpleITKIO"):
        return ()
    return (f"Images were read by {reader}; whether they lay in space as DICOM has them is not known.",)


def checkpoints(folder: Path) -> list[Path]:
    found = sorted(folder.glob(f"fold_*/{_CHECKPOINT}"))
    if not found:
        raise Refused(f"{folder.name} has no fold_*/{_CHECKPOINT}; train at least one fold to its end.")
    return found


def network(plan: Plan, path: Path) -> nn.Module:
    try:
        return build(plan, weights(path))
    except RuntimeError as error:
        raise Refused(f"{path.parent.name}/{path.name} is not of this plan ({first_line(error)}).") from error


def weights(path: Path) -> dict[str, Tensor]:
    """Without running what a pickle could hold; the training's log in it has numbers of NumPy."""
    # How NumPy pickles a number: a function of its own and the kinds of numbers.
    harmless: list[Any] = [np.float64(0).__reduce__()[0], np.dtype, np.dtypes.Float64DType, np.dtypes.Float32DType]
    harmless += [np.dtypes.Int64DType]
    try:
        with torch.serialization.safe_globals(harmless):
            state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)["network_weights"]
    except Exception as error:
        raise Refused(
            f"{path.parent.name}/{path.name} can't be read as plain weights ({first_line(error)}); save "
            "network_weights alone."
        ) from error
    return state
