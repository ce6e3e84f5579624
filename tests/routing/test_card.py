"""Cards: what is accepted, and the sentence for what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.folder import folder_digest, read
from tests.routing.cards import card_values, classes, model_folder, stage

EARLIER = {"from": "prior", "compared_with": "now"}
SHIPPED = Path(__file__).resolve().parents[2] / "onnx_models"


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(folder)
    return caught.value.sentence


def rewritten(folder: Path, **changes: Any) -> Path:
    (folder / "card.json").write_text(json.dumps(card_values(**changes)))
    return folder


def wrong(folder: Path, **changes: Any) -> str:
    """What is wrong with the card, without the words around it."""
    sentence = refusal(rewritten(model_folder(folder), **changes))
    assert sentence.startswith("The card of the model abdomen is wrong")
    assert sentence.endswith("; correct card.json.")
    return sentence.removeprefix("The card of the model abdomen is wrong").removesuffix("; correct card.json.")


def test_a_good_folder_is_a_model_with_its_graphs(tmp_path: Path) -> None:
    model = read(model_folder(tmp_path))
    assert model.card.title == "Abdomen"
    assert model.graphs(model.card.stage("only")) == (tmp_path / "abdomen" / "model.onnx",)


def test_the_digest_covers_every_file_and_its_name(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    before = folder_digest(folder)
    (folder / "README.md").write_text("what it is")
    with_readme = folder_digest(folder)
    (folder / "README.md").rename(folder / "README.txt")
    assert len({before, with_readme, folder_digest(folder)}) == 3
    (folder / "README.txt").unlink()
    assert folder_digest(folder) == before


def test_a_folder_without_a_card(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty") == "The model folder empty has no card.json; add one or remove it."


def test_a_card_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "odd" / "card.json").mkdir(parents=True)
    assert refusal(tmp_path / "odd") == (
        "The card of the model odd can't be read (Is a directory); correct its permissions."
    )


def test_a_card_that_is_not_json(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    (folder / "card.json").write_text("{")
    assert refusal(folder) == (
        "The card of the model abdomen is wrong: "
        "Invalid JSON: EOF while parsing an object at line 1 column 1; correct card.json."
    )


def test_an_unknown_key(tmp_path: Path) -> None:
    folder = rewritten(model_folder(tmp_path), treshold=0.5)
    assert refusal(folder) == (
        "The card of the model abdomen is wrong at treshold: Extra inputs are not permitted; correct card.json."
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            {"tga": "Modality", "in": ["CT"]},
            " at applies.in.tag: Field required",
        ),
        (
            {"tag": "modality", "in": ["CT"]},
            " at applies.in.tag: String should match pattern '^[A-Z][A-Za-z0-9]{1,63}$'",
        ),
        (
            {"modality": "CT"},
            " at applies: a rule has one of the keys all, any, not, tag with in, between, matches or present, "
            "body_part, slices, age_years, minutes_after_injection, orientation",
        ),
        (
            {"tag": "SeriesDescription", "matches": "(t2"},
            " at applies.matches.matches: (t2 is no regular expression (missing ) at position 3)",
        ),
        ({"slices": {}}, " at applies.slices.slices: a range states least, most or both"),
        ({"slices": {"least": 3, "most": 2}}, " at applies.slices.slices: the least of a range is above its most"),
        ({"all": []}, " at applies.all.all: Tuple should have at least 1 item after validation, not 0"),
    ],
)
def test_a_rule_that_says_nothing(tmp_path: Path, rule: dict[str, Any], said: str) -> None:
    assert wrong(tmp_path, applies=rule) == said


def test_a_body_part_that_the_vocabulary_lacks(tmp_path: Path) -> None:
    said = wrong(tmp_path, applies={"body_part": ["ABDOMEN"]})
    assert said.startswith(" at applies.body_part.body_part.0: Input should be 'head', 'neck', 'chest', ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages": [stage()] * 2}, ": two stages have the name only"),
        ({"notice": ""}, ": a model that is not for clinical use states its notice"),
        (
            {"stages": [stage(roles=["flair"])]},
            ": the stage only takes the role flair, which is not among the inputs",
        ),
        ({"stages": [stage(outputs=["z"])]}, ": no stage only has the output y"),
        ({"outputs": {}}, " at outputs: a model gives segments, classes, maps or images"),
        (
            {"outputs": classes(undetermined=[0.6, 0.7])},
            " at outputs.classes.items.0: the threshold 0.5 of Cyst is not within 0.6 to 0.7",
        ),
        (
            {"inputs": {"series": {"within_years": 2}}},
            " at inputs.series: within_years is said of a role that comes from a prior",
        ),
        (
            {"inputs": {"series": {"compared_with": "series"}}},
            " at inputs.series: compared_with is said of a role that comes from a prior",
        ),
        (
            {"inputs": {"now": {}, "before": EARLIER | {"compared_with": "then"}}, "stages": [stage(roles=["now"])]},
            ": before is compared with then, which is no role of the study",
        ),
        (
            {"inputs": {"now": {}, "before": EARLIER}, "stages": [stage(roles=["now", "before"])]},
            ": a stage takes before, which is compared with now; it is either of the two",
        ),
        (
            {"inputs": {"now": {}, "before": EARLIER, "other": EARLIER}, "stages": [stage(roles=["now"])]},
            ": two earlier roles have the name now",
        ),
        (
            {"inputs": {"now": {}, "flair": {}, "before": EARLIER}, "stages": [stage(roles=["now", "flair"])]},
            ": flair is required, so an earlier study is compared only where one is beside it",
        ),
        (
            {"inputs": {"now": {}, "before": EARLIER}, "stages": [stage(roles=["now"])]},
            ": compared_with is of measurements in volumes, and there are none",
        ),
        (
            {"inputs": {"series": {"from": "prior"}}},
            ": every role comes from a prior, so no study would ever begin a set; one is of the study",
        ),
        (
            {"inputs": {"now": {}, "before": {"from": "prior"}}, "stages": [stage(roles=["before", "now"])]},
            ": the stage only begins with before, which is a prior or may be missing",
        ),
        (
            {"inputs": {"now": {}, "before": {"required": False}}, "stages": [stage(roles=["now", "before"])]},
            ": the stage only takes the role before, which may be missing; "
            "say in meaning_of_missing what that means for the results",
        ),
    ],
)
def test_what_contradicts_itself(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    assert wrong(tmp_path, **changes) == said


def test_an_unknown_step(tmp_path: Path) -> None:
    outputs = card_values()["outputs"]
    outputs["segments"]["steps"] = [{"step": "dilate"}]
    assert wrong(tmp_path, outputs=outputs).startswith(
        " at outputs.segments.steps.0: Input tag 'dilate' found using 'step' does not match any of the expected tags: "
    )


def test_a_name_that_is_not_the_folders(tmp_path: Path) -> None:
    folder = model_folder(tmp_path).rename(tmp_path / "thorax")
    assert refusal(folder) == (
        "The card in the folder thorax is named abdomen; folder and card must have the same name."
    )


@pytest.mark.parametrize("file", ["missing.onnx", "../outside.onnx"])
def test_a_graph_that_the_folder_lacks(tmp_path: Path, file: str) -> None:
    (tmp_path / "outside.onnx").write_bytes(b"another's")
    folder = rewritten(model_folder(tmp_path), stages=[stage(files=[file])])
    assert refusal(folder) == (f"The model abdomen names the graph {file}, which its folder lacks; correct card.json.")


def test_a_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    (folder / "notes.txt").symlink_to("/etc/passwd")
    assert refusal(folder) == (
        "The folder of the model abdomen holds the link notes.txt, which may lead out of it; put the file itself there."
    )


def test_a_stage_that_the_card_lacks(tmp_path: Path) -> None:
    model = read(model_folder(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        model.card.stage("level")
    assert caught.value.sentence == "The card of the model abdomen lacks the stage level; correct card.json."


def test_the_shipped_cards_are_right() -> None:
    for path in sorted(SHIPPED.glob("*/card.json")):
        files = [file for stage in json.loads(path.read_text())["stages"] for file in stage["files"]]
        if all((path.parent / file).is_file() for file in files):
            assert read(path.parent).card.name == path.parent.name


def clinical(**changes: Any) -> dict[str, Any]:
    coded = {"value": "a", "scheme": "99TEST", "meaning": "A"}
    return {"name": "a", "code": coded, "unit": "1", "missing": "leave-out", "meaning_of_missing": "No a."} | changes


def test_what_a_graph_takes_beside_the_pixels_is_a_clinical_input_that_is_a_number(tmp_path: Path) -> None:
    stages = [stage(clinical={"input": "values", "names": ["a"]})]
    sentences = {
        "unknown": wrong(tmp_path / "1", stages=stages),
        "text": wrong(tmp_path / "2", stages=stages, clinical_inputs=[clinical(unit="")]),
        "both": wrong(tmp_path / "3", clinical_inputs=[clinical(as_numbers={"M": 1})]),
        "one input": wrong(tmp_path / "4", stages=[stage(clinical={"input": "x", "names": ["a"]})]),
    }
    assert sentences == {
        "unknown": ": the stage only takes a, which is not among the clinical inputs",
        "text": ": the stage only takes a, a text; say in as_numbers what it counts as",
        "both": " at clinical_inputs.0: a has a unit, so it is a number and no text with as_numbers",
        "one input": " at stages.0: the stage only takes images and clinical values in one input, x",
    }
    folder = model_folder(tmp_path / "5", stages=stages, clinical_inputs=[clinical(unit="", as_numbers={"M": 1})])
    assert read(folder).card.stages[0].clinical is not None


def test_slices_are_chosen_by_the_network_that_classifies_them(tmp_path: Path) -> None:
    outputs = classes()
    outputs["classes"]["where"] = {"stage": "other", "output": "y", "least": 0.5, "says": "None."}
    stages = [stage(), stage(name="other")]
    assert wrong(tmp_path, stages=stages, outputs=outputs) == (
        ": the slices that count are chosen by an output of the stage of the classes"
    )


def test_an_infarct_is_measured_on_one_segment(tmp_path: Path) -> None:
    two = card_values()["outputs"]
    measured = {"measurements": [{"measure": "infarct"}]}
    assert wrong(tmp_path, outputs=two | measured) == ": infarct is measured on one segment, and there are 2"
    one = {"segments": two["segments"] | {"items": two["segments"]["items"][:1]}}
    [taken] = read(rewritten(tmp_path / "abdomen", outputs=one | measured)).card.outputs.measurements
    assert taken.measure == "infarct"


def looking(**changes: Any) -> dict[str, Any]:
    """Stages of which the second looks within what the first finds."""
    finds = stage(name="find", kind="image", outputs=["map"])
    within = {"stage": "find", "output": "map"}
    return {"stages": [finds, stage(kind="regions", within=within) | changes]}


def test_a_stage_looks_within_what_an_earlier_one_finds(tmp_path: Path) -> None:
    assert read(rewritten(model_folder(tmp_path), **looking())).card.stage("only").flat


NOT_WITHIN = ": the stage only looks within {} of {}, which is no output of an earlier stage that takes images"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"within": {"stage": "find", "output": "y"}}, NOT_WITHIN.format("y", "find")),
        ({"within": {"stage": "only", "output": "y"}}, NOT_WITHIN.format("y", "only")),
        (
            {"within": None},
            " at stages.1: the stage only says within what it looks, which stages of regions do and no others",
        ),
        (
            {"roles": ["series", "more"]},
            " at stages.1: the stage only takes regions of several roles; they are those of one image",
        ),
    ],
)
def test_a_stage_of_regions_that_can_not_be(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    assert wrong(tmp_path, **looking(**changes)) == sentence


def test_one_stage_alone_takes_regions(tmp_path: Path) -> None:
    stages = looking()["stages"]
    assert wrong(tmp_path, stages=[*stages, {**stages[1], "name": "nearer"}]) == (
        ": the stages only and nearer take regions; one stage of a model can"
    )


def test_of_regions_nothing_but_segments_is_made(tmp_path: Path) -> None:
    assert wrong(tmp_path, **looking(), outputs=classes()) == (
        ": the stage only takes regions, of which only segments are made"
    )


def test_a_graph_of_regions_answers_probabilities(tmp_path: Path) -> None:
    values = card_values()["outputs"]
    values["segments"]["steps"] = [{"step": "sigmoid"}, {"step": "threshold"}]
    assert wrong(tmp_path, **looking(), outputs=values) == (
        ": the stage only takes regions, so its graph answers the probabilities of the segments themselves: "
        "without a background, softmax and sigmoid"
    )


def test_parts_are_those_of_single_images(tmp_path: Path) -> None:
    values = card_values()["outputs"]
    values["segments"]["items"][0]["each_part"] = True
    assert wrong(tmp_path, outputs=values) == ": each_part is of single images; in volumes a segment is measured as one"


def seeing(**changes: Any) -> dict[str, Any]:
    """A stage that sees the images of all series at once, and a class that is about one of its two slots."""
    slots = [
        {"name": side, "rule": {"tag": "ImageLaterality", "in": [side]}, "meaning_of_missing": f"{side} was not there."}
        for side in ("R", "L")
    ]
    given = {"inputs": {"views": {"every": True}}, "stages": [stage(kind="image", roles=["views"], slots=slots)]}
    return given | {"outputs": classes(slots=["R"])} | changes


def test_images_of_several_series_are_sorted_into_slots(tmp_path: Path) -> None:
    card = read(rewritten(model_folder(tmp_path), **seeing())).card
    assert [slot.name for slot in card.stage("only").slots] == ["R", "L"]
    assert card.inputs["views"].every


def with_slots(**changes: Any) -> list[dict[str, Any]]:
    return [seeing()["stages"][0] | changes]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"stages": with_slots(slots=[]), "outputs": classes()},
            ": the role views takes every series, whose images only a stage with slots tells apart; only has none",
        ),
        (
            {"outputs": card_values()["outputs"]},
            ": the stage only has slots, of which classes are made and nothing else",
        ),
        ({"outputs": classes()}, ": Cyst is about the slots of nothing; those of its stage are R, L"),
        ({"outputs": classes(slots=["R", "M"])}, ": Cyst is about the slots R, M; those of its stage are R, L"),
        (
            {"stages": with_slots(kind="slices")},
            " at stages.0: the stage only has slots, which are for single images",
        ),
        (
            {"stages": with_slots(slots=2 * [seeing()["stages"][0]["slots"][0]])},
            " at stages.0: two slots of the stage only have the same name",
        ),
        (
            {"inputs": {"views": {"every": True, "best": ["newest"]}}},
            " at inputs.views: a role with every takes all series that it may; best chooses one of them",
        ),
        (
            {"outputs": classes(slots=["R"], laterality={"value": "24028007", "scheme": "SCT", "meaning": "Right"})},
            " at outputs.classes.items.0: Cyst has a laterality; say in site of what",
        ),
    ],
)
def test_slots_that_can_not_be(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    assert wrong(tmp_path, **seeing(**changes)) == sentence
