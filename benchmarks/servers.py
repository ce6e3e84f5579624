"""Orthanc without the node, for comparison: with the node's own settings, or as it comes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Literal

import requests

from orthanc_plugin.settings import substituted
from tests.e2e.node import PROJECT, free_port
from tests.waiting import eventually

Kind = Literal["without the plugin", "by default"]


class BareOrthanc:
    """`without the plugin` has every setting of orthanc.json and TCP_NODELAY; `by default` has Orthanc's own."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.dicom_port = free_port()
        self._http_port = free_port()
        self._folder = folder
        self._kind = kind
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> BareOrthanc:
        self._folder.mkdir(parents=True)
        path = self._folder / "orthanc.json"
        path.write_text(json.dumps(self._configuration()))
        with (self._folder / "orthanc.log").open("wb") as log:
            self._process = subprocess.Popen(["Orthanc", str(path)], env=self._environment(), stdout=log, stderr=log)
        eventually(self._answers, within_s=30, what=f"Orthanc {self._kind}")
        return self

    def __exit__(self, *ended: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def _configuration(self) -> dict[str, object]:
        ours: dict[str, object] = {}
        if self._kind == "without the plugin":
            ours = json.loads(substituted((PROJECT / "orthanc.json").read_text(), self._environment()))
            ours["Plugins"] = [plugin for plugin in ours["Plugins"] if "Python" not in plugin]  # type: ignore[attr-defined]
            del ours["PythonScript"], ours["Inference"]
        return ours | {
            "StorageDirectory": str(self._folder / "orthanc"),
            "IndexDirectory": str(self._folder / "orthanc"),
            "HttpPort": self._http_port,
            "DicomPort": self.dicom_port,
        }

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}
        return inherited | ({"TCP_NODELAY": "1"} if self._kind == "without the plugin" else {})

    def _answers(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self._http_port}/system", timeout=5).ok
        except requests.ConnectionError:
            return False
