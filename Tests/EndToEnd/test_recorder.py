"""The flight recorder: what led to a fault or an alarm is kept, and can be lived through again."""

import json
import os
import pathlib
import pty
import subprocess
import tty

import pytest

from site_under_test import BIN, PROFILES

RECORDINGS = pathlib.Path(__file__).parent / "recordings"
KEPT = "what led to the fault on {} is kept in "

SCANNER = """\
site: {{ id: test-site, name: Test site, time_zone: Asia/Shanghai }}
desk: none
log: {log}
buses:
  code: {{ serial: {run}/code }}
devices:
  scanner: {{ profile: gm65, bus: code }}
"""


@pytest.fixture
def site(site_of):
    """A running site whose door says what it keeps."""
    site = site_of()
    site.start_simulator()
    site.start_door("--log-level", "info")
    site.await_free_lane()
    return site


def kept(site, bus):
    """The frozen recording of a bus, once the door says that it is there."""
    return site.door.wait_for_line(lambda line: KEPT.format(bus) in line).split(KEPT.format(bus))[1]


def replayed(site, *recordings):
    done = site.command_line("replay", *recordings, "--json")
    assert done.stderr == "", "nothing was sent that these settings do not send"
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(events, type, source, *names):
    """What events of this type and source say, in order."""
    return [
        tuple(str(e["data"].get(name)) for name in names)
        for e in events
        if e["type"].startswith(f"gatehouse.{type}") and e["source"].endswith(source)
    ]


def test_a_fever_is_lived_through_again(site):
    site.follow()
    site.ask_simulator("person north-door body=38.2 stay=12")
    site.wait_for("alarm.raised", kind="suspected_fever")
    # The lane's buses are kept: its thermometer's and its board's, not the rooms'.
    thermometer, board = kept(site, "door-ir"), kept(site, "door-io")
    lived = site.events()
    again = replayed(site, thermometer, board)
    judged = "reason", "estimate_c", "next"
    assert told(again, "screening", "/north-door", *judged) == told(lived, "screening", "/north-door", *judged) != []
    assert ("suspected_fever",) in told(again, "alarm.raised", "/north-door", "kind")
    # The same numbers from the same bytes, asked for over TCP or told unasked.
    for device in "/door-thermometer", "/door-relays":
        assert set(told(lived, "reading", device, "field", "value")) & set(told(again, "reading", device, "field", "value"))
        assert told(again, "device.up", device) and not told(again, "device.down", device)
    # Without its board the lane cannot judge anybody.
    assert told(replayed(site, thermometer), "screening", "/north-door") == []


@pytest.mark.parametrize("folder", sorted(RECORDINGS.iterdir()), ids=lambda folder: folder.name)
def test_a_stored_recording_says_what_it_said(folder):
    """Recordings of simulated devices; a change of `events.txt` is a change of what is measured or decided."""
    done = subprocess.run(
        [BIN / "gatehouse", "replay", *sorted(folder.glob("*.rec")), "--settings", folder / "gatehouse.yaml", "--profiles", PROFILES],
        capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (folder / "events.txt").read_text()


def test_a_cable_that_was_pulled_is_seen_again(site):
    site.follow()
    site.ask_simulator("unplug rooms")
    site.wait_for("port.lost", reason="hung_up")
    again = replayed(site, kept(site, "rooms"))
    assert told(again, "port.lost", "/rooms", "reason") == [("hung_up",)]
    assert told(again, "device.", "/room-301-co2", "reason") == [("None",), ("port_lost",)]


def test_what_a_mistaken_recording_says_is_named(site_of, tmp_path):
    site = site_of()
    recording = tmp_path / "door-ir.rec"
    head = "gatehouse recording 1\nbus door-ir\nbegan 2026-11-26T18:00:00.000000000+08:00\n"
    for text, where, what in [
        ("", 1, "found the end"),
        ("hello\n", 1, "expected \"gatehouse recording 1\""),
        (head + "open 1\n0.5 in 5a\n", 5, "expected seconds"),
        (head + "0.500000 in 5a 5\n", 4, "two hexadecimal digits"),
        (head + "0.500000 lost somehow 5\n", 4, "lost somehow"),
        (head.replace("door-ir", "elsewhere"), None, "no bus \"elsewhere\""),
        (head.replace("18:00", "28:00"), 3, "expected a time"),
    ]:
        recording.write_text(text)
        done = site.command_line("replay", recording, check=False)
        assert done.returncode == 1 and what in done.stderr, done.stderr
        assert where is None or f"door-ir.rec:{where}:" in done.stderr


def test_codes_are_not_recorded(site_of):
    """Whose code it was is nobody's business afterwards; that there was one is."""
    site = site_of(settings=SCANNER)
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.symlink(os.ttyname(slave), site.run / "code")
    site.start_door("--log-level", "info")
    site.wait_for("port.opened")
    os.write(master, b"A1234567B\r\n")
    while site.status()["ports"][0]["counters"]["bytes_in"] < 11:
        pass
    os.close(slave)
    os.close(master)
    site.wait_for("port.lost")
    text = open(kept(site, "code")).read()
    said = [word for line in text.splitlines() for word in line.split()[2:] if " in " in line]
    assert b"A".hex() not in said and b"1234567".hex(" ") not in text
    assert b"x0000000x\r\n".hex(" ") in text
