"""The two faces: a demonstration with rehearsals, and a service without a trace of them."""

import re
from collections.abc import Iterator

import pytest

from tools.helpers.service import GOOD, Service, service

PAGES = ["/", "/bookings?traveller=nobody", "/docs", "/openapi.json", "/nothing"]
HTML = {"Accept": "text/html"}
REHEARSED = r"John Doe|(valid|slow|stuck|sold-out)-\w+-id|[Rr]eady-made|[Dd]emo|\bkill\b|break it"


@pytest.fixture(scope="module")
def earnest(temporal_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process with rehearsals off."""
    folder = tmp_path_factory.mktemp("earnest")
    with service(folder, temporal_port, DEMO_FAULTS="false") as site:
        site.start_web()
        yield site


@pytest.mark.parametrize("path", PAGES)
def test_without_rehearsals_nothing_speaks_of_them(earnest: Service, path: str) -> None:
    text = earnest.http.get(path, headers=HTML).text
    assert re.findall(REHEARSED, text) == []


def test_without_rehearsals_the_form_has_placeholders_and_no_attempts(earnest: Service) -> None:
    form = earnest.http.get("/", headers=HTML).text
    fields = re.findall(r'<input id="(\w+)".* value="(.*?)"', form)
    assert fields == [(name, "") for name in ("name", "car", "hotel", "flight", "email")]
    assert form.count('placeholder="') == 5
    assert len(re.findall("<form", form)) == 1
    described = earnest.http.get("/openapi.json").json()
    assert "attempts" not in described["components"]["schemas"]["BookingRequest"]["properties"]


def test_without_rehearsals_there_is_no_guide(earnest: Service) -> None:
    assert earnest.http.get("/try").status_code == 404


def test_without_rehearsals_the_form_books(earnest: Service) -> None:
    assert earnest.http.post("/book", data=GOOD).status_code == 303
    wrong = earnest.http.post("/book", data=GOOD | {"car": ""})
    assert wrong.status_code == 422
    assert "Attempts" not in wrong.text


def test_with_rehearsals_every_page_says_that_it_is_a_demo(site: Service, earnest: Service) -> None:
    for path in ("/", "/bookings", "/try", "/docs", site.book().json()["url"], "/nothing"):
        assert '<aside class="demo"' in site.http.get(path, headers=HTML).text, path
