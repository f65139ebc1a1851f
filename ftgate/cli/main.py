"""The group of commands, loaded one by one, and the one error handler."""

import importlib
import io
import os
import platform
import signal
import sys
from collections.abc import Sequence

import click

from ftgate import __version__
from ftgate.errors import ExitCode, FtgateError
from ftgate.report.quote import terminal

_COMMANDS = {
    "init": "ftgate.cli.init",
    "validate": "ftgate.cli.validate",
    "tokens": "ftgate.cli.tokens",
    "split": "ftgate.cli.split",
    "review": "ftgate.cli.review",
    "import-graders": "ftgate.cli.import_graders",
    "run": "ftgate.cli.run",
    "plan": "ftgate.cli.stages",
    "admit": "ftgate.cli.admit",
    "preflight": "ftgate.cli.preflight",
    "train": "ftgate.cli.stages",
    "launch": "ftgate.cli.launch",
    "evaluate": "ftgate.cli.stages",
    "decide": "ftgate.cli.decide",
    "publish": "ftgate.cli.publish",
    "spot-check": "ftgate.cli.spot_check",
    "noise": "ftgate.cli.noise",
    "promote": "ftgate.cli.promote",
    "export": "ftgate.cli.export",
    "judge": "ftgate.cli.judge",
    "engine": "ftgate.cli.engine",
    "bot": "ftgate.cli.bot",
    "doctor": "ftgate.cli.doctor",
    "demo": "ftgate.cli.demo",
    "completion": "ftgate.cli.completion",
}
_REPORT = "https://github.com/ftgate/ftgate/issues/new?template=bug.yml"
_GO_ON = "\nftgate: interrupted. Run the same command again: it goes on where it stopped."
_INTERRUPTED = 130  # what shells expect after SIGINT


class _Lazy(click.Group):
    """Imports a command's module when it is asked for, so that `ftgate --help` starts at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(_COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


_SUMMARIES = {
    "init": "Write a starter ftgate.yaml.",
    "validate": "Check every line of training data.",
    "tokens": "Examples as the trainer sees them.",
    "split": "Hold examples out, never moving old ones.",
    "review": "Read generated examples, record reviews.",
    "import-graders": "OpenAI eval graders as regression prompts.",
    "run": "The whole gate on two commits of a repository.",
    "plan": "First stage: what changed, is the gate concerned.",
    "admit": "Continue a run: may this head be trained.",
    "preflight": "Continue a run: what training would take.",
    "train": "Continue a run: train baseline and candidate.",
    "launch": "Train on other machines: Slurm, Kubernetes.",
    "evaluate": "Continue a run: ask all three arms, grade.",
    "decide": "Continue a run: compare, judge by the policy.",
    "publish": "Continue a run: write or post the comment.",
    "spot-check": "A page for a blinded reading, and its votes.",
    "noise": "False alarms and detections, measured.",
    "promote": "Make what was merged the next baseline.",
    "export": "Write what is served, compare it with what was trained.",
    "judge": "Probe the judge, compare it with people.",
    "engine": "Compare a server with this machine's answers.",
    "bot": "Answer a command in a comment.",
    "doctor": "Is the gate set up, and does it block.",
    "demo": "Two pull requests through the gate, no GPU needed.",
    "completion": "Print the completion script of a shell.",
}


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  ftgate demo                                     see it work, in minutes
  ftgate validate data/train/*.jsonl              check files, no settings needed
  ftgate run --base main --head HEAD --out out    would this branch pass?

\b
Exit codes: 0 pass, 1 fail, 2 settings or usage, 3 inconclusive, 4 the outside failed, 5 a bug in ftgate.""",
)
@click.version_option(__version__, prog_name="ftgate")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A merge gate for fine-tuning data.

    Validates every line, trains the candidate, evaluates it against the baseline, and says what a pull request broke.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code. The only place that catches everything."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if arguments is None:
        # A cancelled job ends as Ctrl-C does: locks are given back, and the last line says that it can go on.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return int(cli.main(args=arguments, prog_name="ftgate", standalone_mode=False) or ExitCode.PASS)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except SystemExit:
        # click ends the process itself when the reader of a pipe has gone; that is no verdict.
        return ExitCode.OUTSIDE
    except (click.Abort, KeyboardInterrupt):
        return _interrupted(alone=arguments is None)
    except FtgateError as error:
        return _fail(error)
    except (OSError, MemoryError) as error:
        return _outside(error)
    except Exception:  # noqa: BLE001 - the last handler there is
        return _bug()


def _interrupted(*, alone: bool) -> int:
    click.echo(_GO_ON, err=True)
    if alone:
        from ftgate.edges.signals import leave

        leave(_INTERRUPTED)
    return _INTERRUPTED


def _fail(error: FtgateError) -> int:
    click.secho("ftgate: error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(_inert(error.message), err=True)
    if error.advice:
        click.echo(_inert(f"  {error.advice}"), err=True)
    return error.exit_code


def _inert(text: str) -> str:
    """A message may name a file that a pull request named: it must not act in a terminal or a job log."""
    return "\n".join(terminal(line) for line in text.split("\n"))


def _outside(error: OSError | MemoryError) -> int:
    if isinstance(error, BrokenPipeError):
        # The reader of a pipe has gone (head, less); Python would complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OUTSIDE
    click.secho("ftgate: error: ", fg="red", bold=True, nl=False, err=True)
    if isinstance(error, MemoryError):
        click.echo("out of memory\n  Use a smaller base_model or training.batch_size.", err=True)
        return ExitCode.OUTSIDE
    where = f"{error.filename}: " if error.filename else ""
    click.echo(f"{where}{error.strerror or error}", err=True)
    click.echo(
        "  Free the disk or correct the permissions, or name another directory; then run it again.", err=True
    )
    return ExitCode.OUTSIDE


def _bug() -> int:
    import traceback

    traceback.print_exc()
    click.echo(
        f"\nftgate: this is a bug in ftgate {__version__} (Python {platform.python_version()}, {sys.platform}).\n"
        f"  Please report the lines above at {_REPORT}",
        err=True,
    )
    return ExitCode.BUG


if __name__ == "__main__":
    sys.exit(main())
