"""Gatehouse takes and refuses Modbus RTU replies as libmodbus and pymodbus do.

100,000 requests and replies from a seed: right ones, exceptions, and every kind of damage. Each of the three says `a`, the
answer; `e`, an exception; or `n`, neither. Where Gatehouse and another differ, one of the reasons below must hold.

Gatehouse is asked by `gatehouse profile check`: the frames are the proofs of a profile, each expecting `{}`, so that each is
told with what decoding prints.
"""

import collections
import logging
import random
import re
import subprocess

import pytest
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

from site_under_test import BIN, ROOT

SEED = 20261126
COUNT = 100_000

PROFILE = """\
id: any
maker: a
model: a
kind: a
source: a
proof: constructed
transport: modbus
line: { baud: 9600, format: 8N1 }
power: { powered_by: own, warm_up_s: 0 }
unit: 1
limits: { registers_per_read: 125, every_ms: 1000, reply_within_ms: 500 }
fields:
  value: { holding: 0, type: u16 }
"""


def crc(data):
    """CRC-16/Modbus by its definition, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def proper(data):
    return data + crc(data)


# MARK: Frames


def a_request(dice):
    unit, function, address = dice.randint(1, 247), dice.randint(1, 6), dice.randrange(65_536)
    if function <= 2:
        count = dice.choice([1, 8, 9, dice.randint(1, 200)])
    elif function <= 4:
        count = dice.choice([1, 2, dice.randint(1, 20), dice.randint(1, 125)])
    else:
        count = dice.choice([0, 0xFF00]) if function == 5 else dice.randrange(65_536)
    return proper(bytes([unit, function]) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


def data_length(request):
    count = request[4] << 8 | request[5]
    return (count + 7) // 8 if request[1] <= 2 else 2 * count


def the_answer(request, dice):
    if request[1] >= 5:
        return request
    length = data_length(request)
    return proper(request[:2] + bytes([length]) + dice.randbytes(length))


def flip(frame, dice):
    frame = bytearray(frame)
    for bit in dice.sample(range(8 * len(frame)), dice.choice([1, 1, 2, 3, 8])):
        frame[bit // 8] ^= 1 << bit % 8
    return bytes(frame)


def exception(request, dice):
    return proper(bytes([request[0], request[1] | 0x80, dice.choice([1, 2, 3, 4, 5, 6, 8, 10, 11, dice.randrange(256)])]))


def other_byte(frame, place, dice):
    return proper(frame[:place] + bytes([(frame[place] + dice.randint(1, 255)) % 256]) + frame[place + 1:-2])


def resized(request, dice):
    """Proper, of another number of bits or registers."""
    length = dice.randrange(256)
    return proper(request[:2] + bytes([length]) + dice.randbytes(length))


KINDS = {
    "the answer": (25, the_answer),
    "an exception": (6, exception),
    "flips": (15, lambda r, d: flip(the_answer(r, d), d)),
    "flips in an exception": (3, lambda r, d: flip(exception(r, d), d)),
    "another unit": (6, lambda r, d: other_byte(the_answer(r, d), 0, d)),
    "another function": (8, lambda r, d: other_byte(the_answer(r, d), 1, d)),
    "another third byte": (8, lambda r, d: other_byte(the_answer(r, d), 2, d)),
    "another size": (6, resized),
    "cut": (8, lambda r, d: (f := the_answer(r, d))[:d.randint(1, len(f) - 1)]),
    "longer": (7, lambda r, d: the_answer(r, d) + d.randbytes(d.randint(1, 9))),
    "noise before": (4, lambda r, d: d.randbytes(d.randint(1, 9)) + the_answer(r, d)),
    "twice": (1, lambda r, d: the_answer(r, d) * 2),
    "random, with a CRC": (2, lambda r, d: proper(d.randbytes(d.randint(3, 40)))),
    "random": (1, lambda r, d: d.randbytes(d.randint(1, 40))),
}


def frames():
    dice = random.Random(SEED)
    names, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    for _ in range(COUNT):
        request = a_request(dice)
        name = dice.choices(names, weights)[0]
        yield name, request, KINDS[name][1](request, dice)


# MARK: Three opinions


def of_libmodbus(cases, tmp_path):
    program = tmp_path / "rtu_verdicts"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], check=True, capture_output=True, text=True).stdout.split()
    source = ROOT / "Tests" / "EndToEnd" / "rtu_verdicts.c"
    subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", "-o", program, source, *flags], check=True)
    lines = "".join(f"{request.hex()} {reply.hex()}\n" for _, request, reply in cases)
    return subprocess.run([program], input=lines, check=True, capture_output=True, text=True, timeout=120).stdout


def of_pymodbus(cases):
    """As its client does it: one frame, of the unit that was asked."""
    framer = FramerRTU(DecodePDU(is_server=False))
    verdicts = []
    logging.disable(logging.CRITICAL)
    for _, request, reply in cases:
        try:
            _, pdu = framer.handleFrame(reply, request[0], 0)
        except (ModbusException, IndexError):
            pdu = None
        verdicts.append("n" if pdu is None else "e" if pdu.isError() else "a")
    logging.disable(logging.NOTSET)
    return "".join(verdicts)


TOLD = r'any\.vectors:(\d+):1  decoding prints \{"outcome":"(\w+)"(?:,"reason":"(\w+)")?.*expected \{\}$'


def of_gatehouse(cases, tmp_path):
    verdicts = []
    for first in range(0, len(cases), 2_000):
        part = cases[first:first + 2_000]
        (tmp_path / "any.yaml").write_text(PROFILE)
        text = "".join(f"> --request {request.hex()} {reply.hex()}\n{{}}\n" for _, request, reply in part)
        (tmp_path / "any.vectors").write_text(text)
        told = subprocess.run(
            [BIN / "gatehouse", "profile", "check", tmp_path / "any.yaml"], capture_output=True, text=True, timeout=120)
        found = re.findall(TOLD, told.stderr, re.M)
        assert [int(line) for line, _, _ in found] == [2 * index + 2 for index in range(len(part))], told.stderr[:500]
        verdicts += ["a" if outcome == "accepted" else "e" if reason == "exception" else "n" for _, outcome, reason in found]
    return "".join(verdicts)


# MARK: Why they differ


def length_of(frame):
    """How long a reply is that begins so."""
    if len(frame) < 3:
        return None
    if frame[1] & 0x80:
        return 5
    return 5 + frame[2] if frame[1] <= 4 else 8 if frame[1] in (5, 6, 15, 16) else None


def begins_well(request, reply):
    """A whole frame of the unit that was asked, whatever follows."""
    length = length_of(reply)
    return length is not None and length <= len(reply) and reply[:length] == proper(reply[:length - 2]) and reply[0] == request[0]


def holds_well(request, reply):
    """Such a frame, behind something else."""
    return any(begins_well(request, reply[at:]) for at in range(1, len(reply) - 4))


def is_answer(request, reply):
    if not begins_well(request, reply) or reply[1] != request[1]:
        return False
    return reply[2] == data_length(request) if request[1] <= 4 else reply[:6] == request[:6]


def is_among_noise(our, their, request, reply):
    return our != "n" and their == "n" and not begins_well(request, reply) and holds_well(request, reply)


def repeats_otherwise(our, their, request, reply):
    is_write = reply[1] == request[1] >= 5
    return (our, their) == ("n", "a") and is_write and begins_well(request, reply) and reply[:6] != request[:6]


def is_taken_for_an_echo(our, their, request, reply):
    return (our, their) == ("n", "a") and request[1] >= 5 and reply.startswith(request) and not begins_well(request, reply[8:])


def is_of_another_function(our, their, request, reply):
    if our != "n" or their == "n" or reply[0] != request[0] or reply[1] & 0x7F == request[1]:
        return False
    # How long the replies of all functions are is theirs to know.
    return any(reply[:end] == proper(reply[:end - 2]) for end in range(4, len(reply) + 1))


def is_an_exception_to_another_function(our, their, request, reply):
    return their == "e" and reply[1] & 0x80 and is_of_another_function(our, their, request, reply)


def is_of_another_size(our, their, request, reply):
    is_read = reply[1] == request[1] <= 4
    return (our, their) == ("n", "a") and is_read and begins_well(request, reply) and reply[2] != data_length(request)


OF_BOTH = {
    "`profile decode` looks for a frame behind noise, which nobody does on a bus: the door's ports are libmodbus":
        is_among_noise,
    "a reply to a write repeats address and value, which only Gatehouse compares": repeats_otherwise,
    "`profile decode` takes what repeats the request for an adapter's echo; the answer to a write is still to come":
        is_taken_for_an_echo,
}
OF_LIBMODBUS = OF_BOTH | {
    "libmodbus has one error for an unknown exception and for an exception to another function":
        is_an_exception_to_another_function,
}
OF_PYMODBUS = OF_BOTH | {
    "pymodbus does not compare the function with the one it asked": is_of_another_function,
    "pymodbus does not compare the number of bits or registers with what it asked for": is_of_another_size,
}


@pytest.fixture(scope="module")
def cases():
    return list(frames())


@pytest.fixture(scope="module")
def ours(cases, tmp_path_factory):
    return of_gatehouse(cases, tmp_path_factory.mktemp("verdicts"))


def check(cases, ours, theirs, reasons):
    """Every difference has a reason, and every reason still has a difference."""
    held = collections.Counter()
    for (name, request, reply), our, their in zip(cases, ours, theirs, strict=True):
        if our == their:
            continue
        reason = next((reason for reason, holds in reasons.items() if holds(our, their, request, reply)), None)
        assert reason, f"seed {SEED}, {name}: we say {our}, they {their}: {request.hex()} {reply.hex()}"
        held[reason] += 1
    assert set(held) == set(reasons)
    assert sum(held.values()) < COUNT // 5


def test_we_judge_as_libmodbus_does(cases, ours, tmp_path):
    check(cases, ours, of_libmodbus(cases, tmp_path), OF_LIBMODBUS)


def test_we_judge_as_pymodbus_does(cases, ours):
    check(cases, ours, of_pymodbus(cases), OF_PYMODBUS)


def test_what_we_take_is_the_answer(cases, ours):
    """By the rules of the protocol, written down once more: nothing wrong is taken, and no answer refused."""
    verdicts = collections.Counter(ours)
    assert min(verdicts["a"], verdicts["e"], verdicts["n"]) > COUNT // 50
    for (name, request, reply), our in zip(cases, ours, strict=True):
        if our == "a":
            is_right = any(is_answer(request, reply[at:]) for at in range(max(1, len(reply) - 4)))
        else:
            is_right = not is_answer(request, reply) or is_taken_for_an_echo(our, "a", request, reply)
        assert is_right, f"{name}: we say {our}: {request.hex()} {reply.hex()}"
