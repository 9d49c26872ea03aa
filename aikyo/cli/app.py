"""The commands put together, and the one place where errors become a line and an exit code.

Nothing imported here may be slow: a command's libraries are imported when it runs.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Container
from contextlib import suppress
from typing import NoReturn

import typer
from typer._click.exceptions import NoArgsIsHelpError
from typer.exceptions import TyperException

from ..errors import AikyoError
from . import (
    context,
    memory,
    peers,
    profile,
    ps,
    quiet,
    renew,
    report,
    restart,
    say,
    simulate,
    stop,
    tail,
    up,
    usage,
    version,
    why,
)
from . import set as set_command

__all__ = ["app", "main"]

app = typer.Typer(
    name="aikyo",
    help="A home for AI companions that talk, act and remember on a peer-to-peer mesh.",
    epilog='Start with: aikyo up --companions 3   then: aikyo say alice "hello"',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Keep `aikyo` a group of commands."""


app.command("up")(up.up)
app.command("say")(say.say)
app.command("tail")(tail.tail)
app.command("context")(context.context)
app.command("ps")(ps.ps)
app.command("stop")(stop.stop)
app.command("restart")(restart.restart)
app.command("quiet")(quiet.quiet)
app.command("set")(set_command.set_)
app.command("renew")(renew.renew)
app.command("why")(why.why)
app.command("usage")(usage.usage)
app.command("report")(report.report)
app.command("simulate")(simulate.simulate)
app.add_typer(set_command.companion_app, name="companion")
app.add_typer(memory.memory_app, name="memory")
app.add_typer(peers.peers_app, name="peers")
app.add_typer(profile.profile_app, name="profile")
app.command("version")(version.version)


def main(args: list[str] | None = None) -> NoReturn:
    """Run a command and exit: 0 done, 1 failed, 2 wrong call, 3 no swarm, 130 interrupted.

    Every foreseen error is one line on stderr; a traceback is shown only with `--debug`.
    """
    # numpy's threads would spin for a while and have nothing to do: no product here is large.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    known = set(threading.enumerate())
    argv = sys.argv[1:] if args is None else args
    debug = "--debug" in argv
    if argv[:1] == ["--debug"]:
        argv = argv[1:]
    try:
        code = app(args=argv, prog_name="aikyo", standalone_mode=False)
        sys.stdout.flush()
    except AikyoError as error:
        code = _fail(str(error), error.exit_code)
    except typer.Abort:
        code = 130
    except KeyboardInterrupt:
        code = 130
    except NoArgsIsHelpError:  # the help was shown
        code = 2
    except TyperException as error:
        code = _fail(_in_words(error), error.exit_code)
    except BrokenPipeError:
        code = _hush()
    except SystemExit as end:  # typer's own way out of a broken pipe
        code = _hush() if isinstance(end.__context__, BrokenPipeError) else end.code
    except Exception as error:
        if debug:
            raise
        code = _fail(f"a bug in aikyo: {error!r}; run it again with --debug to see where", 1)
    _end(code if isinstance(code, int) else 0, known)


def _end(code: int, known: Container[threading.Thread]) -> NoReturn:
    """Exit. The interpreter would wait for threads that tools of the user's own have begun: for those
    that are no daemons, and for all of an executor's, which only it knows."""
    pooled = getattr(sys.modules.get("concurrent.futures.thread"), "_threads_queues", ())
    begun = [thread for thread in threading.enumerate() if thread not in known]
    if not any(thread in pooled or not thread.daemon for thread in begun):
        sys.exit(code)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _fail(message: str, code: int) -> int:
    from ..text import inert

    print(f"aikyo: {inert(message)}", file=sys.stderr)  # may quote what others wrote
    return code


def _in_words(error: TyperException) -> str:
    """What is wrong with a call, in fewer and better words than pydantic's, and the way out."""
    said = error.format_message()
    for theirs, ours in (
        (r"Input should be a valid integer, unable to parse.*", "this takes a whole number"),
        (r"Input should be a valid number, unable to parse.*", "this takes a number"),
        (r"Value error, ", ""),
    ):
        said = re.sub(theirs, ours, said)
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "aikyo"
    return f"{said.rstrip('.')}; {command} --help shows the way"


def _hush() -> int:
    """The reader of our output has gone (`| head`): we are done, and what is left unsaid stays so."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
