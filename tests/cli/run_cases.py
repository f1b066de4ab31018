#!/usr/bin/env python3
"""Golden command-line tests as data: run_cases.py BIN_FOLDER CASES_FILE... (format: README.md beside this file)."""
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(os.path.dirname(SOURCE), "shared", "data")
ONE_ARGUMENT = {"absent", "file", "needs", "setup", "run", "status", "signal", "stdout", "stderr", "stdout~", "stderr~",
                "same", "matches", "timeout"}


class Failure(Exception):
    pass


def read_cases(path):
    """List of (name, line number, [(directive, text)])."""
    cases = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        word, _, rest = line.strip().partition(" ")
        if word == "case":
            cases.append((rest.strip(), number, []))
        elif word in ONE_ARGUMENT and cases:
            cases[-1][2].append((word, rest))
        else:
            sys.exit(f"{path}:{number}: unknown directive '{word}'")
    return cases


def numbers_match(left, right, tolerance):
    try:
        a, b = float(left), float(right)
    except ValueError:
        return False
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def compare_files(actual, expected, tolerance):
    a, b = open(actual, encoding="utf-8").read(), open(expected, encoding="utf-8").read()
    if a == b:
        return
    if tolerance is None:
        raise Failure(f"{actual} differs from {expected}")
    token = re.compile(r"[\s,;:\"{}\[\]]+")
    for number, (left, right) in enumerate(zip(a.splitlines(), b.splitlines()), 1):
        x, y = token.split(left), token.split(right)
        if len(x) != len(y) or any(p != q and not numbers_match(p, q, tolerance) for p, q in zip(x, y)):
            raise Failure(f"{actual}:{number}: '{left}' where '{right}' is expected")
    if len(a.splitlines()) != len(b.splitlines()):
        raise Failure(f"{actual} has {len(a.splitlines())} lines where {len(b.splitlines())} are expected")


def check_text(kind, text, exact, patterns):
    if exact is not None and text.rstrip() != "\n".join(exact).rstrip():
        raise Failure(f"{kind} is\n      {text!r}\n    where this is expected\n      " + repr("\n".join(exact) + "\n"))
    for pattern in patterns:
        if not re.search(pattern, text, re.MULTILINE):
            raise Failure(f"{kind} does not match /{pattern}/:\n      {text!r}")


def check_error_line(command, stderr):
    """A failure says one line "TOOL: error: …" and nothing of a library or a stack."""
    tool = os.path.basename(shlex.split(command)[0])
    lines = [line for line in stderr.splitlines() if ": error: " in line]
    if len(lines) != 1 or not lines[0].startswith(f"{tool}: error: "):
        raise Failure(f"one line '{tool}: error: …' is expected on stderr, not {stderr!r}")


def run_case(directives, here, folders):
    def fill(text):
        for name, value in folders.items():
            text = text.replace("{" + name + "}", value)
        return text

    values = {}
    for word, text in directives:
        values.setdefault(word, []).append(fill(text))
    for path in values.get("needs", []):
        if not os.path.exists(os.path.join(folders["work"], path)):
            return f"{os.path.basename(path)} is not here"
    environment = dict(os.environ, PATH=folders["bin"] + ":" + os.environ["PATH"], LC_ALL="C")
    for name in ("SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS", "TMPDIR"):
        environment.pop(name, None)
    timeout = int(values.get("timeout", ["120"])[0])
    for line in values.get("setup", []):
        subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=folders["work"], env=environment, check=True,
                       stdout=subprocess.DEVNULL, timeout=timeout)
    commands = values["run"]
    for command in commands:
        done = subprocess.run(["bash", "-c", command], cwd=folders["work"], env=environment, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=timeout, encoding="utf-8", errors="replace")
        last = command is commands[-1]
        status = int(values.get("status", ["0"])[0]) if last else 0
        if "signal" in values and last:
            status = 128 + getattr(signal, "SIG" + values["signal"][0])
        code = 128 - done.returncode if done.returncode < 0 else done.returncode
        if code != status:
            raise Failure(f"'{command}' ended with status {code} where {status} is expected; stderr: {done.stderr!r}")
    if 64 <= status <= 74:
        check_error_line(commands[-1], done.stderr)
    check_text("stdout", done.stdout, values.get("stdout"), values.get("stdout~", []))
    check_text("stderr", done.stderr, values.get("stderr"), values.get("stderr~", []))
    for path in values.get("file", []):
        if not os.path.isfile(os.path.join(folders["work"], path)):
            raise Failure(f"{path} was not written")
    for path in values.get("absent", []):
        if os.path.lexists(os.path.join(folders["work"], path)):
            raise Failure(f"{path} is there and should not be")
    for pair in values.get("same", []):
        one, two = (os.path.join(folders["work"], path) for path in shlex.split(pair))
        if open(one, "rb").read() != open(two, "rb").read():
            raise Failure(f"{one} and {two} differ")
    for triple in values.get("matches", []):
        actual, expected, *tolerance = shlex.split(triple)
        compare_files(os.path.join(folders["work"], actual), os.path.join(folders["work"], expected),
                      float(tolerance[0]) if tolerance else None)
    leftovers = [name for _, _, names in os.walk(folders["work"]) for name in names if name.endswith(".tmp")]
    if leftovers:
        raise Failure(f"temporary files were left: {leftovers}")
    return None


def main():
    binaries, files = os.path.abspath(sys.argv[1]), sys.argv[2:]
    passed = failed = skipped = 0
    for path in files:
        here = os.path.dirname(os.path.abspath(path))
        for name, number, directives in read_cases(path):
            with tempfile.TemporaryDirectory(prefix="immucan-cli-") as work:
                folders = {"here": here, "source": SOURCE, "data": DATA, "bin": binaries, "work": work}
                try:
                    reason = run_case(directives, here, folders)
                    if reason is None:
                        passed += 1
                    else:
                        skipped += 1
                        print(f"SKIPPED {os.path.basename(path)}: {name}: {reason}")
                except (Failure, subprocess.SubprocessError, OSError) as error:
                    failed += 1
                    print(f"FAILED {os.path.basename(path)}:{number}: {name}\n    {error}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed + skipped == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
