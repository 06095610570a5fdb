"""Two pages of Temporal's documentation, rewritten for tests: their shape, in our words.

Sources, in temporalio/documentation, as stored in November 2026:
`SagaPage`: docs/design-patterns/saga-pattern.mdx at 0217b71, the Python tab;
`ErrorPage`: docs/develop/python/best-practices/error-handling.mdx at 1c972c8, "Implement rollback
logic with the Saga pattern", with the idempotency key of its "Use idempotency keys".
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ActivityError

# The pages import or define all that they use, but for `ApplicationError`, which ErrorPage needs.
from temporalio.exceptions import ApplicationError as Failure

LEGS = ["car", "hotel", "flight"]
TEN_SECONDS = timedelta(seconds=10)


class Partners:
    """What the steps call: it keeps what is held, and goes wrong as a test plans it."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        self.slow = self.refused = self.stubborn = self.lost = ""

    @activity.defn
    async def book(self, leg: str) -> None:
        if leg == self.slow:
            self.reached.set()
            await self.go.wait()
        if leg == self.refused:
            raise Failure("It is sold out.", non_retryable=True)
        self.held.append(leg)

    @activity.defn
    async def undo(self, leg: str) -> None:
        if leg == self.stubborn:
            raise Failure("It cannot be cancelled by telephone.", non_retryable=True)
        if leg in self.held:
            self.held.remove(leg)

    @activity.defn
    async def charge(self, order: str) -> str:
        info = activity.info()
        key = f"payment-{info.workflow_run_id}-{info.activity_id}"
        if key not in self.held:
            self.held.append(key)
        return key

    @activity.defn
    async def refund(self, order: str) -> None:
        self.held = [it for it in self.held if not it.startswith("payment-")]

    @activity.defn
    async def ship(self, order: str) -> str:
        self.held.append(f"shipment-{order}")
        if self.lost == "shipment":
            raise Failure("The answer was lost.", non_retryable=True)
        return f"shipment-{order}"

    @activity.defn
    async def cancel_shipment(self, shipment: str) -> None:
        if shipment in self.held:
            self.held.remove(shipment)


@workflow.defn
class SagaPage:
    @workflow.run
    async def run(self, order: str) -> None:
        undos = []
        try:
            for leg in LEGS:
                undos.append(leg)
                await workflow.execute_activity_method(
                    Partners.book, leg, start_to_close_timeout=TEN_SECONDS
                )
        except Exception:
            for leg in reversed(undos):
                await workflow.execute_activity_method(
                    Partners.undo, leg, start_to_close_timeout=TEN_SECONDS
                )
            raise


@workflow.defn
class ErrorPage:
    @workflow.run
    async def run(self, order: str) -> None:
        undos: list[tuple[Callable[..., Awaitable[None]], str]] = []
        try:
            undos.append((Partners.refund, order))
            payment = await workflow.execute_activity_method(
                Partners.charge, order, start_to_close_timeout=TEN_SECONDS
            )
            undos.append((Partners.cancel_shipment, payment))
            await workflow.execute_activity_method(
                Partners.ship, order, start_to_close_timeout=TEN_SECONDS
            )
        except ActivityError as error:
            for undo, of in reversed(undos):
                try:
                    await workflow.execute_activity_method(
                        undo, of, start_to_close_timeout=TEN_SECONDS
                    )
                except ActivityError:
                    workflow.logger.error("An undo failed.")
            message = f"It failed: {error.cause}"
            raise ApplicationError(message) from error  # type: ignore[name-defined]  # noqa: F821
