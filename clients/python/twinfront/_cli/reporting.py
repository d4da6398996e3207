"""Tells the end of a command: by one clear line on stderr, and an exit code."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable

from twinfront._cli.exit_codes import FAILED, INTERRUPTED, USAGE, exit_code
from twinfront._cli.output import shown
from twinfront.errors import DtdlInvalidError, EtagMismatchError, TwinfrontError, TwinHasRelationshipsError


def reported(run: Callable[[Namespace], int], options: Namespace, program: str) -> int:
    """Runs a command; whatever ends it early becomes a line on stderr and an exit code.

    Args:
        run: the command.
        options: its options.
        program: what the line begins with: `twinfront get`.
    """
    try:
        code = run(options)
        sys.stdout.flush()
    except TwinfrontError as error:
        report(error, program)
        return exit_code(error)
    except BrokenPipeError:
        # Whoever reads has enough. What is still in the buffer must not fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (OSError, ValueError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    return code


def report(error: TwinfrontError, subject: str) -> None:
    """Prints an error, and what helps against it."""
    text = str(error)
    if isinstance(error, DtdlInvalidError) and error.field_violations:
        # The message says what becomes of a request; here each model is told of by its file.
        text = f"[{error.reason}] {' '.join(violation.description for violation in error.field_violations)}"
    print(f"{shown(subject)}:", *map(shown, text.splitlines()), sep=" ", file=sys.stderr)
    match error:
        case EtagMismatchError(current_etag=etag) if etag:
            print(f"  The current etag is {etag}.", file=sys.stderr)
        case TwinHasRelationshipsError():
            for blocker in [*error.outgoing, *error.incoming]:
                line = f"  {blocker.source_id} ─{blocker.name}→ {blocker.target_id} ({blocker.relationship_id})"
                print(shown(line), file=sys.stderr)
            print("  --detach deletes the relationships along with the twin.", file=sys.stderr)
