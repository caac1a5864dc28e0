# SPDX-License-Identifier: Apache-2.0
"""A scenario: a text file that says what to run and what to expect.

    # a comment
    RUN kchan list             a bash command line, in a folder of the scenario
    NODE modprobe dummy        a shell command on the node, where there is one
    EXIT 3                     its exit code (default 0)
    EXPECT tick +live          a regular expression that standard output holds,
                               behind what the EXPECT before it matched
    EXPECT_ERR no channel      the same for standard error
    REFUSE exec                one that standard output must not hold
    ALL                        all of standard output has been matched

The first step that does not do as expected ends the scenario and is shown with
what came. Who runs it says in the environment where the node is:
$KCHAN_SERVER names its socket.
"""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

RUN_SECONDS = 30


class Unexpected(Exception):
    """A step did not do as it should, or the file is no scenario."""


@dataclasses.dataclass
class Done:
    """What a command did."""

    code: int
    stdout: str
    stderr: str


@dataclasses.dataclass
class Step:
    """One RUN or NODE and what it is expected to do."""

    line: int
    word: str
    command: str
    exit_code: int = 0
    checks: list[tuple[str, str]] = dataclasses.field(default_factory=list)


def parse(path: Path) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        word, _, rest = line.partition(" ")
        if not line or word.startswith("#"):
            continue
        if word in ("RUN", "NODE"):
            steps.append(Step(number, word, rest))
        elif word == "EXIT":
            steps[-1].exit_code = int(rest)
        elif word in ("EXPECT", "EXPECT_ERR", "REFUSE", "ALL"):
            steps[-1].checks.append((word, rest))
        else:
            raise Unexpected(f"{path}:{number}: what is '{word}'?")
    if not any(step.checks for step in steps):
        raise Unexpected(f"{path}: expects nothing")
    return steps


def failure(step: Step, done: Done) -> str | None:
    """What is wrong with what the step did; None if nothing."""
    if done.code != step.exit_code:
        return f"exit code {done.code}, not {step.exit_code}"
    rest = {"EXPECT": done.stdout, "EXPECT_ERR": done.stderr}
    for word, pattern in step.checks:
        if word == "REFUSE":
            if re.search(pattern, done.stdout, re.MULTILINE):
                return f"REFUSE {pattern}"
        elif word == "ALL":
            if rest["EXPECT"].strip():
                return f"not expected: {rest['EXPECT'].strip()}"
        else:
            found = re.search(pattern, rest[word], re.MULTILINE)
            if not found:
                return f"{word} {pattern}"
            rest[word] = rest[word][found.end() :]
    return None


def run_here(command: str, environment: Mapping[str, str], folder: str, seconds: float) -> Done:
    with subprocess.Popen(
        ["/bin/bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            stdout, stderr = shell.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)  # and what it waits for
            stdout, stderr = shell.communicate()
            raise Unexpected(
                f"still running after {seconds} s\n--- standard output\n{stdout}"
                f"--- standard error\n{stderr}"
            ) from None
    return Done(shell.returncode, stdout, stderr)


def play(
    path: Path,
    environment: Mapping[str, str],
    folder: str,
    *,
    seconds: float = RUN_SECONDS,
    on_node: Callable[[str], Done] | None = None,
) -> int:
    """Plays a scenario; how many steps it has. Unexpected: what went wrong.

    `seconds`: what one RUN may take. `on_node` runs what NODE says.
    """
    steps = parse(path)
    for step in steps:
        try:
            if step.word == "RUN":
                done = run_here(step.command, environment, folder, seconds)
            elif on_node is None:
                raise Unexpected("there is no node to run it on")
            else:
                done = on_node(step.command)
            wrong = failure(step, done)
            if wrong is not None:
                raise Unexpected(
                    f"{wrong}\n--- standard output\n{done.stdout}"
                    f"--- standard error\n{done.stderr}"
                )
        except Unexpected as error:
            where = f"{path}:{step.line}: {step.word} {step.command}"
            raise Unexpected(f"{where}\n{error}") from None
    return len(steps)
