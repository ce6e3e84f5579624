"""Any card becomes results: real files in, through a real device, checked SEG, SR and SC out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from orthanc_plugin.archive.folder import FolderArchive
from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.inference.device import Device
from orthanc_plugin.jobs.job import InputSet, Job, Order, Parameter, PlannedResult, Record, Role, State
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.measure import single_images
from orthanc_plugin.pipeline import Rooms, carry_out
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model, read
from tests import judges
from tests.builders import series
from tests.imaging import test_registration
from tests.imaging.radiographs import radiograph
from tests.inference import graphs

SHIPPED = Path(__file__).resolve().parents[1] / "onnx_models" / "abdominal-muscle-ct"
HEIGHT = {"name": "height_m", "code": graphs.concept("height", "Body height"), "unit": "m", "header": "PatientSize"}


class Booked(Lease):
    """The lease of a job that is in no ledger; it notes what the attempt says."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.planned: tuple[PlannedResult, ...] = ()
        self.received: list[Receipt] = []

    def check(self) -> None:
        return

    @contextmanager
    def step(self, verb: str) -> Iterator[None]:
        yield

    def predecessors(self, holds: Callable[[str], bool]) -> tuple[PlannedResult, ...]:
        return ()

    def plan(self, results: Sequence[PlannedResult], record: Record | None = None) -> None:
        self.planned = tuple(results)

    def await_release(self, look: Callable[[], None]) -> None:
        look()

    def receive(self, receipt: Receipt) -> None:
        self.received.append(receipt)

    def superseded(self, *, removed: bool) -> list[str]:
        return []

    def succeed(self, *, removed: bool) -> None:
        return


@dataclass(frozen=True)
class Boxes(series.Scan):
    """A bright box in the dark, 40 HU in 2 x 6 x 4 voxels; `flip` puts it elsewhere."""

    flip: bool = False

    def hounsfield(self, index: int) -> NDArray[np.float64]:
        values = np.full((self.rows, self.columns), -900.0)
        if index in (2, 3):
            values[5:11, 2:6] = 40
        return values[::-1] if self.flip else values


@dataclass(frozen=True)
class Head(series.Scan):
    """Voxels of four millimetres; what is bright are fat and white matter."""

    slices: int = test_registration.SHAPE[0]
    rows: int = test_registration.SHAPE[1]
    columns: int = test_registration.SHAPE[2]
    pixel_spacing_mm: tuple[float, float] = (4.0, 4.0)
    step_mm: float = 4.0
    thickness_mm: float | None = 4.0

    def hounsfield(self, index: int) -> NDArray[np.float64]:
        return np.array(test_registration.T1)[test_registration.head()[index]] * 5.5 - 1000


@dataclass(frozen=True)
class House:
    """A folder that is the archive, a folder of models, a device."""

    archive: Path
    models: Path
    device: Device

    def takes(self, role: str, datasets: Sequence[Dataset]) -> Role:
        for dataset in datasets:
            (self.archive / f"{dataset.SOPInstanceUID}.dcm").write_bytes(series.part10(dataset))
        stored = FolderArchive(self.archive).series(str(datasets[0].SeriesInstanceUID))
        return Role(role, stored.series_uid, stored.sop_instance_uids, stored.fingerprint)

    def runs(
        self,
        model: Model,
        *roles: Role,
        remarks: tuple[str, ...] = (),
        profile: Profile | None = None,
        **parameters: Parameter,
    ) -> tuple[Booked, dict[str, Dataset]]:
        given = tuple(sorted(parameters.items()))
        order = Order(InputSet("1.2", roles), model.card.name, "1", model.digest, given, remarks=remarks)
        now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        lease = Booked(Job("1", order, State.RUNNING, 1, 0, "", now, now, None, (), (), ()))
        rooms = Rooms(FolderArchive(self.archive), Catalogue(self.models), self.device, profile or Profile())
        carry_out(lease, rooms)
        found = [dcmread(path) for path in self.archive.glob("*.dcm")]
        by_uid = {str(dataset.SOPInstanceUID): dataset for dataset in found}
        return lease, {receipt.kind: by_uid[receipt.sop_instance_uid] for receipt in lease.received}


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


@pytest.fixture
def house(tmp_path: Path, device: Device) -> House:
    for name in ("archive", "models"):
        (tmp_path / name).mkdir()
    return House(tmp_path / "archive", tmp_path / "models", device)


def outliner(house: House, factor: float = 1.0, **more: Any) -> Model:
    """Outlines what is brighter than half a window from -1000 to 100, in patches."""
    folder = house.models / "outliner"
    graphs.write_channels(folder / "model.onnx", [factor], kind=3)
    intensity = {"kind": "window", "lowest": -1000, "highest": 100}
    stage = graphs.stage(
        kind="volume", depth=4, rows=8, columns=8, intensity=intensity, roles=more.pop("roles", ["series"])
    )
    encoding = more.pop("encoding", None)
    outputs = graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}])
    outputs["segments"]["encoding"] = encoding
    outputs["maps"] = more.pop("maps", [])
    outputs["measurements"] = more.pop("measurements", [{"measure": "volumes"}])
    return graphs.model(folder, [stage], outputs, **more)


def flat_outliner(house: House) -> Model:
    """Outlines what is brighter than half of 255 on single images."""
    folder = house.models / "flat"
    graphs.write_channels(folder / "model.onnx", [1.0])
    window = {"kind": "window", "lowest": 0, "highest": 200}
    stage = graphs.stage(kind="image", rows=48, columns=48, intensity=window)
    outputs = graphs.segments(graphs.segment("Bright"), steps=[{"step": "threshold"}])
    return graphs.model(folder, [stage], outputs | {"measurements": [{"measure": "volumes"}]})


def classifier(house: House, checks: Sequence[dict[str, Any]] = (), **stage: Any) -> Model:
    folder = house.models / "classifier"
    graphs.write_classifier(folder / "model.onnx", [0.0, -0.3])
    items = [{"label": name, "code": graphs.concept(name, name), "threshold": 0.3} for name in ("One", "Two")]
    classes = {
        "from": {"stage": "only", "output": "logits"},
        "activation": "sigmoid",
        "exclusive": True,
        "items": items,
        "heat_map": {"stage": "only", "output": "heat"},
    }
    window = {"kind": "window", "lowest": 0, "highest": 255}
    named = graphs.stage(outputs=["logits", "means", "heat"], intensity=window, **stage)
    return graphs.model(folder, [named], {"classes": classes}, checks=list(checks))


def texts(document: Dataset) -> list[str]:
    return [element.value for element in document.iterall() if element.keyword == "TextValue"]


def numbers(document: Dataset) -> dict[str, float]:
    return {
        item.ConceptNameCodeSequence[0].CodeMeaning: float(item.MeasuredValueSequence[0].NumericValue)
        for item in nums(document)
    }


def said_of(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def nums(document: Dataset) -> list[Dataset]:
    """Of the measurements; what the image library says of the sources is no measurement."""
    [groups] = [item for item in document.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "126010"]
    return [item for item in everything(groups) if item.ValueType == "NUM" and "MeasuredValueSequence" in item]


def everything(item: Dataset) -> Iterator[Dataset]:
    for below in item.get("ContentSequence", []):
        yield below
        yield from everything(below)


@pytest.mark.parametrize("orientation", [series.AXIAL, series.SAGITTAL, series.OBLIQUE])
def test_a_volume_model_outlines_and_measures(orientation: tuple[float, ...], house: House) -> None:
    scan = Boxes(orientation=orientation)
    lease, results = house.runs(outliner(house), house.takes("series", series.slices(scan)))

    assert [receipt.kind for receipt in lease.received] == ["SEG", "SR", "SC"]
    frames = results["SEG"].pixel_array.astype(bool)
    expected = np.zeros((16, 12), bool)
    expected[5:11, 2:6] = True
    assert [frame.tolist() for frame in frames] == [expected.tolist()] * 2
    measured = numbers(results["SR"])
    assert measured["Volume"] == pytest.approx(48 * 0.8 * 0.7 * 5 / 1000)
    assert measured["Area"] == pytest.approx(24 * 0.8 * 0.7 / 100)
    assert measured["Mean Attenuation Coefficient"] == pytest.approx(40)


def test_a_model_that_measures_nothing_still_shows_what_it_outlines(house: House) -> None:
    model = outliner(house, measurements=[])
    _, results = house.runs(model, house.takes("series", series.slices(Boxes())))

    assert set(results) == {"SEG", "SR", "SC"}
    assert not set(numbers(results["SR"])) & {"Volume", "Area"}


def test_a_classifier_of_single_images_gives_a_report_and_a_page(house: House) -> None:
    lease, results = house.runs(classifier(house, kind="image"), house.takes("series", [radiograph("DX")]))

    assert [receipt.kind for receipt in lease.received] == ["SR", "SC"]
    mean = 100 / 255 * 13 / 16  # 40 columns for 48 rows: 13 of the 16 of the matrix
    assert numbers(results["SR"])["Probability"] == pytest.approx(1 / (1 + np.exp(0.3 - mean)), abs=0.01)
    assert results["SC"].Modality == "OT"


def test_what_is_strange_to_a_model_is_a_caution_or_the_end(house: House) -> None:
    role = house.takes("series", [radiograph("DX")])
    strange = {
        "from": {"stage": "only", "output": "means"},
        "between": {"least": 0.9},
        "says": "Darker than anything that the model has seen.",
    }

    _, results = house.runs(classifier(house, [strange | {"otherwise": "caution"}], kind="image"), role)
    assert strange["says"] in texts(results["SR"])

    with pytest.raises(Unsuitable) as caught:
        house.runs(classifier(house, [strange | {"otherwise": "refuse"}], kind="image"), role)
    assert caught.value.sentence == strange["says"]


def test_one_image_of_a_series_alone(house: House) -> None:
    scans = series.slices(Boxes())
    role, wanted = house.takes("series", scans), scans[3]
    one = replace(role, sop_instance_uids=(str(wanted.SOPInstanceUID),))

    _, results = house.runs(outliner(house), one)

    segmentation = results["SEG"]
    (frame,) = segmentation.PerFrameFunctionalGroupsSequence
    assert frame.PlanePositionSequence[0].ImagePositionPatient == wanted.ImagePositionPatient
    (referenced,) = segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert referenced.ReferencedSOPInstanceUID == wanted.SOPInstanceUID


def test_one_frame_of_an_instance_alone(house: House) -> None:
    image = series.enhanced(Boxes(name="frames"))
    role = house.takes("series", [image])

    _, results = house.runs(outliner(house), role, frame=4)

    (frame,) = results["SEG"].PerFrameFunctionalGroupsSequence
    (source,) = frame.DerivationImageSequence[0].SourceImageSequence
    assert (source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber) == (image.SOPInstanceUID, 4)


def test_an_outliner_of_single_images_measures_each_in_its_plane(house: House) -> None:
    """The lower half of a radiograph is brighter than its middle grey; its pixels are those of the detector."""
    model = flat_outliner(house)
    role = house.takes("series", [radiograph("DX", number=number) for number in (1, 2)])
    lease, results = house.runs(model, role)

    assert [receipt.kind for receipt in lease.received] == ["SEG", "SEG", "SR", "SC"]
    assert results["SEG"].pixel_array.sum() == pytest.approx(24 * 40, abs=40)
    groups = [item for item in everything(results["SR"]) if item.ValueType == "SCOORD"]
    assert len(groups) == 2
    units = [item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue for item in nums(results["SR"])]
    assert set(units) == {"{pixels}"}
    assert numbers(results["SR"])["Area"] == pytest.approx(24 * 40, abs=40)
    assert single_images.IN_PIXELS in texts(results["SR"])


def test_a_soft_boundary_is_written_where_card_and_destination_want_it(house: House) -> None:
    scan = house.takes("series", series.slices(Boxes()))
    takes_both = Profile.model_validate({"Segmentations": ["binary", "fractional"]})
    _, plain = house.runs(outliner(house), scan, profile=takes_both)
    _, soft = house.runs(outliner(house, encoding="fractional"), scan, profile=takes_both)
    _, refused = house.runs(outliner(house, encoding="fractional"), scan)

    types = [results["SEG"].SegmentationType for results in (plain, soft, refused)]
    assert types == ["BINARY", "FRACTIONAL", "BINARY"]
    inside = (40 + 1000) / 1100
    assert soft["SEG"].pixel_array.max() / soft["SEG"].MaximumFractionalValue == pytest.approx(inside, abs=0.01)


def test_maps_lie_beside_what_was_outlined(house: House) -> None:
    sure = {"label": "How sure", "quantity": graphs.concept("p", "Probability"), "unit": graphs.concept("1", "one")}
    model = outliner(house, maps=[sure | {"segment": "Box"}])
    takes_maps = Profile.model_validate({"Objects": ["SEG", "PM"]})
    lease, results = house.runs(model, house.takes("series", series.slices(Boxes())), profile=takes_maps)

    assert [receipt.kind for receipt in lease.received] == ["SEG", "PM"]
    values = np.frombuffer(results["PM"].FloatPixelData, np.float32)
    assert (values.min(), values.max()) == pytest.approx((100 / 1100, 1040 / 1100), abs=0.01)


def test_a_network_that_draws_an_image_gives_a_series_of_it(house: House) -> None:
    """One that answers what it was fed gives back what was there; a report would have nothing to say."""
    folder = house.models / "drawer"
    graphs.write_channels(folder / "model.onnx", [1.0], kind=3)
    window = {"kind": "window", "lowest": -1000, "highest": 100}
    stage = graphs.stage(kind="volume", depth=4, rows=8, columns=8, intensity=window)
    source = {"stage": "only", "output": "probability"}
    wanted = {"label": "Quiet", "derivation": graphs.concept("q", "Quiet"), "values": "as-input", "from": source}
    model = graphs.model(folder, [stage], {"images": [wanted]})
    datasets = series.slices(Boxes())
    takes_images = Profile.model_validate({"Objects": ["IMAGE", "SR", "SC"]})
    lease, results = house.runs(model, house.takes("series", datasets), profile=takes_images)

    assert [receipt.kind for receipt in lease.received] == ["IMAGE"] * len(datasets) + ["SC"]
    one = results["IMAGE"]
    [of] = [dataset for dataset in datasets if dataset.ImagePositionPatient == one.ImagePositionPatient]
    found, given = (each.pixel_array * float(each.RescaleSlope) + float(each.RescaleIntercept) for each in (one, of))
    np.testing.assert_allclose(found, given, atol=1)


def test_an_image_whose_faults_were_counted_comes_with_a_report_of_them(house: House) -> None:
    folder = house.models / "drawer"
    graphs.write_channels(folder / "model.onnx", [1.0], kind=3)
    stage = graphs.stage(kind="volume", depth=4, rows=8, columns=8)
    wanted = {
        "label": "Quiet", "derivation": graphs.concept("q", "Quiet"), "values": "as-answered",
        "from": {"stage": "only", "output": "probability"},
        "faults": {"lost": 12.4, "invented": 3.0, "data": "60 held-out phantoms"},
    }  # fmt: skip
    model = graphs.model(folder, [stage], {"images": [wanted]})
    takes_images = Profile.model_validate({"Objects": ["IMAGE", "SR"]})
    _, results = house.runs(model, house.takes("series", series.slices(Boxes())), profile=takes_images)

    caution = "of 1,000 planted lesions it lost 12, and in 1,000 slices it invented 3 (60 held-out phantoms)"
    assert any(caution in text for text in texts(results["SR"]))
    assert caution in results["IMAGE"].ImageComments
    assert numbers(results["SR"]) == {
        "Lesions lost of a thousand that were planted": 12.4,
        "Lesions invented in a thousand slices": 3.0,
    }


def test_a_classifier_of_slices_points_at_one(house: House) -> None:
    datasets = series.slices(Boxes())
    _, results = house.runs(classifier(house), house.takes("series", datasets))

    bright = {dataset.SOPInstanceUID for dataset in datasets[2:4]}
    assert results["SC"].SourceImageSequence[0].ReferencedSOPInstanceUID in bright


def test_body_composition_is_measured_where_a_network_finds_l3(house: House) -> None:
    """The card as it is shipped, around graphs that call all above 0 HU muscle and the fourth slice L3."""
    folder = house.models / SHIPPED.name
    folder.mkdir()
    shutil.copy(SHIPPED / "card.json", folder)
    positive = graphs.constant("zero", np.zeros((), np.float32))
    first = graphs.constant("first", np.array([1, 0, 0], np.float32).reshape(1, 3, 1, 1))
    tissue = [
        positive,
        first,
        helper.make_node("Greater", ["hu", "zero"], ["above"]),
        helper.make_node("Cast", ["above"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["mask", "first"], ["probability"]),
    ]
    graphs.write(folder / "model.onnx", tissue)
    means = [helper.make_node("ReduceMean", ["hu"], ["mean"], axes=[1, 2, 3], keepdims=0)]
    means += [
        graphs.constant("nothing", np.zeros((), np.float32)),
        helper.make_node("Mul", ["mean", "nothing"], ["none"]),
    ]
    for output, value in (("offset_mm", 0.0), ("sigma_mm", 5.0), ("strangeness", 0.5)):
        means += [
            graphs.constant(f"of_{output}", np.float32(value)),
            helper.make_node("Add", ["none", f"of_{output}"], [output]),
        ]
    graphs.write(folder / "level.onnx", means, outputs={"offset_mm": ["n"], "sigma_mm": ["n"], "strangeness": ["n"]})
    datasets = series.slices(Boxes())
    for dataset in datasets:
        dataset.PatientSize = 2.0
    _, results = house.runs(read(folder), house.takes("series", datasets))

    measured = numbers(results["SR"])
    assert measured["Mean Attenuation Coefficient"] == pytest.approx(40, abs=1)
    assert measured["Skeletal muscle index"] == pytest.approx(24 * 0.8 * 0.7 / 100 / 4, rel=0.2)
    assert "Visceral fat was not found." in texts(results["SR"])


def test_a_model_of_two_series_names_both(house: House) -> None:
    """Bright only where both are: the box of one is halved by the other."""
    roles = {"native": {}, "contrast": {}}
    model = outliner(house, roles=["native", "contrast"], inputs=roles)
    native = series.slices(Boxes())
    contrast = deepcopy(native)
    for dataset in contrast:
        dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.1"
        dataset.SeriesInstanceUID = f"{dataset.SeriesInstanceUID}.1"
    taken = [house.takes("native", native), house.takes("contrast", contrast)]
    _, results = house.runs(model, *taken)

    assert results["SEG"].pixel_array.sum() == 48
    declared = {
        instance.ReferencedSOPInstanceUID
        for study in results["SR"].CurrentRequestedProcedureEvidenceSequence
        for of_series in study.ReferencedSeriesSequence
        for instance in of_series.ReferencedSOPSequence
    }
    assert {dataset.SOPInstanceUID for dataset in (*native, *contrast)} < declared


def compared(house: House, **before: Any) -> Model:
    """Outlines what is bright now and was bright before."""
    inputs = {"now": {}, "before": {"from": "prior"} | before}
    return outliner(house, roles=["now", "before"], inputs=inputs)


def in_an_earlier_study(datasets: Sequence[Dataset], **changes: str) -> list[Dataset]:
    earlier = deepcopy(list(datasets))
    for dataset in earlier:
        dataset.StudyDate = "20200101"
        for level in ("Study", "Series", "SOP"):
            keyword = f"{level}InstanceUID"
            setattr(dataset, keyword, generate_uid(entropy_srcs=["earlier", str(dataset[keyword].value)]))
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
    return earlier


def test_a_prior_is_named_as_evidence_of_another_study(house: House) -> None:
    now = series.slices(Boxes())
    before = in_an_earlier_study(now)
    _, results = house.runs(compared(house), house.takes("now", now), house.takes("before", before))

    assert results["SEG"].pixel_array.sum() == 48
    assert {result.StudyInstanceUID for result in results.values()} == {now[0].StudyInstanceUID}
    [study] = results["SR"].PertinentOtherEvidenceSequence
    [of_series] = study.ReferencedSeriesSequence
    assert (study.StudyInstanceUID, of_series.SeriesInstanceUID) == (
        before[0].StudyInstanceUID,
        before[0].SeriesInstanceUID,
    )


def test_a_prior_in_another_space_is_laid_on_the_later_series_and_how_is_recorded(house: House, tmp_path: Path) -> None:
    now = series.slices(Head())
    before = in_an_earlier_study(now, FrameOfReferenceUID="1.2.3")
    _, results = house.runs(compared(house), house.takes("now", now), house.takes("before", before))

    bright = sum(int((Head().hounsfield(index) > -450).sum()) for index in range(len(now)))
    assert int(results["SEG"].pixel_array.sum()) == pytest.approx(bright, rel=0.1)
    texts = [element.value for element in results["SR"].iterall() if element.keyword == "TextValue"]
    assert any(text.startswith("The series of the role before lay in another frame of reference") for text in texts)
    recorded = results["REG"]
    own, other = recorded.RegistrationSequence
    assert (own.FrameOfReferenceUID, other.FrameOfReferenceUID) == (now[0].FrameOfReferenceUID, "1.2.3")
    [transform] = other.MatrixRegistrationSequence[0].MatrixSequence
    matrix = np.array(transform.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    np.testing.assert_allclose(matrix[:3, :3], np.eye(3), atol=0.02)
    [earlier] = recorded.StudiesContainingOtherReferencedInstancesSequence
    assert earlier.StudyInstanceUID == before[0].StudyInstanceUID
    recorded.save_as(tmp_path / "reg.dcm", enforce_file_format=True)
    assert judges.dciodvfy(tmp_path / "reg.dcm") == []


def test_a_destination_that_takes_no_registration_gets_none(house: House) -> None:
    now = series.slices(Head())
    before = in_an_earlier_study(now, FrameOfReferenceUID="1.2.3")
    taken = Profile(Objects=("SEG", "SR"))
    _, results = house.runs(compared(house), house.takes("now", now), house.takes("before", before), profile=taken)
    assert results.keys() == {"SEG", "SR"}


def test_a_prior_in_another_space_that_shows_something_else_is_refused(house: House) -> None:
    now = series.slices(Boxes())
    before = in_an_earlier_study(now, FrameOfReferenceUID="1.2.3")
    for number, dataset in enumerate(before):
        noise = np.random.default_rng(number).integers(0, 1000, (dataset.Rows, dataset.Columns))
        dataset.PixelData = noise.astype("<i2").tobytes()
    with pytest.raises(Unsuitable) as refusal:
        house.runs(compared(house), house.takes("now", now), house.takes("before", before))
    assert refusal.value.sentence == (
        "The series of the role before lies in another frame of reference than that of the role now, and what the two "
        "show could not be laid on one another. Send series that share one frame of reference, or that show the same "
        "part of the body."
    )


def test_without_the_prior_the_results_say_what_that_means(house: House) -> None:
    model = compared(house, required=False, meaning_of_missing="There was no earlier study; nothing was compared.")
    now = series.slices(Boxes())
    role = house.takes("now", now)
    alone, results = house.runs(model, role)
    both, _ = house.runs(model, role, house.takes("before", in_an_earlier_study(now)))

    assert "There was no earlier study; nothing was compared." in texts(results["SR"])
    assert "There was no earlier study; nothing was compared." in results["SC"].ImageComments
    assert {each.sop_instance_uid for each in alone.planned}.isdisjoint(e.sop_instance_uid for e in both.planned)


@dataclass(frozen=True)
class Larger(Boxes):
    """The same box on twice as many slices."""

    def hounsfield(self, index: int) -> NDArray[np.float64]:
        return super().hounsfield(2 if index in (2, 3, 4, 5) else 0)


@dataclass(frozen=True)
class Empty(Boxes):
    """Darkness alone."""

    def hounsfield(self, index: int) -> NDArray[np.float64]:
        return super().hounsfield(0)


NOTHING_BEFORE = "There was no earlier study; nothing was compared."


def measuring_change(house: House) -> Model:
    before = {"from": "prior", "compared_with": "now", "required": False, "meaning_of_missing": NOTHING_BEFORE}
    return outliner(house, roles=["now"], inputs={"now": {}, "before": before})


def changes(report: Dataset) -> dict[str, float]:
    """By how they are derived; of the rest of the report nothing."""
    found = {}
    for item in nums(report):
        how = [each for each in item.get("ContentSequence", []) if said_of(each) == "121401"]
        if how and how[0].ConceptCodeSequence[0].CodingSchemeDesignator == "99INODE":
            value = float(item.MeasuredValueSequence[0].NumericValue)
            found[str(how[0].ConceptCodeSequence[0].CodeValue)] = value
    return found


def test_the_model_does_on_an_earlier_study_what_it_does_on_this_one_and_says_what_changed(
    house: House, tmp_path: Path
) -> None:
    """The studies share no frame of reference and need none: each is measured on its own grid."""
    now, before = series.slices(Boxes()), in_an_earlier_study(series.slices(Larger()), FrameOfReferenceUID="1.2.3")
    _, results = house.runs(measuring_change(house), house.takes("now", now), house.takes("before", before))

    assert results["SEG"].pixel_array.sum() == 48
    one_cm3 = 48 * 0.8 * 0.7 * 5 / 1000
    assert changes(results["SR"]) == pytest.approx({"change": -one_cm3, "change-percent": -50})
    assert "Compared with the study of 2020-01-01." in texts(results["SR"])
    assert NOTHING_BEFORE not in texts(results["SR"])
    [study] = results["SR"].PertinentOtherEvidenceSequence
    assert study.StudyInstanceUID == before[0].StudyInstanceUID
    assert "REG" not in results
    results["SR"].save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    assert judges.dciodvfy(tmp_path / "sr.dcm") == []


def test_an_earlier_study_that_can_not_be_judged_keeps_nobody_from_the_results_of_today(house: House) -> None:
    now = series.slices(Boxes())
    before = in_an_earlier_study([*now[:3], *now[4:]])
    model, role = measuring_change(house), house.takes("now", now)
    alone, results = house.runs(model, role)
    assert NOTHING_BEFORE in texts(results["SR"])
    both, results = house.runs(model, role, house.takes("before", before))

    [said] = [text for text in texts(results["SR"]) if text.startswith("There is an earlier study")]
    assert said.startswith("There is an earlier study, which could not be compared: ")
    assert NOTHING_BEFORE not in texts(results["SR"])
    assert changes(results["SR"]) == {}
    assert {each.sop_instance_uid for each in alone.planned}.isdisjoint(e.sop_instance_uid for e in both.planned)


def test_what_is_said_of_the_earlier_study_is_told_as_that(house: House) -> None:
    before = in_an_earlier_study(series.slices(Empty()))
    roles = house.takes("now", series.slices(Boxes())), house.takes("before", before)
    _, results = house.runs(measuring_change(house), *roles)

    assert "On the earlier study: Box was not found." in texts(results["SR"])
    assert set(changes(results["SR"])) == {"change"}


def test_a_job_without_a_series_for_a_role_that_is_needed(house: House) -> None:
    with pytest.raises(Unsuitable) as refusal:
        house.runs(compared(house), house.takes("now", series.slices(Boxes())))
    assert refusal.value.sentence == "The job has no series for the role before, which the model outliner needs."


def test_what_routing_minded_is_told_in_the_results_which_are_others_then(house: House) -> None:
    said = "BodyPartExamined says head, PixelData says abdomen; BodyPartExamined counts."
    model, role = outliner(house), house.takes("series", series.slices(Boxes()))
    plain, _ = house.runs(model, role)
    minded, results = house.runs(model, role, remarks=(said,))
    again, _ = house.runs(model, role, remarks=(said,))

    assert said in texts(results["SR"])
    assert said in results["SC"].ImageComments
    assert minded.planned == again.planned
    assert {each.sop_instance_uid for each in plain.planned}.isdisjoint(e.sop_instance_uid for e in minded.planned)


def test_a_clinical_value_comes_from_the_order_before_the_header(house: House) -> None:
    wanted = HEIGHT | {"missing": "refuse", "meaning_of_missing": "Without it nothing can be said."}
    model = outliner(house, clinical_inputs=[wanted])
    scan = series.slices(Boxes())
    for dataset in scan:
        dataset.PatientSize = 1.8
    role = house.takes("series", scan)
    from_header, of_header = house.runs(model, role)
    given, of_order = house.runs(model, role, height_m=1.7)

    assert "height_m = 1.8" in texts(of_header["SR"])
    assert "height_m = 1.7" in texts(of_order["SR"])
    coded = [item for item in everything(of_order["SR"]) if item.ValueType == "NUM" and said_of(item) == "height"]
    assert [float(item.MeasuredValueSequence[0].NumericValue) for item in coded] == [1.7]
    assert {planned.sop_instance_uid for planned in from_header.planned}.isdisjoint(
        planned.sop_instance_uid for planned in given.planned
    )


def test_a_missing_clinical_value_is_refused_or_said(house: House) -> None:
    refusing = HEIGHT | {"missing": "refuse", "meaning_of_missing": "Without it nothing can be said."}
    role = house.takes("series", series.slices(Boxes()))
    with pytest.raises(Unsuitable) as refusal:
        house.runs(outliner(house, clinical_inputs=[refusing]), role)
    assert refusal.value.sentence == (
        "The model outliner needs Body height (height_m in m), which was not given and the header has no PatientSize: "
        "Without it nothing can be said."
    )
    saying = HEIGHT | {"missing": "leave-out", "meaning_of_missing": "No height is known; no index was made."}
    _, results = house.runs(outliner(house, clinical_inputs=[saying]), role)
    assert "No height is known; no index was made." in texts(results["SR"])


def test_in_the_shadow_all_is_planned_as_it_would_be_and_nothing_is_stored(house: House) -> None:
    model, role = outliner(house), house.takes("series", series.slices(Boxes()))
    shadow, nothing = house.runs(model, role, shadow=True)
    real, _ = house.runs(model, role)

    assert nothing == {}
    assert shadow.planned == real.planned and len(real.planned) == 3


def test_what_runs_elsewhere_than_asked_for_is_another_result_and_says_so(house: House) -> None:
    standing_in = Device("cuda,cpu")
    try:
        model, role = outliner(house), house.takes("series", series.slices(Boxes()))
        asked, _ = house.runs(model, role)
        fallen, results = replace(house, device=standing_in).runs(model, role)
    finally:
        standing_in.close()

    assert standing_in.fallback in texts(results["SR"])
    assert {each.sop_instance_uid for each in asked.planned}.isdisjoint(e.sop_instance_uid for e in fallen.planned)


@pytest.mark.parametrize("change", [lambda d: setattr(d, "PatientID", "OTHER")])
def test_a_source_that_changed_meanwhile_gets_nothing(change: Callable[[Dataset], None], house: House) -> None:
    model, datasets = outliner(house), series.slices(Boxes())
    role = house.takes("series", datasets)
    for dataset in datasets:
        change(dataset)
    house.takes("series", datasets)

    with pytest.raises(Unsuitable) as refusal:
        house.runs(model, role)
    assert refusal.value.sentence == (
        "The series was changed, anonymised or merged after this job was made, so nothing of it was stored; "
        "what it is now gets a job of its own."
    )
    assert refusal.value.series_uid == role.series_uid
