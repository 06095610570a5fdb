"""The plan of a run is all in its seed."""

from itertools import islice

from tools.chaos.plan import (
    IN_A_CLUSTER,
    IN_A_CLUSTER_PAUSES,
    Act,
    Errand,
    Fault,
    Victim,
    errand,
    faults,
)


def first_faults(seed: int) -> list[Fault]:
    return list(islice(faults(seed), 200))


def first_errands(seed: int) -> list[Errand]:
    return [errand(seed, number) for number in range(200)]


def test_the_same_seed_is_the_same_plan() -> None:
    assert first_faults(7) == first_faults(7) != first_faults(8)
    assert first_errands(7) == first_errands(7) != first_errands(8)


def test_everything_goes_wrong_in_a_long_run() -> None:
    plan = first_faults(7) + list(islice(faults(7, IN_A_CLUSTER), 200))
    assert {fault.act for fault in plan} == set(Act)
    assert {victim for fault in plan for victim in fault.victims} == set(Victim)


def test_a_run_in_a_cluster_has_60_kills_in_280_seconds() -> None:
    """Even if each fault waits a second for its victim."""
    elapsed, kills = 0.0, 0
    for fault in faults(7, IN_A_CLUSTER, IN_A_CLUSTER_PAUSES):
        elapsed += fault.pause + 1
        if elapsed > 280:
            break
        kills += len(fault.victims) * (fault.act is Act.KILL)
    assert kills >= 60


def test_clients_do_all_that_clients_do() -> None:
    errands = first_errands(7)
    assert any(one.key for one in errands)
    assert any(one.key is None for one in errands)
    assert any(one.key and one.hang_ups for one in errands)
    assert any(one.twice for one in errands)
    assert {one.cancel for one in errands} == {None, "soon", "later"}
    assert {one.body["attempts"] for one in errands} == {1, 2, 3, 4}
    asked = {one.body["car"].split()[0] for one in errands}
    assert asked == {"red", "green", "blue", "scarce", "invalid", "slow"}
