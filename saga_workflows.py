"""The trip on the saga: three legs are booked in sequence, and undone in reverse if one fails."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as ActivityTimeout

from activities import Activities
from bookings.first_tries import FirstTries
from bookings.follow_ups import NotifyWorkflow, SettleWorkflow, alert_staff, leave_behind
from saga import (
    FAILED,
    Options,
    Outcome,
    Settleable,
    State,
    Step,
    close_as_canceled_if_asked,
    raise_if_cancelled,
    uncancellable,
)
from shared import (
    BOOKING_STATUS,
    CANCEL_SUFFIX,
    CANCEL_WORKFLOW,
    NOTIFY_SUFFIX,
    OUTCOME_MEMO,
    AlertKind,
    BookingOutcome,
    BookVacationInput,
    Code,
    Leg,
    LegOutcome,
    LegState,
    Notice,
    SettledLeg,
    Status,
    StepDone,
    code_of,
)

SETTLED = "Our staff made sure that nothing is booked."
"""The reason of a leg that an operator settled."""

ACTIVITIES = {
    Leg.CAR: (Activities.book_car, Activities.undo_book_car),
    Leg.HOTEL: (Activities.book_hotel, Activities.undo_book_hotel),
    Leg.FLIGHT: (Activities.book_flight, Activities.undo_book_flight),
}


@workflow.defn
class BookWorkflow(Settleable):
    """Book a car, a hotel and a flight: the traveller gets all three, or none."""

    @workflow.init
    def __init__(self, trip: BookVacationInput) -> None:
        self.trip = Trip(trip)
        self.saga = self.trip.saga

    @workflow.run
    async def run(self, trip: BookVacationInput) -> BookingOutcome:
        """Book the trip, or undo it in full."""
        try:
            if trip.adopted:
                self.saga.owe([self.trip.step(leg) for leg in Leg])
                return await self.trip.end(Status.BOOKED)
            for leg in Leg:
                await self.saga.do(self.trip.step(leg))
            return await self.trip.end(Status.BOOKED)
        except FAILED:
            if self.trip.may_hold_more:
                self.trip.owe_the_rest()
            await self.saga.undo_all()
            outcome = await self.trip.end(Status.CANCELLED)
            close_as_canceled_if_asked()
            return outcome


@workflow.defn
class CancelWorkflow(Settleable):
    """Cancel a booked trip: undo its three legs, with the same promises."""

    @workflow.init
    def __init__(self, trip: BookVacationInput) -> None:
        self.trip = Trip(trip)
        self.saga = self.trip.saga

    @workflow.run
    async def run(self, trip: BookVacationInput) -> BookingOutcome:
        """Undo the trip in full; a cancellation of the cancellation changes nothing."""
        self.saga.owe([self.trip.step(leg) for leg in Leg])
        await self.saga.undo_all()
        return await self.trip.end(Status.CANCELLED)


class Trip:
    """One trip with its saga: what is asked of each leg, and what readers find of it."""

    def __init__(self, trip: BookVacationInput) -> None:
        self.booking_id = workflow.info().workflow_id.removesuffix(CANCEL_SUFFIX)
        self.input = trip
        self.saga = FirstTries(self._changed, self._settled, trip.pace.first_try)
        self.alerting: asyncio.Task[None] | None = None

    def step(self, leg: Leg) -> Step:
        """The step that books a leg, and the one that undoes it."""
        book, undo = ACTIVITIES[leg]
        order = self.input.order(self.booking_id, leg)
        summary = f"{leg} {order.item} for {self.input.book_user_id}"
        return Step(leg, book, undo, order, options(self.input, leg), summary)

    @property
    def may_hold_more(self) -> bool:
        """Whether legs may be held that this run did not come to.

        First tries that were lost with their task may have booked them. Or its key is that of an
        older trip, which Temporal has forgotten and the suppliers hold: none refuses that.
        """
        refused = any(it.state is State.REFUSED for it in self.saga.outcomes.values())
        return self.input.pace.first_try > 0 or (self.input.keyed and not refused)

    def owe_the_rest(self) -> None:
        """Undo also the legs that it did not come to."""
        begun = {step.name for step in self.saga.owed}
        self.saga.owed += [self.step(leg) for leg in Leg if leg not in begun]

    async def end(self, status: Status) -> BookingOutcome:
        """Have the traveller notified, and publish the outcome.

        Raises:
            CancelledError: The trip was to end as booked, and a cancellation came before that.
        """
        await uncancellable(self._notify(status))
        if status is Status.BOOKED:
            raise_if_cancelled()
        self._count(status)
        outcome = self._publish(status)
        workflow.logger.info("%s", because(status, outcome.code))
        return outcome

    def _count(self, status: Status) -> None:
        """Count the outcome, with the time since the start; the SDK does not when it replays."""
        later = workflow.info().workflow_type == CANCEL_WORKFLOW
        labels = {"status": "cancelled_later" if later else status.value}
        meter = workflow.metric_meter()
        meter.create_counter("trip_bookings", "Bookings that reached an outcome").add(1, labels)
        meter.create_histogram_timedelta(
            "trip_booking_duration",
            "From the start of a booking, or a cancellation, to its outcome",
        ).record(workflow.now() - workflow.info().start_time, labels)

    def _changed(self) -> None:
        status = Status(self.saga.status)
        outcome = self._publish(status)
        if status is Status.NEEDS_ATTENTION:
            workflow.logger.warning(
                "needs attention: undoing %s", " and ".join(self.saga.unresolved)
            )
        else:
            workflow.logger.info("%s", because(status, outcome.code))
        # Bookings that began before staff were alerted have no alert in their histories.
        if status is Status.NEEDS_ATTENTION and workflow.patched("alert-staff"):
            legs = " and ".join(f"the {leg}" for leg in self.saga.unresolved)
            text = f"Undoing {legs} is taking longer than it should. It is still being tried."
            self.alerting = self.alerting or asyncio.create_task(
                alert_staff(AlertKind.NEEDS_ATTENTION, self.booking_id, text, self.input.pace)
            )

    def _publish(self, status: Status) -> BookingOutcome:
        """Write the trip as it is now where readers find it without a worker's help."""
        outcome = self._outcome(status)
        if status is not Status.BOOKED:  # a booked trip's outcome is its workflow's result
            workflow.upsert_memo({OUTCOME_MEMO: outcome})
        if workflow.info().typed_search_attributes.get(BOOKING_STATUS):  # not every server has it
            workflow.upsert_search_attributes([BOOKING_STATUS.value_set(status)])
        return outcome

    def _outcome(self, status: Status) -> BookingOutcome:
        legs = [self._leg(leg, self.saga.outcomes.get(leg, Outcome())) for leg in Leg]
        return BookingOutcome(status=status, legs=legs, code=self._code(), reason=self.saga.reason)

    def _leg(self, leg: Leg, outcome: Outcome) -> LegOutcome:
        if self._was_lost(outcome):
            first = StepDone(attempt=1)
            outcome = Outcome(State.UNDONE, self.saga.reason, first)
        return LegOutcome(
            leg=leg,
            item=self.input.item(leg),
            state=LegState.BOOKED if outcome.state is State.DONE else LegState(outcome.state),
            attempts=attempts(outcome),
            code=self._code_of(outcome),
            # The operator's name and note are for the supplier's ledger.
            reason=SETTLED if outcome.state is State.SETTLED else outcome.reason,
        )

    def _was_lost(self, outcome: Outcome) -> bool:
        """Whether a first try was lost with its task, and only the undo found what it booked."""
        untouched = self.input.pace.first_try > 0 and outcome.state is State.NOT_ATTEMPTED
        return untouched and bool(outcome.undone and outcome.undone.held)

    def _code(self) -> Code | None:
        """Why the trip is not booked: because of its first leg that failed, or by request."""
        errors = [outcome.error for outcome in self.saga.outcomes.values() if outcome.error]
        if errors:
            return code_of(failures(errors[0]))
        return Code.CANCELLED if self.saga.reason else None

    def _code_of(self, outcome: Outcome) -> Code | None:
        match outcome.state:
            case State.SETTLED:
                return Code.SETTLED
            case State.UNDONE:
                return self._code()
        return code_of(failures(outcome.error)) if outcome.error else None

    async def _notify(self, status: Status) -> None:
        if self.input.email:
            name = self.input.name or self.input.book_user_id
            notice = Notice(
                booking_id=self.booking_id,
                name=name,
                email=self.input.email,
                outcome=self._outcome(status),
                pace=self.input.pace,
            )
            await leave_behind(
                NotifyWorkflow.run,
                notice,
                NOTIFY_SUFFIX.format(status),
                f"Notify {name}: {status}",
            )

    async def _settled(self, step: Step) -> None:
        """Have the supplier release the key for good, and keep a record of who settled it."""
        by = self.saga.settlements[step.name].by
        workflow.logger.info("%s settled by %s", step.name, by, extra={"leg": step.name})
        note = self.saga.outcomes[step.name].reason or ""
        settled = SettledLeg(
            order=step.order, note=note, pace=self.input.pace, queue=step.options.task_queue
        )
        await leave_behind(SettleWorkflow.run, settled, f"/settle-{step.name}", note)


def options(trip: BookVacationInput, leg: Leg) -> Options:
    """How a leg is tried, and by the workers of which task queue."""
    pace = trip.pace
    return Options(
        deadline=pace.leg_deadline,
        attempt=pace.attempt_timeout,
        heartbeat=pace.heartbeat_timeout,
        patience=pace.undo_patience,
        first_retry=pace.first_retry,
        longest_retry=pace.longest_retry,
        longest_undo_retry=pace.longest_undo_retry,
        task_queue=trip.queues.get(leg),
    )


def because(status: Status, code: Code | None) -> str:
    """What the log says of a booking: its status, and why."""
    return f"{status}: {code}" if code else status


def failures(error: ActivityError) -> list[str]:
    """The types of an activity's last failure and of its causes."""
    found, cause = [], error.__cause__
    while cause:
        if isinstance(cause, ApplicationError):
            found.append(cause.type or "")
        cause = cause.__cause__
    return found


def attempts(outcome: Outcome) -> int:
    """How many attempts at a leg are known of.

    Each leaves its number behind: in its result, in its failure, or in its heartbeats.
    """
    if outcome.error is None:
        return outcome.result.attempt if outcome.result else 0
    numbers, cause = [0], outcome.error.cause
    if isinstance(cause, ActivityTimeout):  # it carries the failure of an earlier attempt, if any
        numbers += cause.last_heartbeat_details
        cause = cause.cause
    if isinstance(cause, ApplicationError):
        numbers += cause.details
    return max(numbers)
