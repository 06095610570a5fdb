"""The codec server, as staff use it: in Temporal's Web UI."""

import re
import subprocess
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from local.binary import find_or_get_binary
from local.run_temporal import server_command
from tools.helpers.processes import Environment, wait_until
from tools.helpers.service import Service
from tools.helpers.temporal_server import free_port, is_up

KEYS = {
    "ENCRYPTION_KEYS": f"first:{b64encode(b'k' * 32).decode()}",
    "SEARCH_KEY": "search-search-search-search-search",
}


@pytest.mark.long
def test_temporal_s_web_ui_shows_clear_text_by_the_codec(browser: Browser, tmp_path: Path) -> None:
    binary, codec_port = find_or_get_binary(), free_port()
    environment = Environment(tmp_path / "data", **KEYS)
    port, ui_port = int(environment["TEMPORAL_PORT"]), int(environment["TEMPORAL_UI_PORT"])
    ui = environment["TEMPORAL_UI_URL"] = f"http://127.0.0.1:{ui_port}"
    command = server_command(binary, port=port, ui_port=ui_port)
    command.append(f"--ui-codec-endpoint=http://127.0.0.1:{codec_port}")
    with ExitStack() as stack:
        server = stack.enter_context(subprocess.Popen(command))
        stack.callback(server.terminate)
        wait_until(lambda: is_up(server, binary, port), 60)
        site = Service(stack, tmp_path, environment)
        site.start_worker()
        site.start_web()
        answer = site.book(name="Ada Quintessenz", hotel="an invalid hotel")
        history = f"{ui}/namespaces/default/workflows/{answer.json()['booking_id']}"

        page = stack.enter_context(browser.new_context()).new_page()
        page.goto(history)
        expect(page.get_by_text("BookWorkflow").first).to_be_visible(timeout=30_000)
        hidden = page.get_by_text(re.compile("binary/encrypted|YmluYXJ5L2VuY3J5cHRlZA"))
        expect(hidden.first).to_be_visible(timeout=30_000)
        assert "Quintessenz" not in page.content()

        codec = site.start("-m", "operations", "codec", "--host=127.0.0.1", f"--port={codec_port}")
        codec.wait_for("The codec for")
        page.goto(history)
        expect(page.get_by_text("Quintessenz").first).to_be_visible(timeout=30_000)
