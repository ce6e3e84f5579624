from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orthanc_plugin.encode import identity
from orthanc_plugin.encode.identity import Identity, Origin, derived_uid, device_uid
from orthanc_plugin.imaging.volume import Volume
from tests.encode.making import enhanced_volume, origin, volume

VOLUME = volume()


def all_uids(of: Identity) -> list[str]:
    return [
        *(of.series_uid(kind) for kind in ("SEG", "SR", "SC")),
        *(of.instance_uid(kind) for kind in ("SEG", "SR", "SC")),
        *(of.tracking_uid(label) for label in ("muscle", "fat")),
        of.dimension_organization_uid("SEG"),
    ]


def test_the_same_making_gives_the_same_uids() -> None:
    assert all_uids(Identity.of(VOLUME, origin())) == all_uids(Identity.of(volume(), origin()))


def test_no_two_uids_are_alike_and_all_are_valid() -> None:
    uids = all_uids(Identity.of(VOLUME, origin()))

    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)


def test_the_uids_are_these_for_good() -> None:
    assert derived_uid("a", "b") == "2.25.70889510646817954056597468418854539590"


@pytest.mark.parametrize(
    "other",
    [
        replace(origin(), digest="00" * 32),
        replace(origin(), parameters=(("threshold", 0.4),)),
        replace(origin(), provider="cuda"),
        replace(origin(), encoding='{"Objects":["SR"]}'),
        replace(origin(), beside=("ab" * 32,)),
        replace(origin(), predecessors=("2.25.1",)),
    ],
    ids=["model", "parameters", "provider", "encoding", "images beside", "predecessors"],
)
def test_another_making_gives_other_uids(other: Origin) -> None:
    assert not set(all_uids(Identity.of(VOLUME, other))) & set(all_uids(Identity.of(VOLUME, origin())))


@pytest.mark.parametrize(
    "other",
    [
        replace(VOLUME, pixel_digests=("changed", *VOLUME.pixel_digests[1:])),
        replace(VOLUME, pixel_digests=VOLUME.pixel_digests[::-1]),
        replace(VOLUME, sources=VOLUME.sources[:-1]),
        enhanced_volume(),
    ],
    ids=["other pixels", "pixels that changed places", "a slice less", "other instances"],
)
def test_other_sources_give_other_uids(other: Volume) -> None:
    assert not set(all_uids(Identity.of(other, origin()))) & set(all_uids(Identity.of(VOLUME, origin())))


def test_another_version_of_the_result_schema_gives_other_uids(monkeypatch: pytest.MonkeyPatch) -> None:
    before = all_uids(Identity.of(VOLUME, origin()))
    monkeypatch.setattr(identity, "RESULT_SCHEMA", identity.RESULT_SCHEMA + 1)

    assert not set(all_uids(Identity.of(VOLUME, origin()))) & set(before)


def test_when_it_was_computed_and_by_which_release_changes_no_uid() -> None:
    later = replace(origin(), created_at=datetime(2027, 1, 1, tzinfo=UTC), software_version="9.9")

    assert Identity.of(VOLUME, later) == Identity.of(VOLUME, origin())


def test_the_order_of_parameters_does_not_matter() -> None:
    one, two = ("a", 1), ("b", "x")

    assert Identity.of(VOLUME, replace(origin(), parameters=(one, two))) == Identity.of(
        VOLUME, replace(origin(), parameters=(two, one))
    )


def test_the_device_changes_with_the_model_alone() -> None:
    assert device_uid(origin()) == device_uid(replace(origin(), provider="cuda"))
    assert device_uid(origin()) != device_uid(replace(origin(), digest="00" * 32))
