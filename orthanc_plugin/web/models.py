"""The catalogue in, JSON about its models out: their cards, their switches, and why each is for a series or not."""

from __future__ import annotations

from typing import Any

from orthanc_plugin.jobs.device_report import DeviceReport
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.overlay import Canary, Switch
from orthanc_plugin.routing.rules import Decision, Reason, explain, fills


def view(model: Model) -> dict[str, Any]:
    return {
        "name": model.card.name,
        "version": model.card.version,
        "digest": model.digest,
        "switch": switch(model.switch),
        "card": model.card.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def provider(report: DeviceReport) -> dict[str, Any]:
    """What the graphs run on at one machine, what was asked for, and the sentence where these differ."""
    return {"device": report.device, "wanted": report.wanted, "fallback": report.fallback or None}


def switch(chosen: Switch) -> Any:
    return chosen.model_dump() if isinstance(chosen, Canary) else chosen


def routes(catalogue: Catalogue, headers: Headers) -> list[dict[str, Any]]:
    """Every model, whether it is for the series, and rule by rule why."""
    return [route(model, headers) for model in catalogue.models]


def route(model: Model, headers: Headers) -> dict[str, Any]:
    decision = explain(model.card, headers)
    entries = {
        "model": model.card.name,
        "version": model.card.version,
        "digest": model.digest,
        "switch": switch(model.switch),
        **decided(decision),
        "unknown": model.card.unknown,
    }
    if list(model.card.inputs) != ["series"]:
        entries["roles"] = {
            name: {"from": role.source, **decided(fills(model.card, name, headers))}
            for name, role in model.card.inputs.items()
        }
    return entries


def decided(decision: Decision) -> dict[str, Any]:
    return {
        "matches": decision.matches,
        "verdict": decision.verdict,
        "rules": [rule(reason) for reason in decision.reasons],
        "remarks": list(decision.remarks),
    }


def rule(reason: Reason) -> dict[str, Any]:
    entries: dict[str, Any] = {"rule": reason.rule, "value": reason.value or None, "verdict": reason.verdict}
    if reason.parts:
        entries["rules"] = [rule(part) for part in reason.parts]
    return entries
