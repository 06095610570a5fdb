"""The order's failure matrix, played by the test kit: none before the pivot, all after it."""

import pytest

from examples.orders.model import OrderOutcome, Status
from examples.orders.workflows import OrderWorkflow
from saga import Settlement
from tests.orders.shop import Handle, Shop, memo
from tools.saga_kit import Cancel, Case, Fault, Kit, Result, Role, Step, every_case

pytestmark = pytest.mark.long

STEADY = {"heartbeat": 20.0, "patience": 60.0}
HASTY = {"heartbeat": 5.0, "attempt": 5.0, "deadline": 5.0}
UNDOS = ("undo:payment", "undo:stock")
RECOVERED = {Fault.NONE, Fault.DOWN_FOR_A_WHILE, Fault.ANSWER_LOST}


def kit_for(shop: Shop) -> Kit:
    """The kit with all that it has to know of an order."""

    async def start(order_id: str, case: Case) -> Handle:
        times = STEADY | (HASTY if case.waits_for_its_deadline else {})
        times |= {"patience": 0.5} if case.needs_an_operator else {}
        return await shop.place(times, order_id=order_id)

    def held(order_id: str) -> list[str]:
        books = {"stock": shop.stock.events(order_id), "payment": shop.payments.events(order_id)}
        return [
            f"{name}: {event}"
            for name, events in books.items()
            if "given back" not in events
            for event in events
        ]

    def said_shipped(outcome: OrderOutcome) -> bool:
        return outcome.status is Status.SHIPPED

    async def settle(handle: Handle, case: Case) -> bool:
        outcome = await memo(handle)
        if outcome is None or outcome.status is not Status.NEEDS_ATTENTION:
            return False
        step = case.step.name.partition(":")[2]
        await handle.execute_update(OrderWorkflow.settle, Settlement(step, "Ann", "phoned them"))
        return True

    return Kit(start, shop.open, held, said_shipped, pivot="pivot:confirmation", operator=settle)


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "replayed"])
async def test_none_before_the_pivot_and_all_after_it(
    shop: Shop, cached: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    kit = kit_for(shop)
    steps = await kit.learn()
    assert steps == [
        Step("do:stock", "undo:stock", UNDOS[1:]),
        Step("do:payment", "undo:payment", UNDOS),
        Step("pivot:confirmation", None, UNDOS, Role.PIVOT),
        Step("after:shipment", None, (), Role.AFTER),
    ]
    report = await kit.play(every_case(steps, cached=cached))
    report.check()
    wrong = [line for result in report.results for line in await not_as_it_must_end(shop, result)]
    assert wrong == []
    assert report.cases == 119
    with capsys.disabled():
        print(f" {len(report.results)} cases", end="")


def is_shipped(case: Case) -> bool:
    """Whether the order is to be shipped: from its pivot on, whatever happens."""
    match case.step.role:
        case Role.AFTER:
            return True
        case Role.PIVOT:
            return case.fault is not Fault.REFUSED and case.cancel is not Cancel.BEFORE
    return case.fault in RECOVERED and case.cancel is Cancel.NEVER


async def not_as_it_must_end(shop: Shop, result: Result) -> list[str]:
    case = result.case
    shipped, asked = is_shipped(case), case.cancel is not Cancel.NEVER
    outcome = await memo(shop.client.get_workflow_handle(result.workflow_id))
    assert outcome
    found = {
        "status": (outcome.status, Status.SHIPPED if shipped else Status.CANCELLED),
        "too late": (outcome.too_late, shipped and asked),
        "closed as": (result.closed_as, "canceled" if asked and not shipped else "completed"),
        "reason": (bool(outcome.reason), not shipped),
        "order of undo": (list(result.undone), [it for it in UNDOS if it in result.undone]),
    }
    return [
        f"{case}: {what} is {is_}, not {to_be}\n{result.story}"
        for what, (is_, to_be) in found.items()
        if is_ != to_be
    ]
