"""What routing decided in, the sentences about it for the ledger and for who orders by hand out."""

from __future__ import annotations

from collections.abc import Iterable

from orthanc_plugin.routing.body_part import Found, find, of_tag
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import Region
from orthanc_plugin.routing.roles import Seating
from orthanc_plugin.routing.rules import Verdict, explain, met


def why_not(models: Iterable[Model], headers: Headers) -> str:
    """The sentence of a series that no model is for."""
    known = tuple(models)
    if not known:
        return "No model is installed and switched on; put one into the models folder."
    modality = headers.text("Modality")
    series = f"modality {modality}" if modality else "a series without a modality"
    found = region(known, headers)
    sentence = f"No model is for {series} and {body_part(found, headers)}"
    if any(only_too_few(model.card, headers) for model in known):
        sentence += f" with {headers.slices} slice{'s' if headers.slices != 1 else ''}"
    return f"{sentence}. {found.remark}".strip()


def region(models: Iterable[Model], headers: Headers) -> Found:
    """As the first model met it whose rules made somebody look; for a sentence alone nobody does."""
    stated = find(headers, looks=False)
    found = (met(model.card, model.card.applies, headers) for model in models)
    return next((each for each in found if each.region.parts and each != stated), stated)


def body_part(found: Found, headers: Headers) -> str:
    stated = headers.text("BodyPartExamined")
    if stated and found.region in (Region(), of_tag(headers)):
        return f"body part {stated}"
    return f"body part {found.region} (by {found.region.source})" if found.region.parts else "no stated body part"


def only_too_few(card: Card, headers: Headers) -> bool:
    against = [leaf for reason in explain(card, headers).against for leaf in reason.leaves]
    denied = [leaf for leaf in against if leaf.verdict is Verdict.NO]
    return bool(denied) and all(leaf.rule.startswith("slices are ") for leaf in denied)


def remark(model: Model, headers: Headers) -> str:
    """Empty where routing agrees with who orders by hand, and met no contradiction."""
    decision = explain(model.card, headers)
    if decision.matches:
        return " ".join(decision.remarks)
    leaves = [leaf for reason in decision.reasons for leaf in reason.leaves if reason.verdict is not Verdict.YES]
    met = "; ".join(f"{leaf.rule}, here it is {leaf.value or 'not stated'}" for leaf in leaves)
    return f"Routing would not choose {model.card.name} for this series: {met}."


def lacking(model: Model, seating: Seating, waited_s: float) -> str:
    """What the study lacks comes first: priors are looked for only beside it."""
    priors = [role for role in seating.lacking if model.card.inputs[role].is_prior]
    roles = [role for role in seating.lacking if role not in priors]
    if not roles:
        return without_prior(model, priors, seating.filled[0][1].headers)
    return (
        f"{model.card.title} needs a set of series, and after {waited_s:.0f} s nothing in the study takes the role "
        f"{' or '.join(roles)}; send what is missing, and it runs."
    )


def without_prior(model: Model, roles: Iterable[str], headers: Headers) -> str:
    """What is wrong with the study itself is told first, as no prior would help."""
    needs = f"{model.card.title} compares a study with an earlier one of the same patient"
    for keyword, known in (("PatientID", "whose it is"), ("StudyDate", "which are earlier")):
        if not headers.present(keyword):
            return f"{needs}, and this study has no {keyword}, so nobody can tell {known}; correct it in the archive."
    return (
        f"{needs}, and none in the archive has a series for the role {' or '.join(roles)}; "
        "send one, then run the model on the study."
    )


def given_up(model: Model) -> str:
    name = model.card.name
    return (
        f"{model.card.title} was removed, switched off or changed while this study waited for its set of series; "
        f"put the model {name} in place and run it on the study."
    )


def passed_over(model: Model) -> str:
    return f"{model.card.title} takes one series of a study for each of its roles, and others were preferred."


def brought() -> str:
    return (
        "The study was brought from another archive to be compared with a later one; run a model by hand where its own "
        "results are wanted."
    )


def switched_off(model: Model) -> str:
    name = model.card.name
    return f'The model {name} is switched off on this node; set "switch" to "on" in overlays/{name}.json to run it.'
