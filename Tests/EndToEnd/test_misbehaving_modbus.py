"""Modbus devices that answer late, in pieces, wrongly, too much or never, all at once, beside good ones.

One door is besieged once; each attack has a meter of its own, on a connection or a serial line of its own, and on most lines
a good meter beside it. Every attack carries a value that is nobody's, and that no reading may ever have. The frames are
pymodbus's, and so are good until an attack has spoiled them.
"""

import dataclasses
import datetime
import math
import os
import pathlib
import time

import pytest

from foreign_devices import MeterSite, late, pause, says
from site_under_test import TORTURE, moment

POISON = 31337
RIGHT = 612
TIMEOUT = 0.1
# How long a siege lasts at least, and how often there is one in a night.
SIEGE_S = float(os.environ.get("GATEHOUSE_SIEGE_S", 300 if TORTURE else 0))
SIEGES = int(os.environ.get("GATEHOUSE_SIEGES", 8))
PERIODS = {"meter": 0.3, "values": 0.3, "seldom": 0.9}
WELL = says(RIGHT, 0x41A4, 0)


def spoiled(how):
    """One frame, made from a good one that holds the poison."""

    async def manner(request, wire):
        wire.say(how(bytearray(request.reply(POISON)), request))

    return manner


def with_length(frame, length):
    """The header of TCP says so."""
    frame[4:6] = length.to_bytes(2)
    return frame


def with_check(frame):
    """RTU: the checksum spoiled in one bit."""
    frame[-1] ^= 1
    return frame


async def in_single_bytes(request, wire):
    """A good answer, but in pieces: it is whole well before its time."""
    for byte in request.reply(RIGHT):
        wire.say(bytes([byte]))
        await pause(0.002)


async def slowly(request, wire):
    """A byte just before each time-out, as if every byte had one of its own."""
    for byte in request.reply(POISON):
        wire.say(bytes([byte]))
        await pause(TIMEOUT - 0.01)


async def twice(request, wire):
    wire.say(request.reply(RIGHT) + request.reply(POISON))


async def unasked(request, wire):
    """A good answer; then, when nothing is asked, answers to this request and to the next."""
    wire.say(request.reply(RIGHT))
    await pause(TIMEOUT)
    wire.say(request.reply(POISON) + request.reply(POISON, transaction=request.transaction + 1))


async def never_closes(request, wire):
    """Nonsense, after which it stays on the line even when the door has hung up."""
    wire.stays = True
    wire.say(b"\xff" * 64)


async def endlessly(request, wire):
    """Bytes without an end, and no frame among them."""
    while True:
        wire.say(b"\xff" * 1024)
        await pause(0.01)


async def endless_frames(request, wire):
    """Frames without an end, none of which was asked for."""
    while True:
        wire.say(request.reply(POISON, transaction=request.transaction ^ 0x8000) * 50)
        await pause(0.01)


async def hangs_up(*heard):
    """At the first request, and then as soon as there is a connection."""
    heard[-1].end()


async def refuses(request, wire):
    """The register map has changed: no such address any more."""
    wire.say(request.refusal(2))


async def no_values(request, wire):
    """Frames that are right, around numbers that are none: -999 and 0x8000, and NaN and infinity."""
    wire.say(request.reply([0xFC19, 0x8000][request.number % 2], [0x7FC0, 0x7F80][request.number // 2 % 2], 0))


VALUES = "\n".join([
    "  co2: { holding: 0, type: i16, unit: ppm, sentinels: [-999, -32768] }",
    "  heat: { holding: 1, type: f32be, unit: degC, range: [-40, 125] }"])


class Attack:
    """A meter's evil manner, the reason (or reasons) for which the meter is told to be down (none: it stays up), and how many
    rounds the siege lasts at least. `alone`: nobody else could speak on its line."""

    def __init__(self, manner, down=None, rounds=10, greeting=None, profile="meter", alone=False):
        self.manner = manner
        self.down = down
        self.rounds = rounds
        self.greeting = greeting
        self.profile = profile
        self.alone = alone

    def neighbour(self, name):
        """The good meter on the same line, by name."""
        return {} if self.alone else {f"by-{name}": WELL}


# What came cannot be told from the next reply: silence at first, or a wrong reply, and a new connection.
BROKEN = "silent", "rejected"
TCP = {
    "late": Attack(late(1.5 * TIMEOUT, spoiled(lambda frame, _: frame)), "silent"),
    "single-bytes": Attack(in_single_bytes),
    "junk-before": Attack(spoiled(lambda frame, _: b"\xff\xff\xff" + frame), "rejected", rounds=3),
    "oversize": Attack(spoiled(lambda frame, _: with_length(frame, 300) + bytes(294)), "rejected", rounds=3),
    "zero-length": Attack(spoiled(lambda frame, _: with_length(frame, 0)), "rejected", rounds=3),
    "header-only": Attack(spoiled(lambda frame, _: frame[:7]), BROKEN, rounds=3),
    "length-larger": Attack(spoiled(lambda frame, _: with_length(frame, 20)), BROKEN, rounds=3),
    "length-smaller": Attack(spoiled(lambda frame, _: with_length(frame, 4)), "rejected", rounds=3),
    "count-larger": Attack(spoiled(lambda frame, _: frame[:8] + b"\xfa" + frame[9:]), "rejected"),
    "count-zero": Attack(spoiled(lambda frame, _: frame[:8] + b"\x00" + frame[9:]), "rejected"),
    "count-odd": Attack(spoiled(lambda frame, _: frame[:8] + b"\x01" + frame[9:]), "rejected"),
    "wrong-transaction": Attack(
        spoiled(lambda _, request: request.reply(POISON, transaction=request.transaction ^ 0x4000)), "silent"),
    "wrong-unit": Attack(spoiled(lambda _, request: request.reply(POISON, unit=2)), "rejected"),
    "wrong-function": Attack(spoiled(lambda frame, _: frame[:7] + b"\x04" + frame[8:]), "rejected"),
    "twice": Attack(twice),
    "unasked": Attack(unasked),
    "slow-loris": Attack(slowly, BROKEN, rounds=3),
    "never-closes": Attack(never_closes, "rejected", rounds=3),
    "endless-stream": Attack(endlessly, "rejected", rounds=3),
    "endless-frames": Attack(endless_frames, "silent"),
    "connect-flood": Attack(hangs_up, "port_lost", rounds=3, greeting=hangs_up),
    "no-values": Attack(no_values, profile="values"),
    "map-changes": Attack(refuses, "exception"),
}
RTU = {
    "late": Attack(late(1.8 * TIMEOUT, spoiled(lambda frame, _: frame)), "silent", rounds=3, profile="seldom"),
    "single-bytes": Attack(in_single_bytes),
    "junk-before": Attack(spoiled(lambda frame, _: b"\xff\xff\xff" + frame), "rejected"),
    "junk-alone": Attack(spoiled(lambda frame, _: bytes(range(40))), "rejected"),
    "wrong-unit": Attack(spoiled(lambda _, request: request.reply(POISON, unit=2)), "rejected"),
    "wrong-function": Attack(spoiled(lambda _, request: dataclasses.replace(request, function=4).reply(POISON)), "rejected"),
    "wrong-check": Attack(spoiled(lambda frame, _: with_check(frame)), "rejected"),
    "cut-short": Attack(spoiled(lambda frame, _: frame[:5]), "silent"),
    "twice": Attack(twice),
    "no-values": Attack(no_values, profile="values"),
    "map-changes": Attack(refuses, "exception"),
    "slow-loris": Attack(slowly, "silent", alone=True),
    "endless-stream": Attack(endlessly, "rejected", alone=True),
}
ATTACKS = {f"{way}-{name}": attack for way, attacks in [("tcp", TCP), ("rtu", RTU)] for name, attack in attacks.items()}


class Siege(MeterSite):
    """All attacks at once, from the first good answer of every meter to the first good one after."""

    def __init__(self, folder):
        super().__init__(folder)
        self.profile("values", VALUES)
        self.profile("seldom", every_ms=900)
        self.attacked = {f"tcp-{name}": self.tcp(f"tcp-{name}", WELL, attack.profile) for name, attack in TCP.items()}
        self.beside = {"beside": self.tcp("beside", WELL)}
        self.periods = {"beside": PERIODS["meter"]}
        for name, attack in RTU.items():
            line = self.line(f"line-{name}", {f"rtu-{name}": WELL} | attack.neighbour(name), attack.profile)
            self.attacked[f"rtu-{name}"] = line.devices[f"rtu-{name}"]
            for beside in attack.neighbour(name):
                self.beside[beside] = line.devices[beside]
                self.periods[beside] = PERIODS[attack.profile]

    def run(self):
        self.open()
        for name in [*self.attacked, *self.beside]:
            self.wait_for("device.up", at=name)
        # By then the follower, which reads what is there before it asks the door, has its connection too.
        self.beside["beside"].wait_until_asked(5)
        self.before = self.weight()
        self.attack()
        for meter in self.attacked.values():
            meter.behave(WELL)
        # Who was silent for long is asked at last each five minutes.
        self.ups = self.tell("device.up", self.downs, within=330 if SIEGE_S > 60 else 90)
        for name, meter in self.attacked.items():
            if name in self.ups or name not in self.downs:
                meter.wait_until_asked(2)
        # A file that the door writes at this very moment is open a little longer.
        deadline = time.monotonic() + 15
        while (after := self.weight())[1] > self.before[1] and time.monotonic() < deadline:
            self.status()
        self.after = after
        self.log = self.events()
        self.shown = {device["name"]: device for device in self.status()["devices"]}
        return self

    def attack(self):
        """Until every attack has had its rounds, and every meter that cannot be read is told to be down."""
        asked = {name: len(meter.requests) for name, meter in self.beside.items()}
        self.began = datetime.datetime.now().astimezone()
        started = {}
        for name, meter in self.attacked.items():
            started[name] = meter.connections if ATTACKS[name].greeting else len(meter.requests)
            meter.behave(ATTACKS[name].manner, ATTACKS[name].greeting)
        for name, meter in self.attacked.items():
            wait = meter.wait_until_called if ATTACKS[name].greeting else meter.wait_until_asked
            wait(ATTACKS[name].rounds, since=started[name])
        self.downs = self.tell("device.down", [name for name, attack in ATTACKS.items() if attack.down], within=15)
        while (datetime.datetime.now().astimezone() - self.began).total_seconds() < SIEGE_S:
            self.beside["beside"].wait_until_asked(10)
        self.ended = datetime.datetime.now().astimezone()
        self.asked = {name: len(meter.requests) - asked[name] for name, meter in self.beside.items()}

    def tell(self, event, names, within):
        """The first such event of each, as far as they come."""
        deadline = time.monotonic() + within
        found = {}
        for name in names:
            try:
                found[name] = self.wait_for(event, at=name, within=max(deadline - time.monotonic(), 0.1))
            except AssertionError:
                continue
        return found

    def weight(self):
        """The door's memory in MB, and its open files."""
        process = pathlib.Path(f"/proc/{self.door.popen.pid}")
        resident = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
        return int(resident.split()[1]) / 1024, len(os.listdir(process / "fd"))

    def readings_of(self, name):
        return [event for event in self.log if event["type"] == "gatehouse.reading" and event["data"]["device"] == name]

    def changes_of(self, name):
        return [event for event in self.log if event["source"].endswith(f"/{name}") and ".device." in event["type"]]

    def values_of(self, name):
        return {reading["data"].get("value") for reading in self.readings_of(name) if reading["data"]["field"] == "co2"}


@pytest.fixture(scope="module", params=range(SIEGES) if TORTURE else None)
def siege(tmp_path_factory):
    siege = Siege(tmp_path_factory.mktemp("siege"))
    try:
        yield siege.run()
    finally:
        siege.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gives_no_value_and_passes(siege, name):
    """No value but the right one; down for the right reason, 3 s after the last good answer, unless it can still be read;
    and read rightly as soon as it behaves."""
    attack = ATTACKS[name]
    assert siege.values_of(name) - {None} == {RIGHT}
    last = siege.readings_of(name)[-1]
    assert last["data"]["quality"] == "good" and moment(last) > siege.ended, "it is read again"
    if not attack.down:
        assert [event["type"] for event in siege.changes_of(name)] == ["gatehouse.device.up"], "it was never down"
        return
    down = siege.downs[name]
    assert down["data"]["reason"] in ([attack.down] if isinstance(attack.down, str) else attack.down)
    good = [reading for reading in siege.readings_of(name) if moment(reading) < moment(down)][-1]
    assert (moment(down) - moment(good)).total_seconds() < 5
    assert not [reading for reading in siege.readings_of(name) if moment(down) < moment(reading) < siege.ended]
    assert moment(siege.ups[name]) > siege.ended


def test_the_good_are_read_as_if_nothing_were(siege):
    """Each good meter was asked at least four times of five that its period allows, and was never down."""
    lasted = (siege.ended - siege.began).total_seconds()
    assert lasted > 3
    for name, asked in siege.asked.items():
        due = lasted / siege.periods[name]
        assert asked >= math.floor(0.8 * due), f"{name}: {asked} of {due}"
        assert siege.shown[name]["state"] == "up"
        assert [event["type"] for event in siege.changes_of(name)] == ["gatehouse.device.up"], "it was never down"
        assert siege.values_of(name) == {RIGHT}


def test_nothing_carries_the_poison(siege):
    assert len(siege.log) > 500
    assert not [event for event in siege.log if event["data"].get("value") == POISON]
    assert not [field for device in siege.shown.values() for field in device["fields"] if field.get("value") == POISON]


def test_the_door_lives_and_grows_no_fatter(siege):
    assert siege.door.popen.poll() is None
    memory, files = siege.before
    assert siege.after[0] - memory < 4, (siege.before, siege.after)
    # The recorder opens a file for a moment.
    assert siege.after[1] <= files + 1, (siege.before, siege.after)
