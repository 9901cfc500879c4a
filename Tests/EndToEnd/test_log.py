"""The log: what was called durable is there after any kill, and a disk that fills or hangs never stops the door."""

import concurrent.futures
import json
import os
import pathlib
import random
import signal
import subprocess

import pytest

from site_under_test import BIN, PROFILES, ROOT, TORTURE, Process

HERE = pathlib.Path(__file__).parent
KILLS = int(os.environ.get("GATEHOUSE_KILLS", 10_000 if TORTURE else 300))


@pytest.fixture(scope="session")
def hold_writes(tmp_path_factory):
    library = tmp_path_factory.mktemp("preload") / "hold_writes.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "hold_writes.c", "-ldl"], check=True)
    return library


def test_every_event_follows_the_schema(site):
    import jsonschema

    schema = json.loads((ROOT / "docs" / "event.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    site.follow()
    site.ask_simulator("person north-door body=36.6")
    site.wait_for("gate.shut")
    site.ask_simulator("person north-door body=38.4 stay=6")
    site.wait_for("alarm.raised", kind="suspected_fever")
    site.ask_simulator("input door-relays 7 on")
    site.wait_for("gate.released")
    events = site.events()
    assert len(events) > 10
    for event in events:
        problems = [error.message for error in validator.iter_errors(event)]
        assert not problems, f"{event['type']}: {problems}"


def test_sequence_numbers_have_no_gap_and_the_chain_verifies(site):
    site.follow()
    site.ask_simulator("person north-door body=36.6")
    site.wait_for("gate.shut")
    by_stream = {}
    for event in site.events():
        by_stream.setdefault(event["stream"], []).append(event["seq"])
    for stream, numbers in by_stream.items():
        assert numbers == list(range(1, len(numbers) + 1)), stream
    assert site.command_line("log", "verify").returncode == 0


def test_a_tampered_body_is_named(site):
    site.follow()
    site.ask_simulator("person north-door body=36.6")
    site.wait_for("gate.shut")
    site.door.end()
    import sqlite3

    segment = next((site.folder / "log").glob("*.sqlite"))
    with sqlite3.connect(segment) as log:
        log.execute("UPDATE events SET body = replace(CAST(body AS TEXT), 'normal', 'nirmal') WHERE type LIKE '%passed%'")
    found = site.command_line("log", "verify", check=False)
    assert found.returncode != 0
    assert "records" in found.stdout + found.stderr


def test_a_clean_stop_commits_everything(site):
    site.follow()
    site.ask_simulator("person north-door body=36.6")
    site.wait_for("gate.shut")
    assert site.door.end(signal.SIGTERM) == 0
    assert site.events("--type", "gatehouse.system.stopping")


def test_killed_at_any_moment_nothing_durable_is_missing(site_of):
    """kill -9 at random moments under load: no gap in seq, no half event, nothing missing that was called durable, open
    alarms and waiting screenings there again, and the chain verifies. Two doors at a time: each waits much."""
    seed = int(os.environ.get("GATEHOUSE_SEED", "20261123"))
    print(f"seed {seed}")
    # Sixteen thermometers that nobody thins: some 450 events a second.
    sites = [site_of(folder=name, log="{ folder: log, reading_interval_s: 0.1, dead_band_c: 0 }", extra_thermometers=16)
             for name in ("a", "b")]
    with concurrent.futures.ThreadPoolExecutor() as doors:
        for done in [doors.submit(kill, site, KILLS // 2, random.Random(seed + place)) for place, site in enumerate(sites)]:
            done.result()


def kill(site, times, moments):
    site.start_simulator("--speed", "4")
    site.start_door()
    site.await_free_lane()
    # Somebody who waits and an alarm that stays: both must be there after every kill.
    site.ask_simulator("person north-door body=36.6 skin=33.0 stay=3")
    ticket = site.wait_for("screening.denied", next="cold_wait")["data"]["ticket"]
    site.ask_simulator("people on every=1")
    site.ask_simulator("unplug rooms")
    alarm = site.wait_for("alarm.raised", kind="port_lost")["data"]["occurrence"]
    durable = {}
    for round_number in range(times):
        wanted = moments.randint(0, 60)
        follow = Process("gatehouse log", [BIN / "gatehouse", "log", "--json", "--follow", "--limit", "1", "--settings",
                                           site.settings, "--profiles", PROFILES])
        site.processes.append(follow)
        for _ in range(wanted):
            event = json.loads(follow.wait_for_line(lambda line: line.startswith("{")))
            if event.get("durable"):
                durable[(event["stream"], event["seq"])] = event["id"]
        site.door.popen.send_signal(signal.SIGKILL)
        site.door.popen.wait()
        follow.end(signal.SIGKILL)
        site.start_door()
        if round_number % 25 == 0 or round_number == times - 1:
            status = site.status()
            waiting = [w["ticket"] for lane in status["lanes"] for w in lane["waiting"]]
            assert ticket in waiting, f"after kill {round_number}"
            assert alarm in [a["occurrence"] for a in status["alarms"]], f"after kill {round_number}"
    events = {(e["stream"], e["seq"]): e["id"] for e in site.events()}
    missing = {key: id for key, id in durable.items() if events.get(key) != id}
    assert not missing, f"called durable and not there: {missing}"
    for stream in {stream for stream, _ in events}:
        numbers = sorted(seq for name, seq in events if name == stream)
        assert numbers == list(range(1, len(numbers) + 1)), f"gap in {stream}"
    assert len(set(events.values())) == len(events), "an id twice"
    assert site.command_line("log", "verify", within=120).returncode == 0


def test_a_disk_that_hangs_does_not_stop_the_door(site_of, hold_writes):
    site = site_of()
    site.start_simulator()
    hold = site.folder / "hold"
    site.start_door(environment={"LD_PRELOAD": str(hold_writes), "GATEHOUSE_HOLD": str(hold)})
    site.await_free_lane()
    hold.touch()
    site.ask_simulator("person north-door body=36.6")
    site.ask_simulator("wait gate north-door open for=10")
    site.ask_simulator("wait gate north-door shut for=10")
    follow = site.follow()
    raised = json.loads(follow.wait_for_line(
        lambda line: line.startswith("{") and json.loads(line)["data"].get("kind") == "log_stalled"))
    assert raised["durable"] is False, "it is told at once, and not as durable"
    hold.unlink()
    site.wait_for("alarm.cleared", kind="log_stalled")
    types = [event["type"] for event in site.events()]
    assert "gatehouse.screening.passed" in types and "gatehouse.alarm.raised" in types, "what was held is in the log"
    assert site.command_line("log", "verify").returncode == 0


def fill(path):
    """Takes all the room that is left on the disk."""
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_does_not_stop_the_door(site_of, tmp_path):
    small = tmp_path / "log"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small]).returncode != 0:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        site = site_of()
        site.start()
        filler = small / "filler"
        fill(filler)
        site.ask_simulator("person north-door body=36.6")
        site.ask_simulator("wait gate north-door open for=15")
        site.ask_simulator("wait gate north-door shut for=15")
        follow = site.follow()
        follow.wait_for_line(
            lambda line: line.startswith("{") and json.loads(line)["data"].get("kind") == "log_stalled", 30)
        filler.unlink()
        site.wait_for("alarm.cleared", within=60, kind="log_stalled")
        types = [event["type"] for event in site.events()]
        assert "gatehouse.screening.passed" in types, "what could not be written then is in the log now"
        assert site.command_line("log", "verify").returncode == 0
        site.close()
    finally:
        subprocess.run(["umount", "-l", small])
