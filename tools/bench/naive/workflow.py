"""The naive service's saga."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from tools.bench.naive import activities
    from tools.bench.naive.shared import BookInput

TIMEOUT = timedelta(seconds=3)
STEPS = (
    (activities.book_car, activities.undo_book_car),
    (activities.book_hotel, activities.undo_book_hotel),
    (activities.book_flight, activities.undo_book_flight),
)


@workflow.defn
class NaiveWorkflow:
    """Book three things; undo those begun if one fails."""

    @workflow.run
    async def run(self, trip: BookInput) -> str:
        """Book the trip."""
        undos = []
        results = []
        try:
            for book, undo in STEPS:
                undos.append(undo)
                results.append(
                    await workflow.execute_activity(book, trip, start_to_close_timeout=TIMEOUT)
                )
        except ActivityError:
            for undo in reversed(undos):
                await workflow.execute_activity(undo, trip, start_to_close_timeout=TIMEOUT)
            return "Voyage cancelled"
        return " ".join(results)
