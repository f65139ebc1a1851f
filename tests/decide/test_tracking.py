"""The options of trackers are the documented ones."""

from pathlib import Path

from ftgate.decide.tracking import OPTIONS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "scaling.md").read_text()


def test_the_page_has_every_option() -> None:
    table = PAGE.split("| option | is |\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    assert table.splitlines() == [f"| `{name}` | {said} |" for name, said in OPTIONS.items()]
