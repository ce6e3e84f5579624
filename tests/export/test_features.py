"""What a network of any model of the catalogue sees in an image is taken over as it is; the rest of it is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from monai.networks.nets import DenseNet, ResNet, UNet
from numpy.typing import NDArray
from torch import Tensor, nn

from export.from_folders import Unusable
from export.from_folders.features import Features, features, weights_of
from export.from_folders.network import transferred
from export.graph import halve_weights
from export.importers.folder import write
from export.importers.graph import write_graph
from export.importers.monai_bundle import bring as bring_bundle
from export.importers.nnunet import bring as bring_nnunet
from export.importers.nnunet_network import Network, Plan
from tests.export.bundles import monai_bundle, nnunet_trained

PROJECT = Path(__file__).parents[2]
SHIPPED = (
    "onnx_models/abdominal-muscle-ct/model.onnx",
    "onnx_models/abdominal-muscle-ct/level.onnx",
    "orthanc_plugin/inference/body_region/region.onnx",
)


def of(path: Path) -> Features:
    return features(onnx.load(path).graph, path.parent.name)


def theirs(path: Path, taken: Features, image: Tensor) -> NDArray[np.float32]:
    """What ONNX Runtime answers to the same between the same two tensors of the graph."""
    inferred = onnx.shape_inference.infer_shapes(onnx.load(path))
    part = onnx.utils.Extractor(inferred).extract_model([taken.begin], [taken.end])
    for given in part.graph.input:
        given.type.tensor_type.ClearField("shape")
    session = onnxruntime.InferenceSession(part.SerializeToString(), providers=["CPUExecutionProvider"])
    (answer,) = session.run([taken.end], {taken.begin: image.numpy()})
    return np.asarray(answer)


def check(path: Path) -> Features:
    taken = of(path).eval()
    image = torch.randn((2, taken.channels, 128, 128), generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        ours = taken.answers(image)[taken.end].numpy()
    np.testing.assert_allclose(ours, theirs(path, taken, image), atol=1e-3, rtol=1e-3)
    return taken


@pytest.mark.parametrize("shipped", SHIPPED)
def test_the_networks_that_are_shipped_are_taken_over_as_far_as_they_see(shipped: str) -> None:
    """The image is then sixteen times smaller at the least, and of so many channels as no part before has."""
    taken = check(PROJECT / shipped)
    with torch.inference_mode():
        seen = taken(torch.rand(1, 1, 128, 128))
    assert seen.shape[1] >= 32
    assert seen.shape[2] <= 8
    assert len(taken.taken) >= 8


def plan(*, residual: bool) -> Plan:
    sizes = {"features": (4, 8, 16), "kernels": ((3, 3),) * 3, "strides": ((1, 1), (2, 2), (2, 2)), "blocks": (1, 2, 2)}
    numbers = {"dimensions": 2, "channels": 3, "classes": 2, "decoder_blocks": (1, 1), "epsilon": 1e-5, "slope": 0.01}
    return Plan(residual=residual, bias=True, affine=True, **sizes, **numbers)  # type: ignore[arg-type]


def networks() -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    torch.manual_seed(2)
    return {
        "nnU-Net": (Network(plan(residual=False)), (3, 64, 64)),
        "residual nnU-Net": (Network(plan(residual=True)), (3, 64, 64)),
        "residual U-Net": (UNet(2, 1, 2, (4, 8, 16), (2, 2), num_res_units=2), (1, 64, 64)),
        "U-Net with batch norm": (UNet(2, 2, 2, (4, 8, 16), (2, 2), norm="BATCH", act="RELU"), (2, 64, 64)),
        "ResNet": (ResNet("basic", (1, 1, 1, 1), (4, 8, 16, 32), spatial_dims=2, n_input_channels=1), (1, 64, 64)),
        "DenseNet": (DenseNet(2, 1, 2, init_features=8, growth_rate=4, block_config=(2, 2)), (1, 64, 64)),
    }


@pytest.mark.parametrize("kind", list(networks()))
def test_networks_of_the_usual_kinds_are_taken_over(kind: str, tmp_path: Path) -> None:
    network, shape = networks()[kind]
    write_graph(network.eval(), shape, tmp_path / "model.onnx")
    taken = check(tmp_path / "model.onnx")
    with torch.inference_mode():
        assert min(taken(torch.rand(1, 1, 64, 64)).shape[2:]) in (2, 4, 8, 16)


def test_weights_stored_as_halves_are_taken_over_under_their_own_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, shape = networks()["DenseNet"]
    write_graph(network.eval(), shape, tmp_path / "model.onnx")
    whole = of(tmp_path / "model.onnx").taken
    graph = onnx.load(tmp_path / "model.onnx")
    monkeypatch.setattr("export.graph._SMALL", 16)
    halve_weights(graph.graph)
    onnx.save(graph, tmp_path / "model.onnx")
    assert check(tmp_path / "model.onnx").taken == whole
    assert not any(name.endswith("_half") for name in weights_of(graph.graph))


def test_a_network_of_volumes_sees_in_an_image_what_it_sees_in_a_stack_of_it(tmp_path: Path) -> None:
    torch.manual_seed(4)
    network = nn.Sequential(
        nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 8, (3, 3, 3), stride=(1, 2, 2), padding=1), nn.PReLU(8)
    )
    write_graph(network.eval(), (1, 9, 32, 32), tmp_path / "model.onnx")
    image = torch.randn((1, 1, 32, 32), generator=torch.Generator().manual_seed(5))
    taken = of(tmp_path / "model.onnx")
    with torch.inference_mode():
        ours, of_stack = taken.answers(image)[taken.end], network(image[:, :, None].expand(-1, -1, 9, -1, -1))
    np.testing.assert_allclose(ours.numpy(), of_stack[:, :, 4].numpy(), atol=1e-5)


def test_imported_bundles_are_taken_over_and_what_is_left_of_them_is_named(tmp_path: Path) -> None:
    write(bring_bundle(monai_bundle(tmp_path / "spleen_bundle"), "spleen"), tmp_path / "spleen", {})
    write(bring_nnunet(nnunet_trained(tmp_path / "trained"), "folds", "3d_fullres"), tmp_path / "folds", {})

    spleen = transferred(tmp_path / "spleen/model.onnx", 2)
    fold = transferred(tmp_path / "folds/fold_0.onnx", 2)

    assert len(fold.taken) == 3 * 2 * 3  # three stages of two units with a kernel, a scale and a shift
    assert all("encoder" in name for name in fold.taken)
    assert fold.left
    assert all("decoder" in name for name in fold.left)
    for begun in (spleen, fold):
        scores, _ = begun.network(torch.rand(3, 1, 64, 64))
        assert scores.shape == (3, 2)


def test_what_is_taken_over_goes_on_learning_but_for_the_moments_of_batch_norms(tmp_path: Path) -> None:
    network, shape = networks()["DenseNet"]
    write_graph(network.eval(), shape, tmp_path / "model.onnx")
    taken = transferred(tmp_path / "model.onnx", 2).network
    before = {name: values.clone() for name, values in taken.state_dict().items()}
    optimiser = torch.optim.SGD(taken.parameters(), lr=1.0)
    torch.autograd.backward(taken.train()(torch.rand(4, 1, 64, 64))[0].square().sum())
    optimiser.step()
    learned = {name for name, values in taken.state_dict().items() if not torch.equal(values, before[name])}
    assert learned == {name for name, _ in taken.named_parameters()}
    norms = sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    assert 2 <= len(list(taken.features.buffers())) <= 2 * norms


def test_images_that_are_too_small_for_the_network_are_refused() -> None:
    with pytest.raises(Unusable) as caught:
        transferred(PROJECT / SHIPPED[0], 2, size=16)
    assert str(caught.value) == (
        "Images of 16 x 16 are too small for the network of abdominal-muscle-ct; give it a larger --size."
    )
