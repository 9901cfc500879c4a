"""Devices found by what they say of themselves on USB: real udev events from umockdev, real ttys.

Each test plugs adapters into a machine that umockdev plays and looks at what the door makes of them.
"""

import json
import os
import queue
import subprocess
import sys
import threading

import pytest

import simulated_sticks
from site_under_test import BIN, PROFILES, ROOT, Process

SETTINGS = """\
site: {{ id: test-site, name: Test site, time_zone: Asia/Shanghai }}
desk: none
log: {{ folder: log, reading_interval_s: 1 }}
buses:
  door-ir: {{ {kind}: {{ {usb} }} }}
devices:
  eye: {{ profile: {profile}, bus: door-ir }}
"""
FRAME = "5a5a45040c780d19a7"


class Machine:
    """What is plugged in, and a door that sees nothing else."""

    def __init__(self, folder, usb, kind="serial", profile="gy-mcu90614"):
        self.folder = folder
        (folder / "run").mkdir()
        self.settings = folder / "gatehouse.yaml"
        self.settings.write_text(SETTINGS.format(usb=usb, kind=kind, profile=profile))
        self.bed = subprocess.Popen(
            ["umockdev-wrapper", "/usr/bin/python3", ROOT / "Tests/EndToEnd/usb_bed.py"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.answers = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.environment = dict(os.environ, UMOCKDEV_DIR=self._answer()["folder"])
        self.door = None
        self.log = None

    def _read(self):
        for line in self.bed.stdout:
            self.answers.put(json.loads(line))

    def _answer(self):
        return self.answers.get(timeout=20)

    def do(self, what, **more):
        self.bed.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.bed.stdin.flush()
        assert self._answer() == {"done": True}

    def plug(self, name, path="1-1", serial="A1", vid="1a86", pid="7523"):
        self.do("plug", path=path, vid=vid, pid=pid, serial=serial, product="USB Serial", name=name)

    def places(self):
        return ["--settings", self.settings, "--profiles", PROFILES]

    def start(self):
        self.door = Process(
            "gatehoused", ["umockdev-wrapper", BIN / "gatehoused", *self.places(), "--run-dir", self.folder / "run"],
            env=self.environment, cwd=self.folder)
        self.door.wait_for_line(lambda line: line == "ready")
        self.log = Process("log", [BIN / "gatehouse", "log", "--follow", "--json", *self.places(), "--run-dir", self.folder / "run"])
        return self

    def event(self, kind, **data):
        """The next event of this type whose data holds `data`."""

        def fits(line):
            event = json.loads(line) if line.startswith("{") else {"type": "", "data": {}}
            return event["type"].endswith(kind) and all(event["data"].get(key) == value for key, value in data.items())

        return json.loads(self.log.wait_for_line(fits))

    def close(self):
        for process in [self.log, self.door]:
            if process:
                process.end()
        self.bed.stdin.close()
        self.bed.wait(timeout=20)
        self.bed.stdout.close()


@pytest.fixture
def machine_of(tmp_path):
    machines = []

    def make(usb, **more):
        machines.append(Machine(tmp_path, usb, **more))
        return machines[-1]

    yield make
    for machine in machines:
        machine.close()


def test_is_found_again_under_another_name(machine_of):
    machine = machine_of('usb: "1a86:7523"')
    machine.plug("ttyUSB0")
    machine.start()
    machine.event("port.opened")
    machine.do("send", name="ttyUSB0", hex=FRAME)
    machine.event("device.up")
    machine.do("unplug", name="ttyUSB0")
    machine.event("port.lost", reason="hung_up")
    machine.event("device.down", reason="port_lost")
    machine.plug("ttyUSB1", path="1-2")
    machine.event("port.opened")
    machine.do("send", name="ttyUSB1", hex=FRAME)
    machine.event("device.up")


def test_is_awaited_until_it_is_plugged_in(machine_of):
    machine = machine_of('usb: "1a86:7523", serial_number: B2').start()
    machine.event("port.lost", reason="not_found")
    machine.plug("ttyUSB0", serial="A1")
    machine.plug("ttyUSB1", path="1-2", serial="B2")
    machine.event("port.opened")
    machine.do("send", name="ttyUSB1", hex=FRAME)
    machine.event("device.up")


def test_is_listed_with_who_claims_it(machine_of):
    machine = machine_of('usb: "1a86:7523", path: "1-2"')
    machine.plug("ttyUSB0", serial="A1")
    machine.plug("ttyUSB1", path="1-2", serial="B2")
    listed = subprocess.run(
        ["umockdev-wrapper", BIN / "gatehouse", "devices", "--plugged", "--json", *machine.places()], env=machine.environment,
        capture_output=True, text=True, timeout=60, check=True)
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(row["node"], row.get("bus")) for row in rows] == [("/dev/ttyUSB0", None), ("/dev/ttyUSB1", "door-ir")]


@pytest.mark.parametrize("usb, opens", [
    ('usb: "1a86:7523", path: "1-2"', "ttyUSB1"),
    ('usb: "1a86:7523", serial_number: A1', "ttyUSB0"),
])
def test_is_told_apart(machine_of, usb, opens):
    machine = machine_of(usb)
    machine.plug("ttyUSB0", serial="A1")
    machine.plug("ttyUSB1", path="1-2", serial="")
    machine.start()
    machine.event("port.opened")
    machine.do("send", name=opens, hex=FRAME)
    machine.event("device.up")


# Vendor usage, eight bytes in, out and as a feature, without numbers.
PLAIN = "0600ff0901a101150026ff007508950809018102" + "09019102" + "0901b102" + "c0"
METER = dict(path="1-1", vid="04d9", pid="a052", product="USB-zyTemp", name="hidraw0", feature="00" * 9)
CO2, HEAT = "5003ba0d0d000000", "42129ef20d000000"


def test_a_hid_device_is_started_and_read(machine_of):
    machine = machine_of("", kind="hid", profile="zytemp-co2")
    machine.do("plug_hid", descriptor=PLAIN, reports=[CO2, HEAT] * 20, **METER)
    machine.start()
    machine.event("port.opened")
    machine.event("device.up")
    reading = machine.event("reading", field="co2", quality="good")
    assert reading["data"]["value"] == 954


def test_a_hid_device_that_is_on_no_usb_is_read_too(machine_of):
    """By radio, or played by a program: the kernel's HID layer says what it is."""
    machine = machine_of("serial_number: A7", kind="hid", profile="zytemp-co2")
    machine.do("plug_hid", descriptor=PLAIN, reports=[CO2, HEAT] * 20, is_usb=False, **METER)
    machine.start()
    assert machine.event("reading", field="co2", quality="good")["data"]["value"] == 954


@pytest.mark.parametrize("descriptor, why", [
    (PLAIN.replace("9508", "9510"), "have 16 bytes, the profile says 8"),
    ("a1" * 32, "refused"),
    (PLAIN[:-2], "refused"),
    (PLAIN.replace("7508", "8501" + "7508"), "are numbered"),
])
def test_a_hid_device_that_is_another_is_refused(machine_of, descriptor, why):
    machine = machine_of("", kind="hid", profile="zytemp-co2")
    machine.do("plug_hid", descriptor=descriptor, reports=[CO2], **METER)
    machine.start()
    machine.event("port.lost", reason="refused")
    assert any(why in line for line in machine.door.seen)


# Without a uhid in the kernel

def under_bed(site, *program):
    """This program where the sticks that `site` simulates are plugged in."""
    return ["umockdev-wrapper", "/usr/bin/python3", ROOT / "Simulators/uhid_bed.py", site.run / "uhid", *program]


@pytest.fixture
def sticks(site_of):
    return site_of(settings="site: {{ id: test-site, name: Test site, time_zone: Asia/Shanghai }}\ndesk: none\n"
                            "log: {log}\n" + simulated_sticks.SETTINGS)


def test_a_stick_that_is_simulated_is_read_and_found_again(sticks):
    sticks.start_door(before=under_bed(sticks))
    sticks.start_simulator("--uhid", sticks.run / "uhid")
    simulated_sticks.found(sticks, 20)
    simulated_sticks.found_again(sticks, 20)


# Of linux/hidraw.h: HIDIOCSFEATURE and HIDIOCGFEATURE of nine bytes, of which the first is the number of a report without one.
CLIENT = """\
import fcntl, os, time
end = time.monotonic() + 20
while not os.path.exists("/dev/hidraw0"):
    assert time.monotonic() < end
    os.sched_yield()
board = os.open("/dev/hidraw0", os.O_RDWR)
def state():
    report = bytearray(9)
    assert fcntl.ioctl(board, 0xC0094807, report) == 9
    return report.hex()
print(state(), flush=True)
assert fcntl.ioctl(board, 0xC0094806, bytearray.fromhex("00ff03000000000000")) == 9
print(state(), flush=True)
os.write(board, bytes.fromhex("00ff01000000000000"))
while (now := state()) == "002020202020000004":
    assert time.monotonic() < end
print(now, flush=True)
"""


def test_any_program_switches_a_board_that_is_simulated(sticks):
    client = Process("client", under_bed(sticks, sys.executable, "-c", CLIENT))
    sticks.processes.append(client)
    while not (sticks.run / "uhid").exists():
        assert client.popen.poll() is None
        os.sched_yield()
    sticks.start_simulator("--uhid", sticks.run / "uhid", "--serve", "io")
    for relays in ["00", "04", "05"]:
        client.wait_for_line(lambda line: line == "00" + "20" * 5 + "0000" + relays)
