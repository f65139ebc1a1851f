"""`ftgate judge` as a user types it, against a real server on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ftgate.cli.main import main
from tests import judges
from tests.edges.judge_server import JudgeServer, judging, refused


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[JudgeServer]:
    with judging() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        yield running


def labels(tmp_path: Path, **more: Any) -> Path:
    """Forty completions that people rated as an honest judge would."""
    path = tmp_path / "labels.jsonl"
    kinds = {5: "It costs {n} euros", 3: "It costs 9{n} euros", 1: "Puffins nest in burrows"}
    lines = []
    for n in range(40):
        score = (5, 3, 1, 5)[n % 4]
        line = {"prompt": "price?", "reference": f"It costs {n} euros", "score": score, **more}
        lines.append(json.dumps({**line, "completion": kinds[score].format(n=n)}))
    path.write_text("\n".join(lines))
    return path


def test_probe_says_on_one_screen_what_the_server_can_do(
    server: JudgeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.honours = ("tool",)
    assert main(["judge", "probe", "--model", "judge-1"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 24
    assert "judge-1-0601" in out and "fp_a" in out and "answered rightly" in out
    assert [line.split()[1] for line in out.splitlines() if line.startswith(("  json_schema", "  tool"))] == [
        "ignored:",
        "honoured",
    ]


def test_probe_as_json(server: JudgeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", "probe", "--model", "judge-1", "--output-format", "json"]) == 0
    [seen] = json.loads(capsys.readouterr().out)
    assert seen["record"]["capabilities"] == {"structure": "json_schema", "temperature": True, "seed": True}


def test_probe_of_a_server_that_is_down(server: JudgeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.before = lambda body: refused(401, "no")
    assert main(["judge", "probe", "--model", "judge-1"]) == 4
    assert "OPENAI_API_KEY" in capsys.readouterr().err


def test_calibrate_an_honest_judge(
    server: JudgeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judge", "calibrate", str(labels(tmp_path)), "--model", "judge-1", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "weighted kappa        1.00  (1.00 to 1.00)" in out
    assert "true passes (TPR)   100.0%  (83.9% to 100.0%)" in out
    assert "false passes (FPR)    0.0%  (0.0% to 16.1%)" in out
    assert "40 labels cannot certify a judge" in out
    asked = len(server.asked)
    assert main(["judge", "calibrate", str(labels(tmp_path)), "--model", "judge-1", "--quiet"]) == 0
    assert len(server.asked) == asked


def test_calibrate_a_lying_judge(
    server: JudgeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.judge = judges.lying
    assert (
        main(
            [
                "judge",
                "calibrate",
                str(labels(tmp_path)),
                "--model",
                "j",
                "--quiet",
                "--output-format",
                "json",
            ]
        )
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["kappa"]["value"], found["false_pass"]["value"]) == (pytest.approx(0), 1.0)


def test_calibrate_a_judge_that_gives_no_grades_is_inconclusive(
    server: JudgeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.judge = lambda user: "5 of 5"
    assert main(["judge", "calibrate", str(labels(tmp_path)), "--model", "j", "--quiet"]) == 3
    assert "40 without a grade" in capsys.readouterr().out


def test_scores_that_stand_in_the_file_need_no_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert main(["judge", "calibrate", str(labels(tmp_path, judge=3))]) == 0
    assert "the judge of this file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["judge", "calibrate", "none.jsonl"], 2, "No such file"),
        (["judge", "probe"], 2, "--model"),
        (["judge", "probe", "--settings", "s.yaml"], 2, "no judge is declared"),
        (["judge", "probe", "--model", "m", "--settings", "broken.yaml"], 2, "broken.yaml:1"),
    ],
)
def test_what_is_missing_is_said(
    server: JudgeServer, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    Path("s.yaml").write_text("base_model: m\ndata: {train: [a]}\n")
    Path("broken.yaml").write_text("base_model: m\n")
    assert main(arguments) == code
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err


def test_a_key_is_wanted_for_any_other_machine(
    server: JudgeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://judge.example/v1")
    assert main(["judge", "probe", "--model", "m"]) == 2
    assert "OPENAI_API_KEY is not set" in capsys.readouterr().err
