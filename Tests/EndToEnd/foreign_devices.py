"""Devices that none of our code plays, with pymodbus's frames.

As a program: a relay board and a CO2 probe over Modbus TCP, another pair over Modbus RTU, and every coil that is written,
printed. Usage: foreign_devices.py TCP_PORT LINK (the link will name the pseudo-terminal of the RTU bus).

As a module: Modbus devices inside a test, each with a manner, which says what goes over the wire after a request. A manner
may answer well, or late, in pieces, wrongly or never; it can be changed while the device is being asked.
"""

import asyncio
import dataclasses
import os
import pathlib
import pty
import sys
import threading
import tty

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse
from pymodbus.server import ModbusSerialServer, ModbusTcpServer

from site_under_test import Site

# IEEE 754, and the probe sends its low word first: 987.5 ppm is 4476 E000, 612.25 ppm is 4419 1000.
CO2 = {"rtu": [0xE000, 0x4476], "tcp": [0x1000, 0x4419]}


def say_writes(wire):
    def trace(sending, pdu):
        if not sending and pdu.function_code == 5:
            print(f"{wire} coil {pdu.address} {'on' if pdu.bits[0] else 'off'}", flush=True)
        return pdu

    return trace


def devices(wire):
    # pymodbus counts its blocks from 1: address 0 on the wire is the second entry here.
    coils = ModbusSequentialDataBlock(1, [False] * 0x500)
    inputs = ModbusSequentialDataBlock(1, [False] * 8)
    registers = [0] * 0x900
    registers[0:2] = CO2[wire]
    return ModbusServerContext(
        devices={
            1: ModbusDeviceContext(co=coils, di=inputs),
            31: ModbusDeviceContext(hr=ModbusSequentialDataBlock(1, registers)),
        },
        single=False)


async def main(tcp_port, link):
    # The server gets one end of a pseudo-terminal, the door finds the other through the link.
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    near, _ = open_line(link)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, lambda: os.write(near, os.read(master, 4096)))
    loop.add_reader(near, lambda: os.write(master, os.read(near, 4096)))
    serial = ModbusSerialServer(
        devices("rtu"), port=os.ttyname(slave), baudrate=19200, stopbits=2, trace_pdu=say_writes("rtu"))
    tcp = ModbusTcpServer(devices("tcp"), address=("127.0.0.1", tcp_port), trace_pdu=say_writes("tcp"))
    await serial.serve_forever(background=True)
    await tcp.serve_forever(background=True)
    print("ready", flush=True)
    await asyncio.Event().wait()


def open_line(link):
    """A new pseudo-terminal: the near end, and the far one, which is found through `link`. As long as this program has the
    far end open too, nobody's coming and going hangs it up."""
    near, far = pty.openpty()
    tty.setraw(near)
    tty.setraw(far)
    os.symlink(os.ttyname(far), link)
    return near, far


# Inside a test

FRAMERS = {"tcp": FramerSocket(DecodePDU(True)), "rtu": FramerRTU(DecodePDU(True))}
pause = asyncio.sleep  # How a device paces itself: the time-out of its loop's select.


@dataclasses.dataclass(frozen=True)
class Request:
    """A read of registers; `number` counts what its device was asked, from 1."""

    way: str
    number: int
    unit: int
    function: int
    address: int
    count: int
    transaction: int = 0

    def reply(self, *registers, **instead):
        """The frame that answers it with these registers, the last of them again and again; `instead` of its own, another
        `unit` or `transaction`."""
        registers = [*registers, *[registers[-1]] * self.count][:self.count]
        answer = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}[self.function]
        return self.frame(answer(registers=registers), **instead)

    def refusal(self, code):
        return self.frame(ExceptionResponse(self.function, code))

    def frame(self, pdu, **instead):
        pdu.dev_id = instead.get("unit", self.unit)
        pdu.transaction_id = instead.get("transaction", self.transaction)
        return FRAMERS[self.way].buildFrame(pdu)


class Device:
    """One unit. `manner(request, wire)` plays its part."""

    def __init__(self, loop, manner, greeting=None):
        self.manner = manner
        self.greeting = greeting
        self.requests = []
        self.connections = 0
        self.port = None
        self._loop = loop
        self._acts = set()
        self._heard = threading.Condition()

    def behave(self, manner, greeting=None):
        """From now on like this; what is being said is broken off."""

        def change():
            self.manner = manner
            self.greeting = greeting
            self.break_off()

        self._loop.call_soon_threadsafe(change)

    def wait_until_asked(self, times, since=None, within=20.0):
        """Until it was asked so often, from now on or after the request `since`."""
        self._wait(lambda: len(self.requests), times, since, within)

    def wait_until_called(self, times, since=None, within=20.0):
        """Until so many connections were made."""
        self._wait(lambda: self.connections, times, since, within)

    def _wait(self, count, times, since, within):
        with self._heard:
            since = count() if since is None else since
            done = self._heard.wait_for(lambda: count() >= since + times, within)
            assert done, f"{count() - since} of {times} came within {within} s"

    # On the loop's thread

    def hear(self, wire, **asked):
        with self._heard:
            request = Request(number=len(self.requests) + 1, **asked)
            self.requests.append(request)
            self._heard.notify_all()
        self.act(self.manner(request, wire))

    def called(self, wire):
        with self._heard:
            self.connections += 1
            self._heard.notify_all()
        if self.greeting:
            self.act(self.greeting(wire))

    def break_off(self):
        for act in self._acts:
            act.cancel()

    def act(self, coroutine):
        act = self._loop.create_task(coroutine)
        self._acts.add(act)
        act.add_done_callback(self._acts.discard)


class Wire:
    """What a manner says its bytes to."""

    def __init__(self, say, end=None):
        self.say = say
        self.end = end
        self.stays = False


class ForeignDevices:
    """Devices in the test's own process, on a thread of their own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._take_fault)
        self.faults = []
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def tcp(self, manner, greeting=None):
        """One behind a `port` of its own; `greeting(wire)` plays what happens when a connection is made."""
        device = Device(self.loop, manner, greeting)

        async def listen():
            server = await asyncio.start_server(lambda *ends: self._serve(device, *ends), "127.0.0.1", 0)
            return server.sockets[0].getsockname()[1]

        device.port = asyncio.run_coroutine_threadsafe(listen(), self.loop).result(10)
        return device

    async def _serve(self, device, reader, writer):
        wire = Wire(writer.write, writer.close)
        device.called(wire)
        try:
            while True:
                asked = await reader.readexactly(12)
                device.hear(
                    wire, way="tcp", transaction=int.from_bytes(asked[0:2]), unit=asked[6], function=asked[7],
                    address=int.from_bytes(asked[8:10]), count=int.from_bytes(asked[10:12]))
        except (asyncio.IncompleteReadError, ConnectionError):
            device.break_off()
        if not wire.stays:
            writer.close()

    def line(self, link, manners, echo=False):
        """A serial line with a device a unit, counted from 1 in the order of their manners by name."""
        return Line(self.loop, link, manners, echo)

    def close(self):
        def stop():
            for task in asyncio.all_tasks():
                task.cancel()
            self.loop.call_soon(self.loop.stop)

        self.loop.call_soon_threadsafe(stop)
        self._thread.join(10)
        assert not self.faults, self.faults

    def _take_fault(self, loop, context):
        """What went wrong here, in the devices; that the door hangs up on them is no fault."""
        if not isinstance(context.get("exception"), OSError):
            self.faults.append(context)


class Line:
    """The far end of a serial line: what it `heard`, who was asked in which `order`, and for each request how long after
    the last byte that was said (`gaps`)."""

    def __init__(self, loop, link, manners, echo):
        self.near, self.far = open_line(link)
        os.set_blocking(self.near, False)
        self.devices = {name: Device(loop, manner) for name, manner in manners.items()}
        self.order = []
        self.gaps = []
        self.heard = b""
        self._echo = echo
        self._loop = loop
        self._waiting = b""
        self._said_at = None
        self._wire = Wire(self.say)
        loop.call_soon_threadsafe(loop.add_reader, self.near, self._hear)

    def say(self, data):
        """What finds no room, because nobody reads, is lost."""
        self._said_at = self._loop.time()  # Before: a pause of this thread makes no gap look shorter than it is.
        try:
            os.write(self.near, data)
        except BlockingIOError:
            pass

    def unplug(self):
        """Both ends are gone; the link leads nowhere."""
        gone = threading.Event()

        def go():
            self._loop.remove_reader(self.near)
            os.close(self.near)
            os.close(self.far)
            gone.set()

        self._loop.call_soon_threadsafe(go)
        assert gone.wait(10)

    def _hear(self):
        data = os.read(self.near, 4096)
        if self._said_at is not None:
            self.gaps.append(self._loop.time() - self._said_at)
        self.heard += data
        if self._echo:
            self.say(data)
        self._waiting += data
        names = list(self.devices)
        while len(self._waiting) >= 8:
            asked, self._waiting = self._waiting[:8], self._waiting[8:]
            assert FramerRTU.check_CRC(asked[:6], int.from_bytes(asked[6:8])), asked.hex()
            name = names[asked[0] - 1]
            self.order.append(name)
            self.devices[name].hear(
                self._wire, way="rtu", unit=asked[0], function=asked[1], address=int.from_bytes(asked[2:4]),
                count=int.from_bytes(asked[4:6]))


# Manners

def says(*registers):
    """A device that is well."""

    async def manner(request, wire):
        wire.say(request.reply(*registers))

    return manner


async def silent(request, wire):
    pass


async def counts(request, wire):
    """Each answer tells by its value which request it belongs to."""
    wire.say(request.reply(request.number))


def late(by, answer):
    """Says what `answer` would, so many seconds later."""

    async def manner(request, wire):
        await pause(by)
        await answer(request, wire)

    return manner


# A site of meters

METER = """\
id: {name}
maker: nobody
model: of a test
kind: meter
source: this test
proof: constructed
transport: modbus
line: {{ baud: {baud}, format: 8N1 }}
power: {{ powered_by: own, warm_up_s: {warm_up_s} }}
unit: 1
limits: {{ every_ms: {every_ms}, reply_within_ms: {reply_within_ms} }}
fields:
{fields}
"""
FIELDS = "  co2: { holding: 0, type: u16, unit: ppm, use: co2 }"


class MeterSite(Site):
    """A door that reads meters, which are devices of the test's own process: each is asked for one register every 300 ms
    and has 100 ms to answer. Every reading is logged."""

    def __init__(self, folder):
        self.foreign = ForeignDevices()
        self.places = pathlib.Path(folder)
        self.links = self.places / "run"
        self.profiles_folder = self.places / "profiles"
        self.processes = []
        self.buses = []
        self.meters = []
        self.more = ""
        self.links.mkdir()
        self.profiles_folder.mkdir()
        self.profile("meter")

    def profile(self, name, fields=FIELDS, **other):
        """A kind of meter; `other` of its numbers than the usual ones."""
        numbers = {"every_ms": 300, "reply_within_ms": 100, "warm_up_s": 0, "baud": 115200, **other}
        (self.profiles_folder / f"{name}.yaml").write_text(METER.format(name=name, fields=fields, **numbers))
        return name

    def tcp(self, name, manner, profile="meter", greeting=None):
        """A meter of this name on a connection of its own, `…-bus`."""
        device = self.foreign.tcp(manner, greeting)
        self.buses.append(f'{name}-bus: {{ modbus_tcp: "127.0.0.1:{device.port}" }}')
        self.meters.append(f"{name}: {{ profile: {profile}, bus: {name}-bus, unit: 1 }}")
        return device

    def line(self, name, manners, profile="meter", echo=False, settings="{}"):
        """Meters by name on a serial line of this name; the line's `settings` as they stand in the file."""
        line = self.foreign.line(self.links / name, manners, echo)
        self.buses.append(f"{name}: {{ modbus_rtu: {self.links / name}, line: {settings} }}")
        for number, meter in enumerate(manners):
            self.meters.append(f"{meter}: {{ profile: {profile}, bus: {name}, unit: {number + 1} }}")
        return line

    def open(self, **options):
        """Writes the settings and starts the door."""
        text = "\n".join([
            "site: { id: test-site, name: Test site, time_zone: Asia/Shanghai }", "desk: none",
            "log: { folder: log, reading_interval_s: 0.1, dead_band_ppm: 0, dead_band_other: 0 }",
            "buses:", *(f"  {bus}" for bus in self.buses), "devices:", *(f"  {meter}" for meter in self.meters), self.more])
        super().__init__(self.places, settings=text.replace("{", "{{").replace("}", "}}"), profiles=self.profiles_folder)
        self.start_door(**options)
        self.follow()
        return self

    def readings(self, device):
        """All that were logged of one device, with their times."""
        return [event for event in self.events("--type", "gatehouse.reading") if event["data"]["device"] == device]

    def meter(self, name):
        """What the door says of it now: its state, and its first field."""
        device = next(device for device in self.status()["devices"] if device["name"] == name)
        return device["state"], device["fields"][0]

    def close(self):
        super().close()
        self.foreign.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
