"""A few rounds of the harness, and that its books notice what they are there for."""

from collections.abc import Iterator

import pytest

from tests.e2e.node import MUSCLE, Node
from tests.faults import books
from tests.faults.plan import FAULTS, PHASES, plan
from tests.faults.rounds import Harness

ROUNDS = (3, 5)


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    folder = tmp_path_factory.mktemp("faults")
    with Node(folder / "state", models=MUSCLE) as node:
        yield Harness(node, folder)


def test_a_seed_always_plans_the_same() -> None:
    assert [plan(seed) for seed in range(50)] == [plan(seed) for seed in range(50)]


def test_fifty_seeds_reach_every_phase_with_every_fault() -> None:
    plans = [plan(seed) for seed in range(1, 51)]

    assert {(p.fault, p.phase) for p in plans} == {(f, p) for f in ("worker", "orthanc", "both") for p in PHASES}
    assert all(1 <= p.after_instances < p.slices for p in plans)
    assert {p.fault for p in (plan(seed, tuple(FAULTS)) for seed in range(50))} == set(FAULTS)


@pytest.mark.e2e
@pytest.mark.parametrize("seed", ROUNDS)
def test_the_books_balance_after_a_kill(harness: Harness, seed: int) -> None:
    assert harness.round(plan(seed)).problems == ()


@pytest.mark.e2e
def test_the_books_notice_what_is_missing(harness: Harness) -> None:
    node, sent = harness.node, harness.sent[0]
    assert harness.audit() == ()

    node.delete(f"/instances/{node.orthanc_id(next(iter(sent.datasets())))}")

    assert books.of_series(node, sent)[0] == (
        f"series {sent.series_uid} misses 1 of {len(sent.files)} instances in the archive"
    )
    assert books.of_node(node, harness.sent[1:])[0] == f"study {sent.study_uid} was never sent"
