"""A HID stick in software, plugged into the kernel's virtual host controller (vhci_hcd) with USB/IP as its cable.

To usbcore, usbhid, hidraw and udev it is a device like any other, with descriptors, reports and a socket it sits in; the
kernel's documentation has the protocol under "USB/IP protocol". Whether it answers is for a test to say: `feature = None`
leaves each request for a feature report without an answer, until the kernel gives up.
"""

import errno
import pathlib
import queue
import socket
import struct
import threading
import time

HOST_CONTROLLER = pathlib.Path("/sys/devices/platform/vhci_hcd.0")
FULL_SPEED = 2
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4


class Stick:
    """One HID device with 8 byte reports in, and feature reports both ways."""

    def __init__(self, port, vendor, product, name, descriptor, feature=bytes(8)):
        self.port = port
        self.descriptor = descriptor
        self.feature = feature
        self.strings = {1: "Gatehouse", 2: name}
        hid = struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, len(descriptor))
        endpoint = struct.pack("<BBBBHB", 7, 5, 0x81, 3, 8, 10)
        interface = bytes([9, 4, 0, 0, 1, 3, 0, 0, 0])
        self.device = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 8, vendor, product, 0x0100, 1, 2, 0, 1)
        self.configuration = struct.pack("<BBHBBBBB", 9, 2, 34, 1, 1, 0, 0x80, 50) + interface + hid + endpoint
        self.lock = threading.Lock()

    def plug(self):
        # What each SET_REPORT said; when a GET_REPORT was left without an answer, and when the kernel gave it up.
        self.told, self.left_unanswered, self.given_up = queue.Queue(), queue.Queue(), queue.Queue()
        self.unanswered, self.listening, self.reports = [], [], []
        self.cable, far_end = socket.socketpair()
        with far_end:
            (HOST_CONTROLLER / "attach").write_text(f"{self.port} {far_end.fileno()} {self.port + 1} {FULL_SPEED}")
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def unplug(self):
        (HOST_CONTROLLER / "detach").write_text(str(self.port))
        self.thread.join()
        self.cable.close()

    def report(self, report):
        """Sends an input report, as soon as the kernel listens."""
        with self.lock:
            self.reports.append(report)
            self._send_reports()

    def answer(self, feature):
        """From now on it answers, first what was left without an answer."""
        with self.lock:
            self.feature = feature
            while self.unanswered:
                self._submitted(self.unanswered.pop(), feature)

    # The wire

    def _serve(self):
        while head := self._receive(48):
            command, number, _, into, endpoint, flags, length = struct.unpack(">7I", head[:28])
            with self.lock:
                if command == UNLINK:
                    self._unlink(number, flags)
                elif endpoint:
                    self.listening.append(number)
                    self._send_reports()
                elif into:
                    self._read(number, head[40:])
                else:
                    self._written(number, head[40:], self._receive(length))

    def _receive(self, count):
        data = b""
        while len(data) < count:
            more = self.cable.recv(count - len(data))
            if not more:
                return b""
            data += more
        return data

    def _submitted(self, number, data=b"", status=0, written=0):
        self.cable.sendall(struct.pack(">5IiI12x8x", SUBMITTED, number, 0, 0, 0, status, len(data) or written) + data)

    def _unlink(self, number, given_up):
        """The kernel no longer waits for `given_up`."""
        if given_up in self.listening:
            self.listening.remove(given_up)
        if given_up in self.unanswered:
            self.unanswered.remove(given_up)
            self.given_up.put(time.time())
        self.cable.sendall(struct.pack(">5Ii24x", UNLINKED, number, 0, 0, 0, -errno.ECONNRESET))

    def _send_reports(self):
        while self.reports and self.listening:
            self._submitted(self.listening.pop(0), self.reports.pop(0))

    def _read(self, number, setup):
        """A control transfer to the host."""
        kind, request, value, _, length = struct.unpack("<BBHHH", setup)
        if (kind, request) == (0xA1, 1):  # GET_REPORT
            if self.feature is None:
                self.unanswered.append(number)
                self.left_unanswered.put(time.time())
            else:
                self._submitted(number, self.feature[:length])
            return
        descriptors = {0x01: self.device, 0x02: self.configuration, 0x22: self.descriptor, 0x03: self._string(value & 0xFF)}
        found = descriptors.get(value >> 8) if request == 6 else bytes(length)
        if found is None:
            self._submitted(number, status=-errno.EPIPE)
        else:
            self._submitted(number, found[:length])

    def _string(self, index):
        text = self.strings.get(index)
        data = text.encode("utf-16-le") if text else struct.pack("<H", 0x0409)
        return bytes([len(data) + 2, 3]) + data

    def _written(self, number, setup, data):
        """A control transfer to the stick."""
        if setup[:2] == bytes([0x21, 9]):  # SET_REPORT
            self.told.put(data)
        self._submitted(number, written=len(data))
