"""The naive service's web process: `python -m tools.bench.naive.web TEMPORAL_PORT PORT`."""

import sys
import uuid
from typing import Any

from flask import Flask, request
from temporalio.client import Client

from tools.bench.naive.shared import TASK_QUEUE, BookInput
from tools.bench.naive.workflow import NaiveWorkflow

app = Flask(__name__)


@app.post("/book")
async def book() -> dict[str, Any]:
    """Book a trip, and wait for it."""
    asked = request.get_json()
    user = f"{asked['name'].replace(' ', '-').lower()}-{str(uuid.uuid4().int)[:6]}"
    print(f"Booking a trip for {user}")
    client = await Client.connect(f"localhost:{sys.argv[1]}")
    booking_id = f"trip-{uuid.uuid4().hex}"
    result = await client.execute_workflow(
        NaiveWorkflow.run,
        BookInput(user, asked["car"], asked["hotel"], asked["flight"]),
        id=booking_id,
        task_queue=TASK_QUEUE,
    )
    return {
        "user_id": user,
        "booking_id": booking_id,
        "result": result,
        "cancelled": result == "Voyage cancelled",
    }


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[2]))
