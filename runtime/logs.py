"""What a process logs: one line an event, in words or as JSON, and nobody's name in any of them."""

import io
import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from temporalio import activity, workflow

from runtime import tracing
from runtime.output import NeverBlocks

FIELDS = ("booking_id", "leg", "attempt", "request_id", "trace_id")
"""What a JSON line has besides, where it is known; a caller may give one as `extra`."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def log_to_stderr(log_format: str) -> None:
    """Log to stderr as `text` or `json`, and let nothing else that Python writes there block."""
    sys.stderr = io.TextIOWrapper(
        NeverBlocks(sys.stderr.fileno()), sys.stderr.encoding, sys.stderr.errors, write_through=True
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler(sys.stderr, log_format)])


def handler(stream: TextIO, log_format: str) -> logging.Handler:
    """What writes the lines, and has the SDK leave to it where they come from."""
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    writer = logging.StreamHandler(stream)
    writer.addFilter(add_context)
    writer.setFormatter(Json() if log_format == "json" else Words())
    return writer


def add_context(record: logging.LogRecord) -> bool:
    """A filter for handlers: it adds which booking and attempt a line is about."""
    known: dict[str, Any] = {"trace_id": tracing.trace_id()}
    if activity.in_activity():
        info = activity.info()
        known |= {"booking_id": booking_of(info.workflow_id or ""), "attempt": info.attempt}
    elif workflow.in_workflow():
        known["booking_id"] = booking_of(workflow.info().workflow_id)
    record.__dict__.update(known | record.__dict__)
    return True


def booking_of(workflow_id: str) -> str:
    """The booking that a workflow is about: what follows it has its id and, after a slash, more."""
    return workflow_id.partition("/")[0]


def gist(error: BaseException) -> str:
    """An error's type, and the first line of its text: others may quote a traveller's data."""
    first, *_ = [*str(error).splitlines(), ""]
    return f"{type(error).__name__}: {first}".removesuffix(": ")


class Lines(logging.Formatter):
    """Writes tracebacks without the errors' texts, which may quote a traveller."""

    def formatException(self, ei: ExcInfo) -> str:
        """The places and the types, of the cause first."""
        parts, error = list[str](), ei[1]
        while error:
            parts.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\nwhich led to:\n".join(reversed(parts))


class Words(Lines):
    """For people: `trip-1a2b…: hotel booked (attempt 2)`."""

    def format(self, record: logging.LogRecord) -> str:
        """The time, the level unless it is INFO, the booking, and what happened."""
        known = record.__dict__
        words = " ".join(record.getMessage().split())
        if booking_id := known.get("booking_id"):
            words = f"{booking_id}: {words}"
        if known.get("attempt", 1) > 1:
            words += f" (attempt {known['attempt']})"
        if request_id := known.get("request_id"):
            words += f" (request {request_id})"
        if record.levelno != logging.INFO:
            words = f"{record.levelname} {words}"
        if record.exc_info:
            words += "\n" + self.formatException(record.exc_info)
        return f"{self.formatTime(record, '%Y-%m-%d %H:%M:%S')} {words}"


class Json(Lines):
    """For programs: an object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The time, the level, the logger, the message, and those of `FIELDS` that are known."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: it for name in FIELDS if (it := record.__dict__.get(name))}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)
