"""What code of the user's own prints does not get among what was asked for."""

from __future__ import annotations

import sys
import threading

import pytest

from aikyo.stdout import printing_to_stderr


def test_what_is_printed_goes_to_stderr_and_then_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sys.stdout
    with printing_to_stderr(), printing_to_stderr():
        print("mine")
    print("asked for")
    assert sys.stdout is before
    assert capsys.readouterr() == ("asked for\n", "mine\n")


def test_the_next_thread_takes_stdout_when_the_one_before_has_put_it_back() -> None:
    before = sys.stdout
    inside, may_end, first_ended = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with printing_to_stderr():
            inside.set()
            may_end.wait(10)

    def second() -> None:
        with printing_to_stderr():
            first_ended.wait(10)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    threads[1].join(0.2)  # time to come in, if it may
    may_end.set()
    threads[0].join(10)
    first_ended.set()
    threads[1].join(10)
    assert sys.stdout is before
