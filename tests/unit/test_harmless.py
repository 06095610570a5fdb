"""What a span may tell a collector."""

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status, StatusCode

from runtime.otel import ERROR, STATUS, harmless


def test_what_may_name_somebody_leaves_no_process() -> None:
    error = {
        "exception.type": "suppliers.SoldOut",
        "exception.message": "Ada has the last one",
        "exception.stacktrace": "raise SoldOut('Ada has the last one')",
    }
    sent = harmless(
        ReadableSpan(
            "RunActivity:book_car",
            attributes={"url.path": "/Ada", STATUS: 409, "temporalWorkflowID": "trip-1"},
            events=[Event("exception", error)],
            status=Status(StatusCode.ERROR, "SoldOut: Ada has the last one"),
        )
    )
    assert "Ada" not in sent.to_json()
    assert sent.name == "RunActivity:book_car"
    assert sent.attributes == {
        STATUS: 409,
        "temporalWorkflowID": "trip-1",
        ERROR: "suppliers.SoldOut",
    }
    assert sent.status.status_code is StatusCode.ERROR
