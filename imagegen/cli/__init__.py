"""The command line: parse, call, print. Results on standard output, all else on standard error."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

import click

from imagegen.errors import Billed, ImageGenError

_COMMANDS = {
    "generate": "Draw a picture and save it.",
    "edit": "Change pictures as a prompt says.",
    "plan": "Show what generate or edit would send and cost; no network, no key.",
    "compare": "Draw a prompt with several models, and report cost, latency and quality.",
    "bench": "Put several models through a suite of prompts.",
    "report": "Rebuild a comparison's reports from what is stored; nothing is asked.",
    "models": "List the models of the catalogue.",
    "providers": "List the installed providers.",
    "probes": "List what can look at pictures, and how often it errs.",
    "plugin": "Write a provider of your own and prove it right: new, check, trust.",
    "doctor": "Say what is set, what loads, and what is about to end.",
    "submit": "Pay now, collect later.",
    "resume": "Collect paid work that was not collected yet.",
    "jobs": "List what was paid, or may have been, and is not settled.",
    "cancel": "Stop a job at its provider.",
    "reconcile": "Settle unknown outcomes.",
    "spend": "Say what pictures cost: known, unknown, estimated.",
    "budget": "Set what may be spent; list budgets and totals.",
    "ledger": "Look after the ledger: path, check, purge.",
    "completion": "Print a shell's completion script.",
}


class _Lazy(click.Group):
    """Loads a command's module when that command runs, so that listing models loads no client."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"imagegen.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show tracebacks and log everything to standard error.")
@click.version_option(package_name="imagegen-hub", prog_name="imagegen")
@click.pass_context
def commands(ctx: click.Context, debug: bool) -> None:
    """One interface over the world's image-generation models.

    \b
    imagegen generate "a red fox in snow" -m stub:painter
    imagegen plan "a red fox" -m openai:gpt-image-2.5-flare --size 1536x1024
    """
    ctx.obj = debug
    if debug:
        import logging

        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)


def main(arguments: list[str] | None = None) -> None:
    """Run a command. Exit codes: 0 done, 1 an error told in one line, 2 bad usage, 130 interrupted, 143 terminated."""
    signal.signal(signal.SIGTERM, _terminate)
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    arguments = ["--debug", *(each for each in arguments if each != "--debug")] if debug else arguments
    try:
        code: Any = commands.main(arguments, prog_name="imagegen", standalone_mode=False)
    except ImageGenError as error:
        code = _tell(error, debug)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = _interrupted(130)
    except _Terminated:
        code = _interrupted(143)
    except BrokenPipeError:
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _tell(error: ImageGenError, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    click.echo(f"imagegen: {error.message}{_money(error)}", err=True)
    return 1


def _money(error: ImageGenError) -> str:
    """What it cost and what to do next, where there is money in it."""
    if error.billed is Billed.NO:
        return ""
    at_most = f" (up to ${error.possibly_billed_usd:f})" if error.possibly_billed_usd else ""
    said = {Billed.YES: f"; it was billed{at_most}", Billed.UNKNOWN: f"; billed: unknown{at_most}"}[error.billed]
    return f"{said}; collect it with: imagegen resume {error.job.id[:8]}" if error.job else said


class _Terminated(SystemExit):
    """SIGTERM came."""


def _terminate(number: int, frame: object) -> None:
    raise _Terminated


def _interrupted(code: int) -> int:
    """Once: let paid work end, name what does not. Twice: stop at once."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    from imagegen import front

    click.echo("imagegen: interrupted; letting paid work end (again to stop at once)", err=True)
    for name in front.shut():
        click.echo(f"imagegen: parked: {name}", err=True)
    return code


def _stop(number: int, frame: object) -> None:
    os.write(2, b"imagegen: stopped; work under way may have been billed\n")
    os._exit(128 + number)
