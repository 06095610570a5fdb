"""`python -m operations setup`: make what Temporal lacks, and check all that the service needs."""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
    PollWorkflowTaskQueueRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bookings import calls
from bookings.client import connect, connect_config
from bookings.errors import BookingError
from bookings.listing import Filter, list_bookings
from bookings.notices import mail_folder
from bookings.search_attributes import SEARCH_ATTRIBUTES, create_missing
from operations.audit.shops import CannotAuditError, open_shops
from operations.subcommands import Subcommands
from runtime.tokens import Tokens
from settings import Settings
from suppliers.mail import Mailer, NotSent

SECONDS = 30
"""How long one check may take."""

CLOCKS_APART = 2.0
"""Seconds: what is said to be due, or too old, is so by more than one clock."""


class NotReady(Exception):
    """Something is missing; the text says what to do."""


Check = Callable[[Settings, Client], Awaitable[str]]
"""It returns what it found, or raises `NotReady`."""


def add_to(commands: Subcommands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "setup",
        help="make what Temporal lacks, and check that all is ready",
        description="It makes the search attributes that Temporal lacks, and checks Temporal, the "
        "suppliers, the mail server, the tokens, the keys and the clocks, with the worker's "
        "environment. It books nothing, and is safe to repeat.",
    )
    parser.set_defaults(run=run)


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Make all checks; return the exit status."""
    return asyncio.run(check_all(settings))


async def check_all(settings: Settings) -> int:
    """Make all checks, print a line about each, and return the exit status: 0 if all is ready."""
    client = await connect(settings, lazy=True, retry=calls.RETRY)
    ready = 0
    for name, check in CHECKS.items():
        try:
            async with asyncio.timeout(SECONDS):
                found = await check(settings, client)
        except NotReady as problem:
            print(f"TO DO  {name}: {problem}")
        except (RuntimeError, RPCError):
            print(f"TO DO  {name}: Temporal does not answer.")
        except TimeoutError:
            print(f"TO DO  {name}: there was no answer within {SECONDS} seconds.")
        else:
            print(f"ok     {name}: {found}")
            ready += 1
    print(f"ready: {ready} of {len(CHECKS)}")
    return 0 if ready == len(CHECKS) else 1


async def temporal(settings: Settings, client: Client) -> str:
    """The server, and the namespace in it."""
    try:
        server = await client.workflow_service.get_system_info(GetSystemInfoRequest())
        asked = DescribeNamespaceRequest(namespace=client.namespace)
        await client.workflow_service.describe_namespace(asked)
    except (RuntimeError, RPCError) as error:
        if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
            raise NotReady(
                f"there is no namespace {client.namespace}. Create it, or set TEMPORAL_NAMESPACE."
            ) from error
        where = connect_config(settings)["target_host"]
        raise NotReady(
            f"{where} cannot be reached, or refuses us. Start it, or see docs/connect.md. ({error})"
        ) from error
    return f"server {server.server_version}, namespace {client.namespace}"


async def search_attributes(_: Settings, client: Client) -> str:
    """What bookings are found by; they are made where they are missing."""
    try:
        made = await create_missing(client, SEARCH_ATTRIBUTES)
    except RPCError as error:
        if error.status not in {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}:
            raise
        named = ", ".join(f"{name} ({kind})" for name, kind in SEARCH_ATTRIBUTES.items())
        raise NotReady(f"they cannot be made from here. Make {named} by hand.") from error
    return f"made {', '.join(made)}" if made else "all are there"


async def suppliers(settings: Settings, _: Client) -> str:
    """The three suppliers, each asked about a key that nobody has."""
    problems = []
    for shop in open_shops(settings):
        try:
            await shop.read([f"setup-{uuid4()}:{shop.leg}"])
        except CannotAuditError as error:
            problems.append(" ".join(str(error).split()))
    if problems:
        raise NotReady(" ".join(problems))
    return "all three answer"


async def mail(settings: Settings, _: Client) -> str:
    """The mail server, to the end of the login."""
    try:
        mailer = Mailer(settings.smtp_url, settings.mail_from, folder=mail_folder(settings))
        await asyncio.to_thread(mailer.check)
    except (ValueError, NotSent, OSError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NotReady(f"{why.rstrip('.')}. Set SMTP_URL, or start the mail server.") from error
    if mailer.folder:
        return f"written to {mailer.folder}, as SMTP_URL is not set"
    return f"{mailer.url.hostname} takes it"


async def tokens(settings: Settings, _: Client) -> str:
    """Whose tokens are valid."""
    try:
        clients, staff = (Tokens(settings, it).clients for it in ("api_tokens", "staff_tokens"))
    except ValueError as error:
        raise NotReady(str(error)) from error
    if not (clients or staff):
        return "none, so everybody on the web process's machine may do everything"
    return f"{clients} clients, {staff} of staff"


async def keys(settings: Settings, client: Client) -> str:
    """The keys of encryption: whether the latest bookings can be read."""
    try:
        async with calls.temporal():  # no filter: the server learns of new search attributes late
            await list_bookings(client, Filter(), None, searchable=False)
    except BookingError as error:
        raise NotReady(str(error)) from error
    on = bool(settings.secrets("encryption_keys"))
    return f"encryption is {'on' if on else 'off'}, and the latest bookings can be read"


async def clocks(_: Settings, client: Client) -> str:
    """This machine's clock beside Temporal's, which notes when somebody polls a task queue."""
    queue = TaskQueue(name=f"setup-{uuid4()}")
    poll = PollWorkflowTaskQueueRequest(
        namespace=client.namespace, task_queue=queue, identity="operations setup"
    )
    asked = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=queue,
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    here = time.time()
    polling = asyncio.create_task(
        client.workflow_service.poll_workflow_task_queue(poll, timeout=timedelta(seconds=SECONDS))
    )
    try:
        while True:
            described = await client.workflow_service.describe_task_queue(asked)
            if described.pollers:
                break
            await asyncio.sleep(0.1)
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
    apart = described.pollers[0].last_access_time.ToMicroseconds() / 1_000_000 - here
    if abs(apart) > CLOCKS_APART:
        raise NotReady(f"Temporal's is {apart:+.1f} s from this machine's. Set both by NTP.")
    return f"Temporal's is less than {CLOCKS_APART:.0f} s from this machine's"


CHECKS: dict[str, Check] = {
    "Temporal": temporal,
    "search attributes": search_attributes,
    "suppliers": suppliers,
    "mail": mail,
    "tokens": tokens,
    "keys": keys,
    "clocks": clocks,
}
