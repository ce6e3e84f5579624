"""The wanted devices in their order in, the one that graphs run on out, with a sentence where it is not the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnxruntime as ort

from orthanc_plugin.errors import ConfigurationError

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
# An identity of one number: whether a provider can hold a session at all shows only when it is given one.
PROBE = bytes.fromhex(
    "08083a3b0a100a017812017922084964656e74697479120570726f62655a0f0a0178120a0a08080112040a020801620f0a0179120a0a"
    "08080112040a02080142040a001011"
)


@dataclass(frozen=True)
class Choice:
    """`device` is what runs; `fallback` is empty, or says which device was wanted and why it is not that."""

    device: str
    fallback: str


def choose(wanted: str) -> Choice:
    """The first of a list such as `cuda,cpu` that works; `auto` is CUDA where ONNX Runtime has it, and the CPU.

    ConfigurationError when none works.
    """
    order = [each.strip() for each in wanted.split(",")] if wanted != "auto" else _automatic()
    reasons: list[str] = []
    for device in order:
        reason = _against(device)
        if not reason:
            return Choice(device, _fallback(order, device, reasons))
        reasons.append(reason)
    raise ConfigurationError(
        f"The device {wanted} was asked for, but {' and '.join(reasons)}; "
        "install the extra for it (INFERENCE_EXTRA) or set INFERENCE_DEVICE to cpu."
    )


def session_providers(device: str, memory_mb: int) -> list[str | tuple[str, dict[str, Any]]]:
    """The one provider of the device; sums are made in one order and without TF32, so that runs repeat bit by bit."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return [PROVIDERS[kind]]
    options: dict[str, Any] = {
        "device_id": number or "0",
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "DEFAULT",
        "use_tf32": "0",
    }
    if memory_mb:
        options["gpu_mem_limit"] = str(memory_mb << 20)
    return [(PROVIDERS[kind], options)]


def _automatic() -> list[str]:
    return ["cuda", "cpu"] if PROVIDERS["cuda"] in ort.get_available_providers() else ["cpu"]


def _against(device: str) -> str:
    """Why the device can't be had, or nothing."""
    kind = device.partition(":")[0]
    if kind not in PROVIDERS:
        raise ConfigurationError(f"The device {device} is not known; use auto, {', '.join(PROVIDERS)} or cuda:1.")
    if PROVIDERS[kind] not in ort.get_available_providers():
        return f"the installed ONNX Runtime has no {PROVIDERS[kind]}"
    if kind == "cpu":
        return ""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        given = ort.InferenceSession(PROBE, options, providers=session_providers(device, 0)).get_providers()[0]
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the device can't be had
        return f"its {PROVIDERS[kind]} does not start ({type(error).__name__})"
    return "" if given == PROVIDERS[kind] else f"its {PROVIDERS[kind]} does not start; look at the device's driver"


def _fallback(order: list[str], device: str, reasons: list[str]) -> str:
    if not reasons:
        return ""
    return f"The graphs run on {device} and not on {order[0]}, which was asked for: {reasons[0]}."
