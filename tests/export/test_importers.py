"""Bundles are built here with small random networks, as their makers write them, and brought over."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from monai.networks.nets import DenseNet121
from torch import Tensor, nn

from export.importers import Refused, draft, monai_bundle, nnunet, torchscript
from export.importers.folder import write
from export.importers.nnunet_network import Network
from orthanc_plugin.models.card_file import wrongs
from tests.export.bundles import architecture, nnunet_trained, reference, small_unet, write_json
from tests.export.bundles import monai_bundle as build_monai_bundle

# TorchScript is what many models still come as, whatever torch says of it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning:torch.jit"
)

KNOWN = {
    "version": "2.1",
    "licence": "Apache-2.0",
    "intended_use": "Tests.",
    "trained_on": "Nothing.",
    "applies": {"tag": "Modality", "in": ["CT"]},
}
CODE = {"value": "78961009", "scheme": "SCT", "meaning": "Spleen"}
ORGAN = {"value": "123037004", "scheme": "SCT", "meaning": "Anatomical structure"}


def run(graph: Path, image: Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"image": image.numpy()})
    return np.asarray(scores)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return build_monai_bundle(tmp_path / "bundle")


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    return nnunet_trained(tmp_path / "nnUNetTrainer__nnUNetPlans__3d_fullres")


def read(folder: Path, file: str = "card.json") -> Any:
    return json.loads((folder / file).read_text())


def changed(folder: Path, file: str, change: Callable[[Any], None]) -> None:
    entries = read(folder, f"configs/{file}")
    change(entries)
    write_json(folder / "configs" / file, entries)


def test_a_monai_bundle_says_most_of_its_card(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "spleen"

    left_open = write(monai_bundle.bring(bundle, "spleen"), out, {})

    card = read(out)
    (stage,) = card["stages"]
    assert (card["title"], card["version"]) == ("Spleen segmentation", "0.5.3")
    assert card["applies"]["all"][0] == {"tag": "Modality", "in": ["CT"]}
    assert stage["intensity"] == {"kind": "window", "lowest": -57.0, "highest": 164.0}
    assert (stage["kind"], stage["orientation"], stage["spacing_mm"]) == ("volume", "RAH", [1.5, 1.5, 2.0])
    assert (stage["depth"], stage["rows"], stage["columns"], stage["overlap"]) == (32, 32, 16, 0.5)
    segments = card["outputs"]["segments"]
    assert segments["background"] is True
    assert segments["steps"] == [{"step": "softmax"}, {"step": "likeliest"}]
    assert left_open == (
        "The card leaves licence open (null); state it in card.json.",
        "The card leaves applies.all.1.body_part open (null); state it in card.json.",
        "The card leaves outputs.segments.items.0.category open (null); state it in card.json.",
        "The card leaves outputs.segments.items.0.property open (null); state it in card.json.",
    )
    assert read(out, "parity.json")["not_stated"] == list(left_open)


def test_weights_and_torchscript_of_a_bundle_give_the_same_graph(bundle: Path, tmp_path: Path) -> None:
    image = torch.rand(2, 1, 32, 32, 16)
    write(monai_bundle.bring(bundle, "weights"), tmp_path / "weights", {})
    (bundle / "models/model.pt").unlink()
    torch.jit.save(torch.jit.trace(small_unet(), image), bundle / "models/model.ts")
    changed(bundle, "inference.json", lambda entries: entries.pop("network_def"))
    write(monai_bundle.bring(bundle, "script"), tmp_path / "script", {})

    with torch.inference_mode():
        ours = small_unet()(image).numpy()
    for name in ("weights", "script"):
        np.testing.assert_allclose(run(tmp_path / name / "model.onnx", image), ours, atol=1e-4)
        assert read(tmp_path / name, "parity.json")["largest_difference"]["model.onnx"] < 1e-3


def test_a_bundle_is_complete_with_what_is_stated_beside_it(bundle: Path, tmp_path: Path) -> None:
    known = KNOWN | {"outputs": {"segments": {"items": [{"category": ORGAN, "property": CODE}]}}}

    assert write(monai_bundle.bring(bundle, "spleen"), tmp_path / "spleen", known) == ()

    assert wrongs(tmp_path / "spleen") == ()
    assert read(tmp_path / "spleen")["outputs"]["segments"]["items"][0]["label"] == "spleen"


def test_what_a_bundle_does_otherwise_is_named_and_left_open(bundle: Path, tmp_path: Path) -> None:
    def odd(entries: Any) -> None:
        before = entries["preprocessing"]["transforms"]
        before[4] = {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True}
        before[2] = {"_target_": "CropForegroundd", "keys": "image"}
        entries["postprocessing"]["transforms"].append({"_target_": "KeepLargestConnectedComponentd"})

    changed(bundle, "inference.json", odd)

    left_open = write(monai_bundle.bring(bundle, "spleen"), tmp_path / "spleen", KNOWN)

    assert read(tmp_path / "spleen", "parity.json")["not_translated"] == [
        "The transform CropForeground before the network is not translated.",
        "The transform NormalizeIntensity before the network is not translated.",
        "The transform KeepLargestConnectedComponent after the network is not translated.",
    ]
    assert "The card leaves stages.0.intensity open (null); state it in card.json." in left_open
    assert "The card leaves stages.0.orientation open (null); state it in card.json." in left_open


def test_nothing_that_a_bundle_holds_is_run(bundle: Path) -> None:
    changed(bundle, "inference.json", lambda entries: entries["network_def"].update(out_channels="$print('run')"))
    with pytest.raises(Refused) as caught:
        monai_bundle.bring(bundle, "spleen")
    assert str(caught.value) == (
        "inference.json says \"$print('run')\", an expression that is not run; write its value there."
    )
    changed(bundle, "inference.json", lambda entries: entries["network_def"].update(_target_="os.system"))
    with pytest.raises(Refused) as caught:
        monai_bundle.bring(bundle, "spleen")
    assert str(caught.value) == "The network os.system is none of MONAI's; save the bundle as TorchScript."


def test_weights_of_another_network_are_refused(bundle: Path) -> None:
    torch.save(small_unet(classes=5).state_dict(), bundle / "models/model.pt")
    with pytest.raises(Refused, match=r"^models/model\.pt does not fit the network_def of the bundle \("):
        monai_bundle.bring(bundle, "spleen")


def test_a_classifier_of_pictures_sees_them_turned_as_monai_reads_them(bundle: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = DenseNet121(2, 1, 3, init_features=4, growth_rate=2, block_config=(1, 1, 1, 1)).eval()
    image = torch.rand(1, 1, 64, 96)
    torch.jit.save(torch.jit.trace(network, image.transpose(2, 3)), bundle / "models/model.ts")

    def classifier(entries: Any) -> None:
        wanted = entries["network_data_format"]
        wanted["inputs"]["image"] |= {"spatial_shape": [64, 96], "modality": "CR"}
        wanted["outputs"]["pred"] = {
            "type": "probabilities",
            "format": "classes",
            "num_channels": 3,
            "channel_def": {"0": "none", "1": "pneumonia", "2": "cancer"},
        }

    changed(bundle, "metadata.json", classifier)
    changed(bundle, "inference.json", lambda entries: entries.pop("inferer"))
    changed(bundle, "inference.json", lambda entries: entries["preprocessing"]["transforms"].__delitem__(slice(2, 4)))
    out = tmp_path / "lungs"

    write(monai_bundle.bring(bundle, "lungs"), out, {})

    card = read(out)
    assert card["stages"][0]["kind"] == "image"
    assert card["outputs"]["classes"]["activation"] == "softmax"
    assert [item["label"] for item in card["outputs"]["classes"]["items"]] == ["none", "pneumonia", "cancer"]
    with torch.inference_mode():
        ours = network(image.transpose(2, 3)).numpy()
    np.testing.assert_allclose(run(out / "model.onnx", image), ours, atol=1e-4)


def test_torchscript_says_only_its_shapes(tmp_path: Path) -> None:
    path, out = tmp_path / "net.pt", tmp_path / "net"
    torch.jit.save(torch.jit.script(nn.Conv2d(1, 2, 3, padding=1)), path)

    left_open = write(torchscript.bring(path, "net", "1,32,48"), out, {})

    assert [sentence.split()[3] for sentence in left_open] == [
        "version",
        "licence",
        "intended_use",
        "trained_on",
        "applies.all.0.in",
        "applies.all.1.body_part",
        "stages.0.intensity",
        *(f"outputs.segments.items.{item}.{key}" for item in (0, 1) for key in ("label", "category", "property")),
    ]
    assert read(out)["stages"][0] | {"intensity": None} == {
        "name": "network",
        "files": ["model.onnx"],
        "input": "image",
        "outputs": ["scores"],
        "rows": 32,
        "columns": 48,
        "intensity": None,
        "kind": "slices",
    }


@pytest.mark.parametrize(
    ("content", "shape", "sentence"),
    [
        (b"no network", "1,8,8", "^net.pt is not TorchScript (.*); save it by torch.jit.save.$"),
        (nn.Flatten(), "1,8,8", None),
        (nn.Conv2d(1, 2, 3), "1,8,8", r"^The network answers \[2, 6, 6\] to \[1, 8, 8\]: neither a value a class nor "),
        (nn.Conv2d(3, 2, 3), "1,8,8", r"^The network does not run on an input of the shape \[1, 1, 8, 8\] \("),
        (nn.Conv2d(1, 2, 3), "8,8", "^TorchScript does not say which size it takes; give --shape CHANNELS,ROWS,COLUMN"),
        (nn.Conv2d(1, 2, 3), None, "^TorchScript does not say which size it takes; give --shape CHANNELS,ROWS,COLUMN"),
    ],
)
def test_torchscript_that_can_not_be_served(
    content: bytes | nn.Module, shape: str | None, sentence: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "net.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.jit.save(torch.jit.script(content), path)
    if sentence is None:
        assert len(torchscript.bring(path, "net", shape).card["outputs"]["classes"]["items"]) == 64
        return
    with pytest.raises(Refused, match=sentence):
        torchscript.bring(path, "net", shape)


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.script(nn.Flatten()), path)
    (tmp_path / "net").mkdir()
    with pytest.raises(Refused, match=r"^net is there already; remove it or name another folder\.$"):
        write(torchscript.bring(path, "net", "1,2,2"), tmp_path / "net", {})


def test_nnunet_answers_as_another_implementation_of_it(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "spleen"
    write(nnunet.bring(trained, "spleen", "3d_fullres"), out, {})

    image = torch.randn(1, 1, 8, 16, 24)
    with torch.inference_mode():
        ours = reference()(image).numpy()
    np.testing.assert_allclose(run(out / "fold_0.onnx", image), ours, atol=1e-4)
    assert read(out)["stages"][0]["files"] == ["fold_0.onnx", "fold_1.onnx"]


def test_nnunet_says_most_of_its_card(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "spleen"

    left_open = write(nnunet.bring(trained, "spleen", "3d_fullres"), out, {})

    card = read(out)
    (stage,) = card["stages"]
    assert stage["intensity"] == {"kind": "scale", "lowest": -40, "highest": 200, "factor": 0.025, "shift": -2.475}
    assert (stage["depth"], stage["rows"], stage["columns"], stage["spacing_mm"]) == (8, 16, 24, [2.5, 0.8, 0.8])
    assert card["licence"] == "CC-BY-SA 4.0"
    assert [item["label"] for item in card["outputs"]["segments"]["items"]] == ["spleen", "lesion"]
    assert "The card leaves version open (null); state it in card.json." in left_open
    assert len(read(out, "parity.json")["not_translated"]) == 3


def weights_of(trained: Path, configuration: dict[str, Any]) -> dict[str, Tensor]:
    """Random ones of the plan, put into all folds by the names that nnU-Net gives them."""
    torch.manual_seed(0)
    made = Network(nnunet.plan_of(configuration, 1, 3)).state_dict()
    named = {name.replace("decoder.answer.", "decoder.seg_layers.1."): values for name, values in made.items()}
    for fold in (0, 1):
        torch.save({"network_weights": named}, trained / f"fold_{fold}/checkpoint_final.pth")
    return made


def test_residual_encoders_are_built_by_their_plan(trained: Path, tmp_path: Path) -> None:
    plans = read(trained, "plans.json")
    plans["configurations"]["3d_fullres"]["architecture"] = architecture("ResidualEncoderUNet")
    write_json(trained / "plans.json", plans)

    weights = weights_of(trained, plans["configurations"]["3d_fullres"])
    write(nnunet.bring(trained, "spleen", "3d_fullres"), tmp_path / "spleen", {})

    assert {
        "encoder.stem.convs.0.conv.weight",
        "encoder.stages.1.blocks.0.conv2.norm.bias",
        "encoder.stages.1.blocks.0.skip.1.conv.weight",
        "encoder.stages.1.blocks.1.conv1.conv.weight",
        "decoder.transpconvs.0.weight",
    } <= set(weights)
    assert run(tmp_path / "spleen/fold_1.onnx", torch.zeros(1, 1, 8, 16, 24)).shape == (1, 3, 8, 16, 24)


@pytest.mark.parametrize(
    ("file", "keys", "value", "sentence"),
    [
        (
            "plans.json",
            ("transpose_forward",),
            [1, 0, 2],
            "The plan swaps the axes of the images (transpose_forward), which a card can't say.",
        ),
        (
            "dataset.json",
            ("labels",),
            {"background": 0, "whole": [1, 2], "core": 2},
            "dataset.json has regions, labels that overlap, which this importer does not translate.",
        ),
        (
            "plans.json",
            ("configurations", "3d_fullres", "use_mask_for_norm"),
            [True],
            "The plan normalises inside a mask (use_mask_for_norm), which a card can't say.",
        ),
        (
            "plans.json",
            ("configurations", "3d_fullres", "architecture", "network_class_name"),
            "my.net.Mamba",
            "The network is a Mamba; this importer builds PlainConvUNet and ResidualEncoderUNet.",
        ),
        (
            "plans.json",
            ("configurations", "3d_fullres", "architecture", "arch_kwargs", "squeeze_excitation"),
            True,
            "The network has squeeze_excitation True, which this importer does not build.",
        ),
        (
            "plans.json",
            ("configurations", "3d_fullres", "architecture", "arch_kwargs", "nonlin"),
            "torch.nn.GELU",
            "The network's activation is GELU; this importer builds LeakyReLU and ReLU.",
        ),
        (
            "plans.json",
            ("configurations", "3d_fullres", "spacing"),
            None,
            "plans.json lacks or garbles 'NoneType' object is not iterable in the configuration 3d_fullres; give the "
            "folder that nnU-Net wrote.",
        ),
        (
            "plans.json",
            ("configurations", "3d_fullres", "normalization_schemes"),
            ["Magic"],
            "The plan's normalisation Magic is not known to this importer.",
        ),
    ],
)
def test_what_nnunet_can_do_and_a_card_can_not(
    trained: Path, file: str, keys: tuple[str, ...], value: Any, sentence: str
) -> None:
    entries = whole = read(trained, file)
    for key in keys[:-1]:
        entries = entries[key]
    entries[keys[-1]] = value
    write_json(trained / file, whole)
    with pytest.raises(Refused) as caught:
        nnunet.bring(trained, "spleen", "3d_fullres")
    assert str(caught.value) == sentence


def test_networks_of_slices_keep_the_distance_of_the_slices(trained: Path, tmp_path: Path) -> None:
    flat = {"kernel_sizes": [[3, 3]] * 3, "strides": [[1, 1], [2, 2], [2, 2]]}
    configuration = {
        "patch_size": [32, 48],
        "spacing": [0.7, 0.7],
        "normalization_schemes": ["ZScoreNormalization"],
        "architecture": architecture("ResidualEncoderUNet", **flat),
    }
    plans = read(trained, "plans.json")
    plans["configurations"]["2d"] = configuration
    write_json(trained / "plans.json", plans)
    weights_of(trained, configuration)

    write(nnunet.bring(trained, "spleen", "2d"), tmp_path / "spleen", {})

    (stage,) = read(tmp_path / "spleen")["stages"]
    assert (stage["kind"], stage["rows"], stage["columns"]) == ("slices", 32, 48)
    assert (stage["spacing_mm"], stage["intensity"]) == ([None, 0.7, 0.7], {"kind": "z-score"})
    assert run(tmp_path / "spleen/fold_0.onnx", torch.zeros(2, 1, 32, 48)).shape == (2, 3, 32, 48)


def test_older_plans_give_the_same_network(trained: Path) -> None:
    older = {
        "UNet_class_name": "PlainConvUNet",
        "UNet_base_num_features": 4,
        "unet_max_num_features": 16,
        "conv_kernel_sizes": [[3, 3, 3]] * 3,
        "pool_op_kernel_sizes": [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
        "n_conv_per_stage_encoder": [2, 2, 2],
        "n_conv_per_stage_decoder": [2, 2],
    }
    newer = {"architecture": architecture(conv_bias=True)}
    assert nnunet.plan_of(older, 1, 3) == nnunet.plan_of(newer, 1, 3)


def test_configurations_that_are_not_there_or_a_cascade(trained: Path) -> None:
    with pytest.raises(Refused, match=r"^plans.json has no configuration 2d; it has 3d_fullres, 3d_cascade_fullres\.$"):
        nnunet.bring(trained, "spleen", "2d")
    with pytest.raises(Refused, match=r"^The configuration 3d_cascade_fullres is the second of a cascade"):
        nnunet.bring(trained, "spleen", "3d_cascade_fullres")


def test_weights_of_another_plan_and_pickles_are_refused(trained: Path) -> None:
    checkpoint = trained / "fold_0/checkpoint_final.pth"
    state = torch.load(checkpoint, weights_only=False)
    state["network_weights"].pop("decoder.transpconvs.0.weight")
    torch.save(state, checkpoint)
    with pytest.raises(Refused, match=r"^fold_0/checkpoint_final.pth is not of this plan \("):
        nnunet.bring(trained, "spleen", "3d_fullres")
    torch.save({"network_weights": Path("x")}, checkpoint)
    with pytest.raises(Refused, match=r"^fold_0/checkpoint_final.pth can't be read as plain weights \("):
        nnunet.bring(trained, "spleen", "3d_fullres")


def test_what_is_known_completes_a_draft_entry_by_entry() -> None:
    drafted = {"a": None, "b": [{"c": None, "d": 1}], "e": [1, 2]}
    known = {"a": 5, "b": [{"c": 6}], "e": [3], "f": 7}
    assert draft.completed(drafted, known) == {"a": 5, "b": [{"c": 6, "d": 1}], "e": [3], "f": 7}
