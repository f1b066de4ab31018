"""Processor seconds and memory of commands."""
import subprocess
import sys
import tempfile


def measured(command, **options):
    """User + system seconds and peak memory in MB of a command that must succeed, by GNU time."""
    with tempfile.NamedTemporaryFile("r") as report:
        timed = ["/usr/bin/time", "-f", "%U %S %M", "-o", report.name, *command]
        options.setdefault("stdout", subprocess.DEVNULL)
        done = subprocess.run(timed, check=False, stderr=subprocess.PIPE, **options)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with status {done.returncode}: {done.stderr.decode()[-2000:]}")
        user, system, kilobytes = (float(field) for field in report.read().split())
    return user + system, kilobytes / 1024
