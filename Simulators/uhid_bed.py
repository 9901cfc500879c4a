"""Stands for the kernel's /dev/uhid where there is none, with umockdev: the HID devices of `gatehouse-sim run --uhid SOCKET` become
/dev/hidrawN and udev events for the program that is started here, and for nobody else.

    umockdev-wrapper /usr/bin/python3 Simulators/uhid_bed.py SOCKET PROGRAM [ARGUMENT…]

Each connection to SOCKET is one device, each packet on it one event of linux/uhid.h. Ends when the program does.

umockdev loses sight of a descriptor that gets another number. The door gives all of its own others, so reports reach it here and go
out, and feature reports do not.
"""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import termios

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import GLib, UMockdev  # noqa: E402

OUTPUT, GET_REPORT, GET_REPORT_REPLY, CREATE, INPUT, SET_REPORT, SET_REPORT_REPLY = 6, 9, 10, 11, 12, 13, 14
DATA_MAX, EVENT_MAX = 4096, 4380
# _IOC(direction, 'H', number, size) of linux/hidraw.h, without its size.
DESCRIPTOR_SIZE, DESCRIPTOR, SET_FEATURE, GET_FEATURE = 0x80004801, 0x80004802, 0xC0004806, 0xC0004807
TIOCGPTPEER = 0x5441
PATIENCE_MS = 5000  # How long the kernel waits for a device's answer.
INTERVAL_MS = 10  # Between two reports of a stick: its endpoint's interval.
QUEUE_MAX = 64  # Reports that hidraw holds for a program.


class Device:
    """One device, from its creation to the end of its connection."""

    def __init__(self, bed, number, connection):
        self.bed = bed
        self.number = number
        self.connection = connection
        self.asked = {}
        self.reports = []
        self.requests = 0
        self.line = None

    def take(self, event):
        kind, data = struct.unpack("<I", event[:4])[0], event[4:]
        if kind == CREATE:
            self.create(data)
        elif kind == INPUT:
            size = struct.unpack("<H", data[:2])[0]
            if len(self.reports) < QUEUE_MAX:
                self.reports.append(data[2:2 + size])
        elif kind == GET_REPORT_REPLY:
            request, error, size = struct.unpack("<IHH", data[:8])
            self.answer(request, error, data[8:8 + size])
        elif kind == SET_REPORT_REPLY:
            self.answer(*struct.unpack("<IH", data[:6]))

    def create(self, data):
        name, place, serial = (part.split(b"\0")[0].decode() for part in struct.unpack("128s64s64s", data[:256]))
        size, bus, vendor, product = struct.unpack("<HHII", data[256:268])
        self.descriptor = data[276:276 + size]
        node = f"hidraw{self.number}"
        parent = f"/devices/virtual/misc/uhid/{bus:04X}:{vendor:04X}:{product:04X}.{self.number + 1:04X}"
        self.paths = [f"/sys{parent}/hidraw/{node}", f"/sys{parent}"]
        self.handler = UMockdev.IoctlBase()
        self.handler.connect("handle-ioctl", self.control)
        self.bed.attach_ioctl(f"/dev/{node}", self.handler)  # Before there is a node that somebody could open.
        self.bed.add_from_string(
            f"P: {parent}\nE: SUBSYSTEM=hid\nE: HID_ID={bus:04X}:{vendor:08X}:{product:08X}\nE: HID_NAME={name}\n"
            f"E: HID_PHYS={place}\nE: HID_UNIQ={serial}\n\n"
            f"P: {parent}/hidraw/{node}\nN: {node}\nE: DEVNAME=/dev/{node}\nE: SUBSYSTEM=hidraw\nE: MAJOR=240\nE: MINOR={self.number}\n")
        # The node is a pseudo-terminal. With its far end open here too, no program's going hangs it up, and what is unread is seen.
        self.line = self.bed.get_dev_fd(f"/dev/{node}")
        self.far_end = fcntl.ioctl(self.line, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
        self.watches = [
            GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self.line, GLib.IOCondition.IN, self.written),
            GLib.timeout_add(INTERVAL_MS, self.report)]
        self.bed.uevent(self.paths[0], "add")

    def report(self):
        """One report at a time: bytes in a pseudo-terminal do not say where one ends."""
        unread = bytearray(4)
        fcntl.ioctl(self.far_end, termios.FIONREAD, unread)
        if self.reports and not any(unread):
            os.write(self.line, self.reports.pop(0))
        return True

    def remove(self):
        if self.line is None:
            return
        for watch in self.watches:
            GLib.source_remove(watch)
        for request in list(self.asked):
            self.answer(request, errno.EIO)
        self.bed.uevent(self.paths[0], "remove")
        for path in self.paths:
            self.bed.remove_device(path)
        os.close(self.far_end)
        os.close(self.line)
        self.line = None

    # What the program does with its node

    def written(self, line, condition):
        """An output report; what is written at once is one."""
        with contextlib.suppress(OSError):
            report = os.read(line, DATA_MAX)
            self.tell(OUTPUT, report.ljust(DATA_MAX, b"\0") + struct.pack("<HB", len(report), 1))
        return True

    def control(self, handler, client):
        kind, size = client.get_request() & 0xC000FFFF, client.get_request() >> 16 & 0x3FFF
        if kind == DESCRIPTOR_SIZE:
            self.give(client, struct.pack("<I", len(self.descriptor)), 0)
        elif kind == DESCRIPTOR:
            self.give(client, struct.pack("<I", len(self.descriptor)) + self.descriptor, 0)
        elif kind in [SET_FEATURE, GET_FEATURE]:
            self.requests += 1
            report = bytes(client.get_arg().resolve(0, size).retrieve())
            patience = GLib.timeout_add(PATIENCE_MS, self.answer, self.requests, errno.EIO)
            self.asked[self.requests] = (client, size, patience)
            if kind == SET_FEATURE:
                self.tell(SET_REPORT, struct.pack("<IBBH", self.requests, report[0], 0, size) + report)
            else:
                self.tell(GET_REPORT, struct.pack("<IBB", self.requests, report[0], 0))
        else:
            client.complete(-1, errno.ENOTTY)
        return True

    def answer(self, request, error, report=None):
        """The program gets what it asked for; `report` is what there is of it, when it asked for one."""
        if request not in self.asked:
            return False
        client, size, patience = self.asked.pop(request)
        GLib.source_remove(patience)
        if error:
            client.complete(-1, errno.EIO)
        elif report is None:
            client.complete(size, 0)
        else:
            self.give(client, report[:size], len(report[:size]))
        return False

    def give(self, client, data, result):
        client.get_arg().resolve(0, len(data)).update(0, data)
        client.complete(result, 0)

    def tell(self, kind, data):
        with contextlib.suppress(OSError):
            self.connection.send(struct.pack("<I", kind) + data)


def main(place, *program):
    bed = UMockdev.Testbed.new()
    loop = GLib.MainLoop()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place)
    listener.bind(place)
    listener.listen()
    devices = []

    def accept(*_):
        connection, _ = listener.accept()
        devices.append(Device(bed, len(devices), connection))
        GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, connection.fileno(), GLib.IOCondition.IN, hear, devices[-1])
        return True

    def hear(_, condition, device):
        with contextlib.suppress(ConnectionError):
            if event := device.connection.recv(EVENT_MAX):
                device.take(event)
                return True
        device.remove()
        device.connection.close()
        return False

    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, listener.fileno(), GLib.IOCondition.IN, accept)
    child = subprocess.Popen(program)
    for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, lambda: child.terminate() or True)
    GLib.child_watch_add(GLib.PRIORITY_DEFAULT, child.pid, lambda _, status: (setattr(loop, "status", status), loop.quit()))
    loop.run()
    os.unlink(place)
    sys.exit(os.waitstatus_to_exitcode(loop.status))


main(*sys.argv[1:])
