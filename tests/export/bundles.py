"""Bundles with small random networks, as MONAI and nnU-Net write theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.nets import DynUNet, UNet
from torch import Tensor, nn


def small_unet(classes: int = 2, channels: int = 1) -> UNet:
    torch.manual_seed(3)
    return UNet(spatial_dims=3, in_channels=channels, out_channels=classes, channels=(4, 8), strides=(2,)).eval()


UNET = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [4, 8],
    "strides": [2],
}


def write_json(path: Path, entries: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))


def monai_bundle(folder: Path) -> Path:
    """As the model zoo has them: segmentation of the spleen."""
    image = {"type": "image", "modality": "CT", "num_channels": 1, "spatial_shape": [32, 32, 16]}
    answer = {"type": "image", "format": "segmentation", "num_channels": 2}
    write_json(
        folder / "configs/metadata.json",
        {
            "version": "0.5.3",
            "name": "Spleen segmentation",
            "intended_use": "Not for diagnostic purposes.",
            "data_source": "Decathlon",
            "network_data_format": {
                "inputs": {"image": image | {"channel_def": {"0": "image"}}},
                "outputs": {"pred": answer | {"channel_def": {"0": "background", "1": "spleen"}}},
            },
        },
    )
    window = {"a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1, "clip": True}
    before = [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
        {"_target_": "Spacingd", "keys": "image", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
        {"_target_": "ScaleIntensityRanged", "keys": "image", **window},
        {"_target_": "EnsureTyped", "keys": "image"},
    ]
    after = [
        {"_target_": "Activationsd", "keys": "pred", "softmax": True},
        {"_target_": "Invertd", "keys": "pred"},
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        {"_target_": "SaveImaged", "keys": "pred"},
    ]
    write_json(
        folder / "configs/inference.json",
        {
            "patch": [32, 32, 16],
            "network_def": UNET,
            "network": "$@network_def.to(@device)",
            "preprocessing": {"_target_": "Compose", "transforms": before},
            "inferer": {"_target_": "SlidingWindowInferer", "roi_size": "@patch", "sw_batch_size": 4, "overlap": 0.5},
            "postprocessing": {"_target_": "Compose", "transforms": after},
        },
    )
    (folder / "models").mkdir()
    torch.save(small_unet().state_dict(), folder / "models/model.pt")
    return folder


FEATURES, STRIDES = [4, 8, 16], [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
KERNELS = [[3, 3, 3]] * 3


def architecture(kind: str = "PlainConvUNet", **changes: Any) -> dict[str, Any]:
    given = {
        "n_stages": 3,
        "features_per_stage": FEATURES,
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": KERNELS,
        "strides": STRIDES,
        "n_conv_per_stage": [2, 2, 2],
        "n_blocks_per_stage": [1, 2, 2],
        "n_conv_per_stage_decoder": [2, 2],
        "conv_bias": False,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    return {
        "network_class_name": f"dynamic_network_architectures.architectures.unet.{kind}",
        "arch_kwargs": given | changes,
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def reference() -> DynUNet:
    """Another implementation of nnU-Net's plain network, by MONAI."""
    torch.manual_seed(1)
    network = DynUNet(
        3, 1, 3, KERNELS, STRIDES, STRIDES[1:], filters=FEATURES, norm_name=("INSTANCE", {"affine": True})
    )
    for name, values in network.named_parameters():
        if "norm" in name:
            nn.init.uniform_(values, 0.5, 1.5)
    return network.eval()


def as_nnunet_names_them(network: DynUNet) -> dict[str, Tensor]:
    """With the parts twice and the decoder's second encoder, as its checkpoints have them."""
    named: dict[str, Tensor] = {}
    places = {"input_block": "encoder.stages.0.0", "downsamples.0": "encoder.stages.1.0"}
    places |= {"bottleneck": "encoder.stages.2.0"}
    places |= {f"upsamples.{level}.conv_block": f"decoder.stages.{level}" for level in (0, 1)}
    for name, values in network.state_dict().items():
        if name.startswith("skip_layers"):
            continue  # the same once more
        if name.startswith("output_block"):
            named["decoder.seg_layers.1." + name.rpartition(".")[2]] = values
            named["decoder.seg_layers.0." + name.rpartition(".")[2]] = values[:, :1] if values.dim() > 1 else values
        elif "transp_conv" in name:
            named[f"decoder.transpconvs.{name.split('.')[1]}.weight"] = values
        else:
            place = next(place for place in places if name.startswith(place))
            part, last = name.removeprefix(place + ".").split(".")[0], name.rpartition(".")[2]
            unit = f"{places[place]}.convs.{int(part[-1]) - 1}"
            named[f"{unit}.{'conv' if part.startswith('conv') else 'norm'}.{last}"] = values
            named[f"{unit}.all_modules.{0 if part.startswith('conv') else 1}.{last}"] = values
    named |= {f"decoder.{name}": values for name, values in named.items() if name.startswith("encoder.")}
    return named


def nnunet_trained(folder: Path) -> Path:
    """Two folds of a plain network, with the log that nnU-Net keeps beside the weights."""
    seen = {"mean": 99.0, "std": 40.0, "percentile_00_5": -40.0, "percentile_99_5": 200.0, "min": -900.0, "max": 3000.0}
    write_json(
        folder / "plans.json",
        {
            "dataset_name": "Dataset009_Spleen",
            "transpose_forward": [0, 1, 2],
            "image_reader_writer": "SimpleITKIO",
            "foreground_intensity_properties_per_channel": {"0": seen},
            "configurations": {
                "3d_fullres": {
                    "patch_size": [8, 16, 24],
                    "spacing": [2.5, 0.8, 0.8],
                    "normalization_schemes": ["CTNormalization"],
                    "use_mask_for_norm": [False],
                    "architecture": architecture(),
                },
                "3d_cascade_fullres": {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"},
            },
        },
    )
    labels = {"background": 0, "spleen": 1, "lesion": 2}
    dataset = {"name": "Spleen", "channel_names": {"0": "CT"}, "labels": labels, "licence": "CC-BY-SA 4.0"}
    write_json(folder / "dataset.json", dataset)
    for fold in (0, 1):
        weights = {name: values * (1 + fold) for name, values in as_nnunet_names_them(reference()).items()}
        (folder / f"fold_{fold}").mkdir()
        state = {"network_weights": weights, "logging": {"losses": [np.float64(0.5), np.float32(0.25)]}}
        torch.save(state | {"trainer_name": "nnUNetTrainer"}, folder / f"fold_{fold}/checkpoint_final.pth")
    return folder
