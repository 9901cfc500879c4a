"""Gatehouse takes and refuses Modbus replies, RTU and TCP, as libmodbus and pymodbus do.

100,000 requests and replies each way from a seed: right ones, exceptions, and every kind of damage. Each of the three
says `a`, the answer; `e`, an exception; or `n`, neither. Where Gatehouse and another differ, one of the reasons below
must hold.

Gatehouse is asked by `gatehouse profile check`: the frames are the proofs of a profile, each expecting `{}`, so that
each is told with what decoding prints. Of TCP a smaller number, reads only, is also a recording that `gatehouse replay`
runs through the door's own code.
"""

import collections
import concurrent.futures
import dataclasses
import functools
import json
import logging
import random
import re
import subprocess

import pytest
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from site_under_test import BIN, ROOT, moment

SEED = 20261126
COUNT = 100_000
# Decoded by one process.
PART = 5_000
# How many the door itself is asked.
REPLAYED = 2_000

UNIT = 77
PROFILE = f"""\
id: any
maker: a
model: a
kind: a
source: a
proof: constructed
transport: modbus
line: {{ baud: 9600, format: 8N1 }}
power: {{ powered_by: own, warm_up_s: 0 }}
unit: {UNIT}
limits: {{ registers_per_read: 125, every_ms: 1000, reply_within_ms: 500 }}
fields:
"""

# The door's site, and when its recordings begin.
BEGAN = "2026-11-26T00:00:00.000000000+00:00"
SETTINGS = """\
site: { id: test-site, name: Test site, time_zone: UTC }
desk: none
log: { folder: log }
buses: { any: { modbus_tcp: "127.0.0.1:502" } }
devices: { any: { profile: any, bus: any } }
"""


# MARK: Bodies: unit and PDU


def a_request(units, dice):
    unit, function, address = dice.choice(units), dice.randint(1, 6), dice.randrange(65_536)
    if function <= 2:
        count = dice.choice([1, 8, 9, dice.randint(1, 200)])
    elif function <= 4:
        count = dice.choice([1, 2, dice.randint(1, 20), dice.randint(1, 125)])
    else:
        count = dice.choice([0, 0xFF00]) if function == 5 else dice.randrange(65_536)
    return bytes([unit, function]) + address.to_bytes(2, "big") + count.to_bytes(2, "big")


def data_length(asked):
    count = asked[4] << 8 | asked[5]
    return (count + 7) // 8 if asked[1] <= 2 else 2 * count


def the_answer(asked, dice):
    if asked[1] >= 5:
        return asked
    length = data_length(asked)
    return asked[:2] + bytes([length]) + dice.randbytes(length)


def exception(asked, dice):
    code = dice.choice([1, 2, 3, 4, 5, 6, 8, 10, 11, dice.randrange(256)])
    return bytes([asked[0], asked[1] | 0x80, code])


def one_of_both(asked, dice):
    return dice.choice([the_answer, the_answer, exception])(asked, dice)


def other_byte(body, place, dice):
    return body[:place] + bytes([(body[place] + dice.randint(1, 255)) % 256]) + body[place + 1:]


def other_count(asked, dice):
    """With another number of bits or registers."""
    length = dice.randrange(251)
    return asked[:2] + bytes([length]) + dice.randbytes(length)


def other_length(body, dice):
    return dice.choice([body[:-dice.randint(1, len(body) - 1)], body + dice.randbytes(dice.randint(1, 9))])


def length_of(body):
    """How long a body is that begins so."""
    if len(body) < 3:
        return None
    if body[1] & 0x80:
        return 3
    return 3 + body[2] if body[1] <= 4 else 6 if body[1] in (5, 6, 15, 16) else None


# MARK: Frames


def flip(frame, dice):
    frame = bytearray(frame)
    for bit in dice.sample(range(8 * len(frame)), dice.choice([1, 1, 2, 3, 8])):
        frame[bit // 8] ^= 1 << bit % 8
    return bytes(frame)


def other_word(frame, place, words, dice):
    """With another 16-bit number: one of these."""
    old = int.from_bytes(frame[place:place + 2], "big")
    word = dice.choice([word for word in words if word != old])
    return frame[:place] + word.to_bytes(2, "big") + frame[place + 2:]


def other_transaction(frame, dice):
    old = int.from_bytes(frame[:2], "big")
    near = [(old + by) % 65_536 for by in (1, -1)]
    return other_word(frame, 0, [0, *near, dice.randrange(65_536)], dice)


def other_header_length(frame, dice):
    old = int.from_bytes(frame[4:6], "big")
    return other_word(frame, 4, [old - 1, old + 1, dice.randrange(260), dice.randrange(65_536)], dice)


def behind_another(frame, asked, dice):
    """The answer behind a reply to another request, or of another unit."""
    other = frame[:6] + one_of_both(asked, dice)
    other = other[:4] + (len(other) - 6).to_bytes(2, "big") + other[6:]
    if dice.randrange(4):
        return other_transaction(other, dice) + frame
    return other_byte(other, 6, dice) + frame


# Share and maker; `f` puts a body into a frame.
KINDS = {
    "the answer": (25, lambda f, asked, dice: f(the_answer(asked, dice))),
    "an exception": (6, lambda f, asked, dice: f(exception(asked, dice))),
    "flips": (15, lambda f, asked, dice: flip(f(the_answer(asked, dice)), dice)),
    "flips in an exception": (3, lambda f, asked, dice: flip(f(exception(asked, dice)), dice)),
    "another unit": (6, lambda f, asked, dice: f(other_byte(the_answer(asked, dice), 0, dice))),
    "another function": (8, lambda f, asked, dice: f(other_byte(the_answer(asked, dice), 1, dice))),
    "another third byte": (8, lambda f, asked, dice: f(other_byte(the_answer(asked, dice), 2, dice))),
    "another count": (6, lambda f, asked, dice: f(other_count(asked, dice))),
    "cut": (8, lambda f, asked, dice: (whole := f(the_answer(asked, dice)))[:dice.randint(1, len(whole) - 1)]),
    "longer": (7, lambda f, asked, dice: f(the_answer(asked, dice)) + dice.randbytes(dice.randint(1, 9))),
    "noise before": (4, lambda f, asked, dice: dice.randbytes(dice.randint(1, 9)) + f(the_answer(asked, dice))),
    "twice": (1, lambda f, asked, dice: f(the_answer(asked, dice)) * 2),
    "random, in a frame": (2, lambda f, asked, dice: f(dice.randbytes(dice.randint(3, 40)))),
    "random": (1, lambda f, asked, dice: dice.randbytes(dice.randint(1, 40))),
}
KINDS_OF_TCP = KINDS | {
    "another transaction": (6, lambda f, asked, dice: other_transaction(f(one_of_both(asked, dice)), dice)),
    "another protocol": (
        5, lambda f, asked, dice: other_word(f(one_of_both(asked, dice)), 2, [1, 256, dice.randrange(65_536)], dice)),
    "another length in the header": (8, lambda f, asked, dice: other_header_length(f(one_of_both(asked, dice)), dice)),
    "another length": (8, lambda f, asked, dice: f(other_length(one_of_both(asked, dice), dice))),
    "behind another": (4, lambda f, asked, dice: behind_another(f(one_of_both(asked, dice)), asked, dice)),
}


# MARK: Two ways


def shifted(value):
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


SHIFTED = [shifted(byte) for byte in range(256)]


def crc(data):
    """CRC-16/Modbus by its definition, low byte first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ SHIFTED[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


class RTU:
    """A body, then its CRC."""

    name = "rtu"
    kinds = KINDS
    units = range(1, 248)
    framer = FramerRTU

    @staticmethod
    def framed(body, number):
        return body + crc(body)

    @staticmethod
    def body(frame, number):
        """Of the proper frame at the beginning, or nothing. Of an unknown function the frame is all there is."""
        end = length_of(frame) or len(frame) - 2
        return frame[:end] if end >= 2 and frame[end:end + 2] == crc(frame[:end]) else b""

    @staticmethod
    def before(frames, number):
        """Frames that belong to another request: none can be told."""
        return []

    @staticmethod
    def places(reply, number):
        """Where Gatehouse may find what it takes."""
        return range(max(1, len(reply) - 4))


class TCP:
    """A header of transaction, protocol 0 and length, then the body."""

    name = "tcp"
    kinds = KINDS_OF_TCP
    # 255 is the gateway itself.
    units = [*range(1, 248), 255]
    framer = FramerSocket

    @staticmethod
    def framed(body, number):
        return number.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body

    @staticmethod
    def body(frame, number):
        length = int.from_bytes(frame[4:6], "big")
        is_proper = frame[:4] == number.to_bytes(2, "big") + b"\0\0" and 3 <= length <= 254 and 6 + length <= len(frame)
        return frame[6:6 + length] if is_proper else b""

    @staticmethod
    def before(frames, number):
        """Frames that belong to another request, each with its header."""
        others = []
        while (other := int.from_bytes(frames[:2], "big")) != number and (body := TCP.body(frames, other)):
            others.append(frames[:6 + len(body)])
            frames = frames[6 + len(body):]
        return others

    @staticmethod
    def places(reply, number):
        return [sum(map(len, TCP.before(reply, number)))]


@dataclasses.dataclass(frozen=True)
class Case:
    way: type
    kind: str
    number: int
    asked: bytes
    reply: bytes

    @property
    def request(self):
        return self.way.framed(self.asked, self.number)


def a_case(way, number, asked, dice):
    shares = [share for share, _ in way.kinds.values()]
    kind = dice.choices(list(way.kinds), shares)[0]
    return Case(way, kind, number, asked, way.kinds[kind][1](functools.partial(way.framed, number=number), asked, dice))


# MARK: Three opinions


def of_libmodbus(cases, tmp_path):
    program = tmp_path / "modbus_verdicts"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], check=True, capture_output=True, text=True).stdout.split()
    source = ROOT / "Tests" / "EndToEnd" / "modbus_verdicts.c"
    subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", "-o", program, source, *flags], check=True)
    lines = "".join(f"{case.request.hex()} {case.reply.hex()}\n" for case in cases)
    return subprocess.run(
        [program, cases[0].way.name], input=lines, check=True, capture_output=True, text=True, timeout=120).stdout


def of_pymodbus(cases):
    """As its client does it: one frame, of the unit and transaction that were asked."""
    framer = cases[0].way.framer(DecodePDU(is_server=False))
    verdicts = []
    logging.disable(logging.CRITICAL)
    for case in cases:
        try:
            _, pdu = framer.handleFrame(case.reply, case.asked[0], case.number if case.way is TCP else 0)
        except (ModbusException, IndexError):
            pdu = None
        verdicts.append("n" if pdu is None else "e" if pdu.isError() else "a")
    logging.disable(logging.NOTSET)
    return "".join(verdicts)


WRONG = '{"outcome":"rejected","reason":"wrong_reply"}'
TOLD = (
    r'any\.vectors:(\d+):1  decoding prints (?:\{"outcome":"(\w+)"(?:,"reason":"(\w+)")?.*|no more lines),'
    r" expected \{\}$")


def of_gatehouse(cases, tmp_path):
    """What it says of the first frame that belongs to no other request; those before must be no reply to this one."""

    def of_part(first):
        folder = tmp_path / str(first)
        folder.mkdir()
        (folder / "any.yaml").write_text(PROFILE + "  value: { holding: 0, type: u16 }\n")
        lines, places = [], []
        for case in cases[first:first + PART]:
            lines.append(f"> --request {case.request.hex()} {case.reply.hex()}")
            lines += [WRONG for _ in case.way.before(case.reply, case.number)]
            lines.append("{}")
            places.append(len(lines))
        (folder / "any.vectors").write_text("\n".join(lines) + "\n")
        told = subprocess.run(
            [BIN / "gatehouse", "profile", "check", folder / "any.yaml"], capture_output=True, text=True, timeout=120)
        found = re.findall(TOLD, told.stderr, re.M)
        assert [int(line) for line, _, _ in found] == places, told.stderr[:500]
        return "".join(
            "a" if outcome == "accepted" else "e" if reason == "exception" else "n" for _, outcome, reason in found)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return "".join(pool.map(of_part, range(0, len(cases), PART)))


# MARK: The door itself


def reads_of_the_door():
    """Function, address, count and type of its device's fields: too far apart to be read together."""
    bits = [1, 2, 8, 9, 16, 25, 32]
    for index in range(120):
        function, address = 1 + index % 4, 2_100 * (index // 4)
        if function <= 2:
            count = bits[index // 4 % len(bits)]
            yield function, address, count, f"bits{count}"
        else:
            count = 1 + index
            yield function, address, count, f"ascii{2 * count}"


def asked_by_the_door():
    return [
        bytes([UNIT, function]) + address.to_bytes(2, "big") + count.to_bytes(2, "big")
        for function, address, count, _ in reads_of_the_door()]


def of_the_door(cases, tmp_path):
    """A recording in which each case has a connection of its own, for ten seconds. A first request is not answered, so
    that what comes to the second makes the device up, or down for that reason. Another connection with a proper reply parts it
    from the next: of a device that stays down for one reason that is told once."""
    tables = ["coil", "discrete", "holding", "input"]
    fields = [
        f"  field_{index}: {{ {tables[function - 1]}: {address}, type: {type} }}\n"
        for index, (function, address, _, type) in enumerate(reads_of_the_door())]
    (tmp_path / "any.yaml").write_text(PROFILE + "".join(fields))
    (tmp_path / "gatehouse.yaml").write_text(SETTINGS)
    lines = ["gatehouse recording 1", "bus any", f"began {BEGAN}"]
    for index, case in enumerate(cases):
        at, half = 10 * index, len(case.reply) // 2
        earlier = case.way.framed(case.asked, case.number - 1)
        proper = case.way.framed(case.asked[:2] + bytes([data_length(case.asked)]) + bytes(data_length(case.asked)), case.number)
        lines += [f"{at}.000000 opened {2 * index + 1}", f"{at}.000000 out {earlier.hex(' ')}"]
        lines += [f"{at + 4}.000000 out {case.request.hex(' ')}"]
        lines += [f"{at + 4}.100000 in {part.hex(' ')}" for part in (case.reply[:half], case.reply[half:]) if part]
        lines += [f"{at + 5}.000000 lost hung_up 5", f"{at + 6}.000000 opened {2 * index + 2}"]
        lines += [f"{at + 6}.000000 out {case.request.hex(' ')}", f"{at + 6}.100000 in {proper.hex(' ')}"]
        lines += [f"{at + 7}.000000 lost hung_up 5"]
    (tmp_path / "any.rec").write_text("\n".join(lines) + "\n")
    places = ["--settings", tmp_path / "gatehouse.yaml", "--profiles", tmp_path]
    done = subprocess.run(
        [BIN / "gatehouse", "replay", tmp_path / "any.rec", *places, "--json", "--type", "device"],
        check=True, capture_output=True, text=True, timeout=120)
    assert done.stderr == "", "nothing was sent that these settings do not send"
    verdicts = {}
    for event in map(json.loads, done.stdout.splitlines()):
        reason = event["data"].get("reason")
        index, second = divmod((moment(event) - moment({"time": BEGAN})).total_seconds(), 10)
        if reason != "port_lost" and second < 6:
            assert index not in verdicts
            verdicts[index] = {None: "a", "exception": "e", "rejected": "n", "silent": "n"}[reason]
    return "".join(verdicts[index] for index in range(len(cases)))


# MARK: Why they differ


def answer(case):
    """The body of the whole frame of the unit that was asked, with which the reply begins, whatever follows."""
    body = case.way.body(case.reply, case.number)
    return body if body[:1] == case.asked[:1] and length_of(body) == len(body) else b""


def behind(case, at):
    return dataclasses.replace(case, reply=case.reply[at:])


def is_answer(case):
    body = answer(case)
    if body[1:2] != case.asked[1:2]:
        return False
    return body[2] == data_length(case.asked) if body[1] <= 4 else body == case.asked


def is_among_noise(our, their, case):
    if our == "n" or their != "n" or answer(case):
        return False
    return any(answer(behind(case, at)) for at in range(1, len(case.reply) - 4))


def is_taken_for_an_echo(our, their, case):
    is_echo = case.asked[1] >= 5 and case.reply.startswith(case.request)
    return (our, their) == ("n", "a") and is_echo and not answer(behind(case, len(case.request)))


def repeats_otherwise(our, their, case):
    is_write = case.asked[1] >= 5 and answer(case)[1:2] == case.asked[1:2]
    return (our, their) == ("n", "a") and is_write and answer(case) != case.asked


def is_of_another_function(our, their, case):
    body = case.way.body(case.reply, case.number)
    return our == "n" != their and body[:1] == case.asked[:1] and body[1] & 0x7F != case.asked[1]


def is_an_exception_to_another_function(our, their, case):
    is_exception = case.way.body(case.reply, case.number)[1:2] >= b"\x80"
    return their == "e" and is_exception and is_of_another_function(our, their, case)


def is_of_another_count(our, their, case):
    return (our, their) == ("n", "a") and case.asked[1] <= 4 and answer(case)[1:2] == case.asked[1:2]


def is_of_another_unit(our, their, case):
    return our == "n" != their and case.reply[6:7] != case.asked[:1]


def is_of_another_protocol(our, their, case):
    return our == "n" != their and case.reply[2:4] != b"\0\0" and 0 in case.reply[2:4]


def is_of_another_length(our, their, case):
    return our == "n" != their and int.from_bytes(case.reply[4:6], "big") != length_of(case.reply[6:])


def is_behind_another(our, their, case):
    return our != "n" == their and case.way.before(case.reply, case.number)


def is_of_no_transaction(our, their, case):
    return their != "n" and (case.reply[:2] == b"\0\0" or case.number == 0)


WRITE = "a reply to a write repeats address and value, which only Gatehouse compares"
ERROR = "libmodbus has one error for an unknown exception and for an exception to another function"
FUNCTION = "pymodbus does not compare the function with the one it asked"
AMOUNT = "pymodbus does not compare the number of bits or registers with what it asked for"
OF_BOTH_RTU = {
    "`profile decode` looks for a frame behind noise, which nobody does on a bus: the door's ports are libmodbus":
        is_among_noise,
    WRITE: repeats_otherwise,
    "`profile decode` takes what repeats the request for an adapter's echo; the answer to a write is still to come":
        is_taken_for_an_echo,
}
OF_BOTH_TCP = {WRITE: repeats_otherwise}
OF_LIBMODBUS = {
    RTU: OF_BOTH_RTU | {ERROR: is_an_exception_to_another_function},
    TCP: OF_BOTH_TCP | {
        ERROR: is_an_exception_to_another_function,
        "libmodbus does not compare the unit over TCP": is_of_another_unit,
        "libmodbus takes a protocol for 0 when one of its two bytes is": is_of_another_protocol,
        "libmodbus does not look at the length in the header": is_of_another_length,
        "libmodbus gives up at a reply to another request, behind which the answer may come": is_behind_another,
    },
}
OF_PYMODBUS = {
    RTU: OF_BOTH_RTU | {FUNCTION: is_of_another_function, AMOUNT: is_of_another_count},
    TCP: OF_BOTH_TCP | {
        FUNCTION: is_of_another_function,
        AMOUNT: is_of_another_count,
        "pymodbus does not compare the length in the header with what the function takes": is_of_another_length,
        "pymodbus passes over a reply of another unit": is_of_another_unit,
        "pymodbus takes transaction 0 for any": is_of_no_transaction,
    },
}


# MARK: Tests


@pytest.fixture(scope="module", params=[RTU, TCP], ids=lambda way: way.name)
def cases(request):
    dice = random.Random(SEED)
    # As libmodbus numbers them.
    numbers = [index % 65_536 for index in range(1, COUNT + 1)]
    return [a_case(request.param, number, a_request(request.param.units, dice), dice) for number in numbers]


@pytest.fixture(scope="module")
def ours(cases, tmp_path_factory):
    return of_gatehouse(cases, tmp_path_factory.mktemp("verdicts"))


def check(cases, ours, theirs, reasons):
    """Every difference has a reason, and every reason still has a difference."""
    held = collections.Counter()
    for case, our, their in zip(cases, ours, theirs, strict=True):
        if our == their:
            continue
        reason = next((reason for reason, holds in reasons.items() if holds(our, their, case)), None)
        assert reason, (
            f"seed {SEED}, {case.kind}: we say {our}, they {their}: {case.request.hex()} {case.reply.hex()}")
        held[reason] += 1
    assert set(held) == set(reasons)
    assert sum(held.values()) < len(cases) // 3


def test_we_judge_as_libmodbus_does(cases, ours, tmp_path):
    check(cases, ours, of_libmodbus(cases, tmp_path), OF_LIBMODBUS[cases[0].way])


def test_we_judge_as_pymodbus_does(cases, ours):
    check(cases, ours, of_pymodbus(cases), OF_PYMODBUS[cases[0].way])


def test_what_we_take_is_the_answer(cases, ours):
    """By the rules of the protocol, written down once more: nothing wrong is taken, and no answer refused."""
    verdicts = collections.Counter(ours)
    assert min(verdicts["a"], verdicts["e"], verdicts["n"]) > COUNT // 50
    for case, our in zip(cases, ours, strict=True):
        places = case.way.places(case.reply, case.number)
        if our == "a":
            is_right = any(is_answer(behind(case, at)) for at in places)
        else:
            is_echo = case.way is RTU and is_taken_for_an_echo(our, "a", case)
            is_right = is_echo or not is_answer(behind(case, places[0]))
        assert is_right, f"{case.kind}: we say {our}: {case.request.hex()} {case.reply.hex()}"


def test_the_door_judges_as_its_tool_does(tmp_path):
    """Over TCP, where headers are the door's own business; of RTU it hears whole replies, from its ports."""
    dice, asked = random.Random(SEED), asked_by_the_door()
    cases = [a_case(TCP, number, dice.choice(asked), dice) for number in range(1, REPLAYED + 1)]
    check(cases, of_the_door(cases, tmp_path), of_gatehouse(cases, tmp_path), {})
