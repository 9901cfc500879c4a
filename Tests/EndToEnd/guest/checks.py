"""Runs in the guest as its first process: the real door with real kernel parts, and a JSON line to the host for each check.

A check that fails ends its scenario, and the others go on. All times that are compared are of the guest's own clock.
"""

import contextlib
import ctypes
import datetime
import fcntl
import json
import os
import pathlib
import pty
import resource
import select
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import simulated_sticks  # noqa: E402
from site_under_test import Site  # noqa: E402
from usb_stick import Stick  # noqa: E402

IS_FAST = os.environ["GUEST_IS_FAST"] == "1"
PATIENCE = 20 if IS_FAST else 40

SITE = """\
site: {{ id: test-site, name: Test site, time_zone: Asia/Shanghai }}
desk: none
log: {{ folder: log, reading_interval_s: 1 }}
"""


class Host:
    """The other end of the virtio port: takes results, moves hardware."""

    def __init__(self):
        names = pathlib.Path("/sys/class/virtio-ports").glob("*/name")
        port = next(name.parent.name for name in names if name.read_text().strip() == "checks")
        self.port = os.open(f"/dev/{port}", os.O_RDWR)
        self.answers = os.fdopen(os.dup(self.port), "r")

    def say(self, **line):
        os.write(self.port, json.dumps(line).encode() + b"\n")

    def do(self, what, **more):
        self.say(do=what, **more)
        answer = json.loads(self.answers.readline())
        assert answer == {"done": True}, answer

    @contextlib.contextmanager
    def check(self, name):
        """Tells what became of a check, with what it put into `saw`."""
        saw = {}
        try:
            yield saw
        except BaseException:
            self.say(check=name, failed=traceback.format_exc())
            raise
        self.say(check=name, saw=saw)


class Door(contextlib.AbstractContextManager):
    """The door with these buses and devices, in a folder of its own; the devices are simulated, where that is said."""

    def __init__(self, buses_and_devices, simulated=False):
        self.site = Site(tempfile.mkdtemp(), settings=SITE + buses_and_devices)
        try:
            if simulated:
                self.site.start_simulator()
            self.site.start_door()
        except BaseException:
            self.site.close()
            raise

    def __exit__(self, *_):
        self.site.close()

    def wait_for(self, event, source=None, **data):
        """The next such event, with its time in seconds since 1970."""
        found = self.site.wait_for(event, within=PATIENCE, **data)
        assert source is None or found["source"].endswith("/" + source), found
        return {**found["data"], "source": found["source"], "at": datetime.datetime.fromisoformat(found["time"]).timestamp()}


class Arrivals:
    """What the kernel and then udev tell of a device that came, to whoever listens."""

    KERNEL, UDEV = 1, 2

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)  # NETLINK_KOBJECT_UEVENT
        self.socket.bind((0, self.KERNEL | self.UDEV))
        self.socket.settimeout(PATIENCE)

    def next(self, subsystem):
        """Its name below /dev, and when each of the two told of it."""
        told = {}
        while len(told) < 2:
            message, (_, groups) = self.socket.recvfrom(8192)
            lines = message.split(b"\0")
            if {b"ACTION=add", b"SUBSYSTEM=" + subsystem.encode()} <= set(lines):
                told[groups] = time.time()
                name = next(line for line in lines if line.startswith(b"DEVNAME="))
        return name.decode().removeprefix("DEVNAME=").removeprefix("/dev/"), told[self.KERNEL], told[self.UDEV]


def frame(object_c, ambient_c=22):
    """What a GY-MCU90614 says."""
    body = bytes.fromhex("5a5a4504") + struct.pack(">HH", round(object_c * 100) & 0xFFFF, round(ambient_c * 100))
    return body + bytes([sum(body) & 0xFF])


def udev(_):
    """Starts udev: nothing that it should know is plugged in yet."""
    subprocess.run(["/lib/systemd/systemd-udevd", "--daemon"], check=True)


# Vendor usage, eight bytes in and as a feature, without numbers.
DESCRIPTOR = bytes.fromhex("0600ff0901a101" "150026ff0075089508" "09018102" "0901b102" "c0")
CO2, HEAT = bytes.fromhex("5003ba0d0d000000"), bytes.fromhex("42129ef20d000000")
RELAYS_OFF = b"GATEH\0\0\0"


def meter(host):
    """A CO2 meter on HID: found, started, read, unplugged, found again."""
    stick = Stick(0, 0x04D9, 0xA052, "USB-zyTemp", DESCRIPTOR)
    stick.plug()
    with Door("buses: {{ air: {{ hid: {{}} }} }}\ndevices: {{ meter: {{ profile: zytemp-co2, bus: air }} }}\n") as door:

        def is_read():
            """It is started; then its reports become readings, but for the first five."""
            started = stick.told.get(timeout=PATIENCE)
            for _ in range(6):
                stick.report(CO2)
                stick.report(HEAT)
            door.wait_for("device.up", "meter")
            return started.hex()

        with host.check("a HID meter is found, started and read") as saw:
            door.wait_for("port.opened", "air")
            saw["started_with"] = is_read()
            for field in ["co2", "temperature"]:
                saw[field] = door.wait_for("reading", "meter", field=field, quality="good")["value"]
        with host.check("a HID meter is lost and found again"):
            stick.unplug()
            door.wait_for("port.lost", "air")
            door.wait_for("device.down", "meter", reason="port_lost")
            stick.plug()
            door.wait_for("port.opened", "air")
            is_read()
    stick.unplug()


def simulated(host):
    """Sticks that gatehouse-sim plays by /dev/uhid: one that is asked in reports, one in features."""
    with Door(simulated_sticks.SETTINGS, simulated=True) as door:
        for name, check in simulated_sticks.CHECKS.items():
            with host.check(name):
                check(door.site, PATIENCE)


def adapter(host):
    """An FTDI adapter that comes and goes beside another with the same numbers."""
    arrivals = Arrivals()

    def plug(line, serial):
        host.do("plug", line=line, serial=serial)
        return arrivals.next("tty")

    node, _, _ = plug(0, "GH0001")
    with Door('buses: {{ door-ir: {{ serial: {{ usb: "0403:6001", serial_number: GH0001 }} }} }}\n'
              "devices: {{ eye: {{ profile: gy-mcu90614, bus: door-ir }} }}\n") as door:
        with host.check("an FTDI adapter is found by its numbers"):
            door.wait_for("port.opened", "door-ir")
        with host.check("an FTDI adapter holds bytes for 1 ms") as saw:
            saw["latency_timer"] = int(pathlib.Path(f"/sys/bus/usb-serial/devices/{node}/latency_timer").read_text())
        with host.check("bytes behind an FTDI adapter become readings") as saw:
            host.do("send", line=0, hex=frame(31.25).hex())
            door.wait_for("device.up", "eye")
            saw["value"] = door.wait_for("reading", "eye", field="object_temperature", quality="good")["value"]
        with host.check("an FTDI adapter that is pulled out is lost") as saw:
            host.do("unplug", line=0)
            saw["reason"] = door.wait_for("port.lost", "door-ir")["reason"]
            door.wait_for("device.down", "eye", reason="port_lost")
        with host.check("an FTDI adapter is found again under another name") as saw:
            saw["nodes"] = [node, plug(1, "GH0002")[0]]
            node, kernel, udev = plug(0, "GH0001")
            opened = door.wait_for("port.opened", "door-ir")["at"]
            saw["nodes"].append(node)
            saw |= {"opened_after_kernel_s": opened - kernel, "opened_after_udev_s": opened - udev}
            host.do("send", line=0, hex=frame(31.25).hex())
            door.wait_for("device.up", "eye")
    with host.check("an FTDI line is set as settings say") as saw:
        saw["lines"] = [
            line_of(node, "{ baud: 4800, format: 7E2, rts: on, dtr: off }"), line_of(node, "{ format: 8O1, rts: off, dtr: on }")]
    with host.check("a driver that cannot switch RS-485 says so") as saw, Door(adapter_site("{ rs485: true }")) as door:
        saw["reason"] = door.wait_for("port.lost", "door-ir")["reason"]
        process = door.site.door
        # It may have been told before the door was ready.
        saw["told"] = next((line for line in process.seen if "RS-485" in line), None) or process.wait_for_line(
            lambda line: "RS-485" in line, within=PATIENCE)
    host.do("unplug", line=0)
    host.do("unplug", line=1)


def adapter_site(line):
    return ('buses: {{ door-ir: {{ serial: {{ usb: "0403:6001", serial_number: GH0001 }}, line: ' + line.replace("{", "{{").replace("}", "}}")
            + " }} }}\ndevices: {{ eye: {{ profile: gy-mcu90614, bus: door-ir }} }}\n")


def taken(process, path):
    """The same open file as this process has: opening the tty once more would raise its lines."""
    number = next(int(link.name) for link in pathlib.Path(f"/proc/{process}/fd").iterdir() if os.readlink(link) == path)
    kernel = ctypes.CDLL(None, use_errno=True)
    handle = kernel.syscall(434, process, 0)  # pidfd_open
    copy = kernel.syscall(438, handle, number, 0)  # pidfd_getfd
    os.close(handle)
    assert copy >= 0, os.strerror(ctypes.get_errno())
    return copy


def line_of(node, line):
    """What the kernel says of a tty that the door has opened with these settings."""
    with Door(adapter_site(line)) as door:
        door.wait_for("port.opened", "door-ir")
        tty = taken(door.site.door.popen.pid, f"/dev/{node}")
        try:
            control, speed = termios.tcgetattr(tty)[2], termios.tcgetattr(tty)[5]
            lines = struct.unpack("i", fcntl.ioctl(tty, termios.TIOCMGET, bytes(4)))[0]
        finally:
            os.close(tty)
    parity = "N" if not control & termios.PARENB else "O" if control & termios.PARODD else "E"
    bits = {termios.CS7: 7, termios.CS8: 8}[control & termios.CSIZE]
    return {
        "format": f"{bits}{parity}{2 if control & termios.CSTOPB else 1}",
        "baud": {termios.B4800: 4800, termios.B115200: 115200, termios.B9600: 9600}[speed],
        "rts": bool(lines & termios.TIOCM_RTS), "dtr": bool(lines & termios.TIOCM_DTR)}


class Neighbours(contextlib.AbstractContextManager):
    """A HID relay board that may stop answering, and a thermometer on another port of the same door."""

    def __init__(self, more_buses="", more_devices=""):
        self.stick = Stick(0, 0x16C0, 0x05DF, "USBRelay2", DESCRIPTOR, feature=RELAYS_OFF)
        self.stick.plug()
        self.line, self.end = pty.openpty()
        tty.setraw(self.end)
        self.door = Door(
            f"buses:\n  io: {{{{ hid: {{{{}}}} }}}}\n  door-ir: {{{{ serial: {os.ttyname(self.end)} }}}}\n{more_buses}"
            "devices:\n  relays: {{ profile: usb-hid-relay, bus: io }}\n"
            "  eye: {{ profile: gy-mcu90614, bus: door-ir }}\n" + more_devices)
        self.door.wait_for("device.up", "relays")
        self.say(20)
        self.door.wait_for("device.up", "eye")

    def __exit__(self, *_):
        # What hangs in the kernel can't end before it has its answer.
        self.stick.answer(RELAYS_OFF)
        self.door.__exit__()
        self.stick.unplug()
        os.close(self.line)
        os.close(self.end)

    def say(self, object_c):
        os.write(self.line, frame(object_c))

    def fall_silent(self):
        """When the first request without an answer had come."""
        self.stick.feature = None
        return self.stick.left_unanswered.get(timeout=PATIENCE)

    def readings(self):
        devices = self.door.site.status()["devices"]
        return next(device["counters"]["good_readings"] for device in devices if device["name"] == "eye")

    def await_taken(self):
        """Until the door has taken every byte off the line."""
        waiting = bytearray(4)
        while fcntl.ioctl(self.end, termios.FIONREAD, waiting) == 0 and any(waiting):
            os.sched_yield()


def neighbour(host):
    """A HID board that never answers holds its own thread only."""
    with Neighbours() as both, host.check("a HID board that never answers holds up no other port") as saw:
        frames, before = 200, both.readings()
        asked = both.fall_silent()
        for _ in range(frames):
            both.say(20)
        both.say(-100)  # Behind them one that no thermometer says: that it is none is always logged.
        decided = both.door.wait_for("reading", "eye", field="object_temperature", quality="invalid")["at"]
        saw["decided_after_s"] = decided - asked
        saw["given_up_after_s"] = both.stick.given_up.get(timeout=PATIENCE) - asked
        saw["frames"] = (both.readings() - before) // 2
        saw["lost"] = both.door.wait_for("port.lost", "io")["reason"]


def openings(host):
    """An adapter comes while a HID board does not answer and another stick is not what it should be: the door opens that one
    again and again, and hidraw lets no node be opened while a feature report of any other is asked for.
    """
    wrong = Stick(1, 0x04D9, 0xA052, "USB-zyTemp", DESCRIPTOR.replace(bytes.fromhex("9508"), bytes.fromhex("9507")))
    wrong.plug()
    with Neighbours('  air: {{ hid: {{}} }}\n  spare: {{ serial: {{ usb: "0403:6001" }} }}\n',
                    "  meter: {{ profile: zytemp-co2, bus: air }}\n  spare-eye: {{ profile: gy-mcu90614, bus: spare }}\n") as both:
        with host.check("a HID board that never answers holds up no adapter that comes") as saw:
            arrivals = Arrivals()
            asked = both.fall_silent()
            host.do("plug", line=0, serial="GH0001")
            _, came, _ = arrivals.next("tty")
            while not (opened := both.door.wait_for("port.opened"))["source"].endswith("/spare"):
                pass
            saw["opened_after_s"] = opened["at"] - came
            saw["given_up_after_s"] = both.stick.given_up.get(timeout=PATIENCE) - asked
    host.do("unplug", line=0)
    wrong.unplug()


def latency(host):
    """The thermometer's latency of decision, 99 of 100, beside a board that answers and beside one that does not."""

    def p99(silent):
        with Neighbours() as both:
            if silent:
                both.fall_silent()
            # Emulated, more would take longer than the kernel's patience with the board.
            for _ in range(500 if IS_FAST else 100):
                both.say(20)
                both.await_taken()
            if silent:
                assert both.stick.given_up.empty(), "the kernel gave up before the end"
            return both.door.site.status()["latency_us"]["decision"]["p99"]

    with host.check("a HID board that never answers slows down no other port") as saw:
        rounds, tries = (5, 3) if IS_FAST else (1, 1)
        saw["ratios"] = []
        while len(saw["ratios"]) < tries and min(saw["ratios"], default=9) > 1.5:
            pairs = [(p99(False), p99(True)) for _ in range(rounds)]
            quiet, silent = (statistics.median(side) for side in zip(*pairs))
            saw |= {"quiet_us": quiet, "silent_us": silent}
            saw["ratios"].append(silent / quiet)


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (16384, 16384))
    host = Host()
    host.say(kernel=os.uname().release)
    for scenario in [udev, meter, simulated, adapter, neighbour, openings, latency]:
        with contextlib.suppress(Exception), host.check(scenario.__name__):
            scenario(host)
    pathlib.Path("/proc/sysrq-trigger").write_text("o")
    select.select([], [], [])  # Until the power is off.


main()
