"""The real-time thread: no heap allocation in a hundred thousand turns, and no futex wait under load."""

import pathlib
import re
import shutil
import subprocess

import pytest

from site_under_test import BIN

HERE = pathlib.Path(__file__).parent


def test_a_hundred_thousand_turns_allocate_nothing(tmp_path):
    library = tmp_path / "count_allocations.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "count_allocations.c", "-ldl"], check=True)
    done = subprocess.run([BIN / "turn-check"], env={"LD_PRELOAD": str(library)}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    turns = re.search(r"(\d+) turns, (\d+) allocations", done.stdout)
    assert turns and int(turns[1]) >= 100_000 and int(turns[2]) == 0, done.stdout


def test_the_counter_counts(tmp_path):
    """The test above could not fail if the counter never counted."""
    library = tmp_path / "count_allocations.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "count_allocations.c", "-ldl"], check=True)
    done = subprocess.run([BIN / "turn-check", "--allocate"], env={"LD_PRELOAD": str(library)}, capture_output=True, text=True)
    turns = re.search(r"(\d+) turns, (\d+) allocations", done.stdout)
    assert turns and int(turns[2]) > 0, done.stdout


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_real_time_thread_never_waits_on_a_futex(site):
    site.follow()
    site.wait_for("device.up")
    threads = pathlib.Path(f"/proc/{site.door.popen.pid}/task")
    thread = next(t.name for t in threads.iterdir() if (t / "comm").read_text().strip() == "real-time")
    trace = subprocess.Popen(["strace", "-p", thread, "-o", str(site.folder / "trace"), "-q"], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(2):
            site.ask_simulator("person north-door body=36.6")
            site.wait_for("gate.shut", within=40)
    finally:
        trace.terminate()
        complaint = trace.stderr.read()
        trace.wait()
    if "Operation not permitted" in complaint:
        pytest.skip("this machine does not let a process be traced")
    calls = (site.folder / "trace").read_text()
    assert "epoll" in calls, "the trace saw the thread at work"
    names = sorted(set(re.findall(r"^(\w+)\(", calls, re.M)))
    assert "futex" not in names, names
    allowed = {"epoll_wait", "epoll_pwait", "epoll_pwait2", "read", "write", "writev", "recvfrom", "sendto", "timerfd_settime",
               "epoll_ctl", "clock_gettime", "restart_syscall", "ioctl"}
    assert set(names) <= allowed, f"system calls of the real-time thread: {names}"
