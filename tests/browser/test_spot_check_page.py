"""The spot-check page in headless Chromium: a person with a keyboard, hostile completions, and the votes that come out.

Skipped where playwright (`pip install -e '.[browser]'`) or Debian's chromium is not installed.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ftgate.edges.run_files import RunDirectory
from ftgate.stages import spot_check
from ftgate.stages.decide import decide
from ftgate.values.evaluation import Arm, Completion
from tests.decide.builders import run

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install -e '.[browser]'"
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.filterwarnings("default"),
]
HOSTILE = (
    "</script><script>window.stolen=1</script><img src=x onerror='window.stolen=2'><!-- ${alert(1)} \u2028"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def runs(tmp_path: Path) -> RunDirectory:
    """A stored run whose candidate says hostile things and whose base says harmless ones."""
    made = run()
    assert made.evaluation
    arms = dict(made.evaluation.arms)
    for arm, said in ((Arm.BASE, "plain"), (Arm.CANDIDATE, HOSTILE)):
        answer = Completion(text=said, finish="stop", tokens=3)
        items = tuple(replace(item, completion=answer) for item in arms[arm.value].items)
        arms[arm.value] = replace(arms[arm.value], items=items)
    directory = RunDirectory(tmp_path)
    directory.save(decide(replace(made, evaluation=replace(made.evaluation, arms=arms))))
    return directory


def test_a_reader_votes_by_keyboard_and_the_gate_reads_it(browser: Any, runs: RunDirectory) -> None:
    page_file = spot_check.make(runs, "salt", 20)
    page = browser.new_page(accept_downloads=True)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    assert page.locator("#place").inner_text() == "card 1 of 40, 0 voted on"
    for _ in range(40):
        page.keyboard.press("n" if page.locator("#completion").inner_text().startswith("</script>") else "y")
    assert page.locator("#place").inner_text() == "card 40 of 40, 40 voted on"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#place").inner_text().startswith("card 39 of 40")
    page.fill("#by", "Anna")
    page.locator("h1").click()
    with page.expect_download() as download:
        page.keyboard.press("s")
    votes = Path(download.value.path()).read_bytes()
    assert page.evaluate("window.stolen") is None
    assert page.locator("img, a, iframe").count() == 0
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    done = spot_check.read(runs, votes, "votes.json")
    assert done.spot_check is not None
    assert done.verdict is not None
    assert (done.spot_check.by, done.spot_check.candidate.no, done.spot_check.base.no) == ("Anna", 20, 0)
    assert done.verdict.outcome == "fail"
    assert done.verdict.reasons[0].id == "spot-check.failed"


def test_the_page_tells_nobody_which_is_which(browser: Any, runs: RunDirectory) -> None:
    text = spot_check.make(runs, "salt", 20).read_text()
    sheet = json.loads(text.split("const sheet = ", 1)[1].split(";\n", 1)[0])
    assert "salt" not in sheet
    assert set(sheet["cards"][0]) == {"messages", "reference", "number", "completion"}
    key = msgspec.json.decode(runs.read(spot_check.KEY) or b"")
    assert key["cards"][0]["arm"] in ("base", "candidate")


def test_the_reference_is_shown_when_asked_for_and_letters_in_the_name_are_no_votes(
    browser: Any, runs: RunDirectory
) -> None:
    page = browser.new_page()
    page.goto(spot_check.make(runs, "salt", 2).as_uri())
    page.click("#by")
    page.keyboard.type("yanny")
    assert page.locator("#place").inner_text() == "card 1 of 4, 0 voted on"
    assert page.locator("#by").input_value() == "yanny"
    page.screenshot(path=str(Path(runs.write("x", "")).parent / "page.png"), full_page=True)
