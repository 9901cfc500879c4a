"""What others get wrong on the first day: for each such thing a device that does it to the door, and a door that stands it.
"""

import asyncio
import fcntl
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import termios

import pytest

from foreign_devices import FIELDS, MeterSite, counts, late, pause, says, silent
from site_under_test import Process, moment
from test_usb import FRAME, machine_of  # noqa: F401

HERE = pathlib.Path(__file__).parent


def seconds(earlier, later):
    """Between two events, by their own times."""
    return (moment(later) - moment(earlier)).total_seconds()


def test_01_a_silent_device_never_delays_its_neighbours(meters):
    """Three of six units are silent. They are down after 3 s and two failed cycles, both; then each costs a request now and
    then, less and less often, and the others are read as if they were alone."""
    meters.profile("slow", every_ms=3500)
    slow = meters.tcp("slow", silent, profile="slow")
    line = meters.line("line", {"a": silent, "b": says(2), "c": silent, "d": says(4), "e": silent, "f": says(6)})
    opened = meters.open().wait_for("port.opened", at="line")
    for name in "ace":
        down = meters.wait_for("device.down", at=name, reason="silent")
        assert 3 <= seconds(opened, down) < 4.5
    down = meters.wait_for("device.down", at="slow", reason="silent")
    assert seconds(opened, down) >= 3.5, "after 3 s it had failed once"
    assert len(slow.requests) <= 3
    start = len(line.order)
    line.devices["b"].wait_until_asked(20)
    order = line.order[start:]
    for name in "bdf":
        assert order.count(name) >= 19
    for name in "ace":
        assert 1 <= order.count(name) <= 5
    probes = [index for index, name in enumerate(line.order) if name == "a"][-4:]
    between = [line.order[a:b].count("b") for a, b in zip(probes, probes[1:])]
    assert between == sorted(between) and between[-1] >= 2 * max(between[0], 1), between
    for name in "bdf":
        readings = meters.readings(name)
        gaps = [(seconds(down, a), seconds(a, b)) for a, b in zip(readings, readings[1:])]
        assert sorted(gap for _, gap in gaps)[-2] < 0.9, "no value was three periods old, but for one hiccup of this machine"
        alone = sorted(gap for at, gap in gaps if at > 0)
        assert len(alone) > 15 and alone[len(alone) * 8 // 10] < 0.45, alone


@pytest.fixture(scope="session")
def fail_reads(tmp_path_factory):
    library = tmp_path_factory.mktemp("preload") / "fail_reads.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "fail_reads.c", "-ldl"], check=True)
    return library


def test_02_a_lost_link_comes_back_without_a_restart(meters, fail_reads):
    """Whatever a read says when an adapter is gone, EIO, ENODEV, ENXIO or nothing at all, and a hang-up, after which the
    link leads to another tty: the port is lost, opened again by what the settings call it, and the device is up."""
    line = meters.line("line", {"meter": says(500)})
    order = meters.places / "fail"
    meters.open(environment={"LD_PRELOAD": str(fail_reads), "FAIL_READS": str(order)})
    meters.wait_for("device.up", at="meter")
    for number in [5, 19, 6, 0]:
        new = order.with_suffix(".new")
        new.write_text(f"{number} {os.ttyname(line.far)}")
        new.rename(order)
        meters.wait_for("port.lost", at="line", reason="hung_up")
        meters.wait_for("device.down", at="meter", reason="port_lost")
        meters.wait_for("port.opened", at="line")
        meters.wait_for("device.up", at="meter")
    before = os.readlink(meters.links / "line")
    line.unplug()
    meters.wait_for("port.lost", at="line", reason="hung_up")
    (meters.links / "line").unlink()
    again = meters.foreign.line(meters.links / "line", {"meter": says(501)})
    meters.wait_for("device.up", at="meter")
    meters.wait_for("reading", device="meter", value=501)
    assert os.ttyname(again.far) == os.readlink(meters.links / "line")
    assert meters.door.popen.poll() is None, before


def every_other_late():
    """Of two requests the first is answered when the second has come, just before the second's own answer."""
    held = []

    async def manner(request, wire):
        if request.number % 2:
            held.append(request)
            return
        wire.say(held.pop().reply(request.number - 1))
        await counts(request, wire)

    return manner


def one_behind():
    """Each request is answered when the next one comes, whichever unit that is for."""
    held = []

    async def manner(request, wire):
        if held:
            wire.say(held.pop())
        held.append(request.reply(1000 + request.number))

    return manner


def says_the_first_again():
    """A read of another kind is answered with what answered the first kind."""
    held = []

    async def manner(request, wire):
        held[:] = held or [(request.function, request.count)]
        if held[0] == (request.function, request.count):
            held[1:] = [request.reply(request.number)]
        wire.say(held[1])

    return manner


def test_03_a_late_reply_is_never_taken_for_the_next_one(meters):
    """Each value tells which request it answers. TCP: the transaction's number tells. RTU: the unit, the function and the
    length tell; what comes before the next request is thrown away. Of two requests that are alike in all of these the
    protocol itself tells nothing."""
    late_meter = meters.tcp("late", every_other_late())
    never = meters.tcp("never", one_behind())
    meters.profile("functions", FIELDS + "\n  other: { input: 0, type: u16 }")
    meters.profile("lengths", FIELDS + "\n  other: { holding: 10, type: u32be }")
    for profile in ["functions", "lengths"]:
        meters.line(f"{profile}-line", {profile: says_the_first_again()}, profile=profile)
    meters.profile("seldom", every_ms=900)
    gap = meters.line("gap", {"between": late(0.18, counts)}, profile="seldom")
    behind = one_behind()
    units = meters.line("units", {"first": behind, "second": behind})
    meters.open()
    late_ones = ["never", "between", "first", "second"]
    for name in late_ones:
        meters.wait_for("device.down", at=name)
    late_meter.wait_until_asked(10)
    values = [reading["data"]["value"] for reading in meters.readings("late")]
    assert len(values) >= 5 and all(value % 2 == 0 for value in values) and values == sorted(set(values)), values
    ports = {port["name"]: port["counters"] for port in meters.status()["ports"]}
    assert ports["late-bus"]["late_replies"] >= 5 and ports["never-bus"]["late_replies"] >= 5
    for name in late_ones:
        assert meters.readings(name) == [] and meters.meter(name)[0] == "down"
    assert min(len(heard) for heard in [never.requests, gap.order, units.order]) >= 4
    for device in meters.status()["devices"]:
        if device["name"] in ("functions", "lengths"):
            assert device["counters"]["wrong_replies"] >= 3, "the other read was asked and refused"
            assert {reading["data"]["field"] for reading in meters.readings(device["name"])} == {"co2"}
            assert [field["quality"] for field in device["fields"] if field["name"] == "other"] == ["never_read"]


def test_03_a_late_reply_costs_the_neighbours_nothing(meters):
    """RTU: one unit answers just after its time is over, when the next one has been asked. That one is read all the same."""
    line = meters.line("line", {"tardy": late(0.12, counts), "good": late(0.04, says(2))})
    meters.open().wait_for("device.down", at="tardy")
    line.devices["good"].wait_until_asked(10)
    told = [event["type"] for event in meters.events() if event["source"].endswith("/good")]
    assert "gatehouse.device.down" not in told and meters.meter("good")[0] == "up"
    values = [reading["data"]["value"] for reading in meters.readings("good")]
    assert len(values) >= 12 and set(values) == {2}


@pytest.mark.parametrize("takes, times", [(0.105, 25), (0.25, 15)])
def test_03_a_late_reply_is_no_value_of_another_register(meters, takes, times):
    """RTU: two reads of one unit, alike but for their address, of which the reply tells nothing. The answer to the first
    comes just after its time is over, when the second would be due: nothing is asked before such answers are over. Or it comes
    later still, when the second has been asked: it is not believed."""
    meters.profile("two-reads", "  first: { holding: 0, type: u16 }\n  second: { holding: 100, type: u16, every_s: 1 }",
                   reply_within_ms=90)

    in_order = asyncio.Lock()

    async def tardy(request, wire):
        async with in_order:
            await pause(takes if request.address == 0 else 0.03)
            wire.say(request.reply(1000 + request.address))

    line = meters.line("line", {"meter": tardy}, profile="two-reads")
    meters.open()
    line.devices["meter"].wait_until_asked(times)
    read = {(reading["data"]["field"], reading["data"]["value"]) for reading in meters.readings("meter")}
    # Now and then a busy machine is late itself, and the first is in time.
    assert ("second", 1100) in read <= {("first", 1000), ("second", 1100)}


def test_04_an_old_value_is_never_shown_as_current(meters):
    """A device is there after its first good answer, not when its port is open; what it said is shown for three periods."""
    meter = meters.tcp("meter", silent)
    meters.open().wait_for("port.opened", at="meter-bus")
    meter.wait_until_asked(2)
    state, field = meters.meter("meter")
    assert state == "unknown" and field["quality"] == "never_read" and "value" not in field and "age_s" not in field
    meter.behave(says(500))
    up = meters.wait_for("device.up", at="meter")
    meter.wait_until_asked(1)
    state, field = meters.meter("meter")
    assert (state, field["quality"], field["value"]) == ("up", "good", 500) and field["age_s"] < 0.9
    meter.behave(silent)
    down = meters.wait_for("device.down", at="meter", reason="silent")
    state, field = meters.meter("meter")
    assert (state, field["quality"]) == ("down", "stale") and "value" not in field and field["age_s"] >= 2.9
    readings = meters.readings("meter")
    assert all(seconds(up, reading) >= 0 and seconds(reading, down) >= 2.9 for reading in readings)
    meter.behave(says(501))
    up = meters.wait_for("device.up", at="meter")
    assert meters.readings("meter")[len(readings)]["data"]["value"] == 501


def test_05_error_codes_never_become_numbers(meters):
    """What a sensor says instead of a value, and what it says while it warms up, is logged with its reason and no value."""
    meters.profile("fussy", "\n".join([
        "  whole: { holding: 0, type: i16, unit: degC, sentinels: [-999, -32768] }",
        "  float: { holding: 1, type: f32be, unit: degC, range: [-40, 125] }",
        "  start: { holding: 3, type: u16, unit: ppm, warm_up_values: [0, 400] }"]), warm_up_s=60)
    good = [21, 0x41A4, 0, 612]  # 21, 20.5 and 612
    meter = meters.tcp("meter", says(21, 0x41A4, 0, 400), profile="fussy")
    meters.open()
    bad = meters.wait_for("reading", field="start", reason="warming_up")["data"]
    assert bad["quality"] == "invalid" and "value" not in bad
    for field, at, registers, reason in [
        ("whole", 0, [0xFC19], "sentinel"),  # -999
        ("whole", 0, [0x8000], "sentinel"),
        ("float", 1, [0x7FC0, 0], "not_a_number"),
        ("float", 1, [0x7F80, 0], "not_a_number"),  # infinity
        ("float", 1, [0xC479, 0xC000], "out_of_range"),  # -999
        ("float", 1, [0x4316, 0], "out_of_range"),  # 150
    ]:
        meter.behave(says(*good))
        meters.wait_for("reading", field=field, quality="good")
        meter.behave(says(*good[:at], *registers, *good[at + len(registers):]))
        bad = meters.wait_for("reading", field=field, reason=reason)["data"]
        assert bad["quality"] == "invalid" and "value" not in bad
        shown = next(f for f in meters.status()["devices"][0]["fields"] if f["name"] == field)
        assert "value" not in shown and shown["quality"] == reason
    values = {(r["data"]["field"], r["data"]["value"]) for r in meters.readings("meter") if "value" in r["data"]}
    assert values == {("whole", 21), ("float", 20.5), ("start", 612)}


@pytest.mark.skipif(shutil.which("umockdev-wrapper") is None, reason="umockdev is not installed")
def test_06_devices_are_bound_by_what_they_are(machine_of):  # noqa: F811
    """Two adapters that fit are refused, by name and with what would tell them apart; with one of them gone, the other is
    taken, whatever its tty is called."""
    machine = machine_of('usb: "1a86:7523"')
    machine.plug("ttyUSB0", serial="A1")
    machine.plug("ttyUSB1", path="1-2", serial="B2")
    machine.start()
    machine.event("port.lost", reason="ambiguous")
    told = next(line for line in machine.door.seen if "fits" in line)
    for word in ["/dev/ttyUSB0", "/dev/ttyUSB1", "serial_number: A1 or B2"]:
        assert word in told
    machine.do("unplug", name="ttyUSB0")
    machine.event("port.opened")
    machine.do("send", name="ttyUSB1", hex=FRAME)
    machine.event("device.up")


@pytest.mark.skipif(shutil.which("umockdev-wrapper") is None, reason="umockdev is not installed")
def test_06_a_bare_tty_name_is_warned_of(machine_of):  # noqa: F811
    machine = machine_of("path: /dev/ttyUSB0")
    machine.plug("ttyUSB0")
    machine.start()
    assert any("warning" in line and "/dev/ttyUSB0 can change" in line for line in machine.door.seen), machine.door.seen
    machine.event("port.opened")
    machine.do("send", name="ttyUSB0", hex=FRAME)
    machine.event("device.up")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a door as somebody else")
def test_07_a_port_that_may_not_be_opened_tells_whose_it_is_and_what_to_do():
    """The door runs as nobody, the tty is root's alone. Once it may, the port is opened without a restart."""
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    with tempfile.TemporaryDirectory() as folder:
        meters = MeterSite(folder)
        try:
            line = meters.line("line", {"meter": says(500)})
            node = os.ttyname(line.far)
            os.chmod(node, 0o600)
            os.chown(folder, 65534, 65534)
            os.chmod(folder, 0o755)
            meters.open(**nobody)
            meters.wait_for("port.lost", at="line", reason="denied", errno=13)
            told = next(line for line in meters.door.seen if "may not be opened" in line)
            for word in [str(meters.links / "line"), "root:", "mode 600", "chmod g+rw", "add this program's user to the group"]:
                assert word in told
            doctor = meters.command_line("doctor", check=False, **nobody)
            assert doctor.returncode == 1
            for word in [f"PROBLEM  line: {node} belongs to root:", "mode 600", "usermod -aG"]:
                assert word in doctor.stdout
            os.chmod(node, 0o666)
            meters.wait_for("port.opened", at="line")
            meters.wait_for("device.up", at="meter")
        finally:
            meters.close()


HOLD = """
import fcntl, sys
tty = open(sys.argv[1], "r+b", 0)
fcntl.flock(tty, fcntl.LOCK_EX)
print("held", flush=True)
input()
"""


def test_08_a_port_that_another_program_holds_is_left_alone(meters):
    """It is busy, the doctor names who holds it, nothing is written to it until it is free; then it is the door's alone.
    Nothing is ever written to a port that no settings name, nor asked of one that no profile is named for.

    A holder that takes no lock is not noticed by the door, only named by the doctor. Not tested here: TIOCEXCL, which
    the door does not set on a pseudo-terminal.
    """
    line = meters.line("line", {"meter": says(500)})
    strange = meters.foreign.line(meters.places / "stranger", {"stranger": silent})
    node = os.ttyname(line.far)
    holder = Process("holder", [sys.executable, "-c", HOLD, node], stdin=subprocess.PIPE)
    meters.processes.append(holder)
    holder.wait_for_line(lambda said: said == "held")
    meters.open().wait_for("port.lost", at="line", reason="busy")
    assert any("is held by another program" in said for said in meters.door.seen)
    doctor = meters.command_line("doctor", check=False)
    assert doctor.returncode == 1 and f"{node} is held by" in doctor.stdout
    assert f"(process {holder.popen.pid})" in doctor.stdout
    assert line.heard == b""
    holder.end()
    meters.wait_for("device.up", at="meter")
    with open(node, "r+b", 0) as tried, pytest.raises(BlockingIOError):
        fcntl.flock(tried, fcntl.LOCK_EX | fcntl.LOCK_NB)
    probe = meters.command_line("probe", meters.places / "stranger", check=False)
    assert probe.returncode == 1 and "unknown ports are not written to" in probe.stderr
    assert strange.heard == b"" and not select.select([strange.near], [], [], 0)[0]


def test_09_what_is_absent_is_told_once(meters):
    """A port and a device that are not there are told when that begins, not at each attempt. That they still are not there is told
    at growing intervals, from a minute on: PipelineTests lives through four hours of it in virtual time."""
    absent = meters.line("absent", {"unplugged": says(1)})
    absent.unplug()
    (meters.links / "absent").unlink()
    silent_one = meters.tcp("quiet", silent)
    beside = meters.tcp("beside", says(500))
    meters.open().wait_for("port.lost", at="absent", reason="not_found")
    meters.wait_for("device.down", at="quiet")
    silent_one.wait_until_asked(3)
    beside.wait_until_asked(5)
    told = [(event["type"], event["source"]) for event in meters.events() if event["type"].endswith((".lost", ".down"))]
    assert sorted(told) == [
        ("gatehouse.device.down", "/test-site/quiet"), ("gatehouse.device.down", "/test-site/unplugged"),
        ("gatehouse.port.lost", "/test-site/absent")]
    assert sum("port absent" in said for said in meters.door.seen) == 1
    again = meters.foreign.line(meters.links / "absent", {"unplugged": says(2)})
    meters.wait_for("device.up", at="unplugged")
    assert again.heard


def test_10_alarms_have_two_limits_and_two_delays(meters):
    """Bad air is an alarm from 1500 ppm, after its delay, until it is below 1400 ppm, after its delay: in between it stays.
    A sensor that is gone is an alarm of its own, and no good air."""
    meter = meters.tcp("meter", says(2000))
    spare = meters.line("line", {"spare": says(2000)})
    meters.more = "\n".join([
        "rooms:", "  room-1: { volume_m3: 180, co2: [meter, spare], windows: openable }",
        "policy:", "  air: { high_ppm: 1500, high_clear_ppm: 1400, high_mean_s: 2, high_after_s: 2, high_clear_after_s: 2 }"])
    meters.open()

    def mean(lowest, highest):
        """The first short mean between these."""
        while True:
            air = meters.wait_for("room.air", at="room-1")
            if lowest <= air["data"].get("mean_5min_ppm", -1) < highest:
                return air

    bad = mean(1500, 3000)
    raised = meters.wait_for("alarm.raised", kind="air_high", at="room-1")
    assert 1.5 <= seconds(bad, raised) < 4, "not at once"
    for one in [meter, spare.devices["spare"]]:
        one.behave(says(1450))
    between = mean(1400, 1500)
    for _ in range(8):  # More than the delay
        between = meters.wait_for("room.air", at="room-1")
    assert 1400 <= between["data"]["mean_5min_ppm"] < 1500
    assert "air_high" in {alarm["kind"] for alarm in meters.status()["alarms"]}, "it hangs between the limits"
    spare.unplug()
    (meters.links / "line").unlink()
    lost = meters.wait_for("alarm.raised", kind="port_lost", at="line")
    assert lost["data"]["priority"] == "medium"
    meter.behave(says(600))
    good = mean(0, 1400)
    cleared = meters.wait_for("alarm.cleared", kind="air_high", at="room-1")
    assert 1.5 <= seconds(good, cleared) < 4, "not at once"


def test_14_addresses_are_from_0_and_the_order_of_words_is_said(meters):
    """What the profile calls register 0 is 0 on the wire. One number in three orders is read the same; a type of two
    registers without an order is refused; `gatehouse probe` shows them all."""
    meters.profile("orders", "\n".join(
        f"  {name}: {{ holding: {at}, type: {kind}, unit: ppm }}"
        for at, name, kind in [(0, "high", "f32be"), (2, "low", "f32le_words"), (4, "swapped", "f32be_swapped")]))
    meter = meters.tcp("meter", says(0x4476, 0xE000, 0xE000, 0x4476, 0x7644, 0x00E0), profile="orders")  # 987.5
    meters.open()
    for field in ["high", "low", "swapped"]:
        assert meters.wait_for("reading", field=field, quality="good")["data"]["value"] == 987.5
    assert {(request.address, request.count) for request in meter.requests} == {(0, 6)}
    probe = meters.command_line("probe", f"127.0.0.1:{meter.port}", "--profile", "orders", "--seconds", "0.5")
    for word in ["words  17526 (17526)  57344 (-8192)", "be 1148641280 / 987.5", "le_words 3758113910", "be_swapped", "le "]:
        assert word in probe.stdout
    assert "2-3  be" in probe.stdout and "le_words 1148641280 / 987.5" in probe.stdout
    meters.profile("orders", "  high: { holding: 0, type: f32, unit: ppm }")
    checked = meters.command_line("check", check=False)
    assert checked.returncode == 1 and "f32be" in checked.stdout + checked.stderr


def test_15_a_line_is_set_whole_and_its_ways_are_settings(meters):
    """A tty in its worst state is raw after the door has opened it. A line that echoes works when settings say so, and is no
    device's answer otherwise; a line that must be left alone after its opening is; requests keep the silence between them
    that their rate demands.

    The turnaround is tested in virtual time (PaceTests); the latency timer is always asked to be the shortest.
    """
    meters.profile("at-1200", baud=1200, reply_within_ms=200, every_ms=500)
    plain = meters.line("plain", {"plain-meter": says(1)}, settings="{ baud: 19200 }")
    worst = termios.tcgetattr(plain.far)
    worst[:4] = [
        termios.BRKINT | termios.ICRNL | termios.IXON | termios.IXOFF | termios.INPCK | termios.ISTRIP | termios.PARMRK,
        termios.OPOST | termios.ONLCR, worst[2] | termios.CRTSCTS | termios.HUPCL | termios.CSTOPB,
        termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN]
    termios.tcsetattr(plain.far, termios.TCSANOW, worst)
    meters.line("echoing", {"echoed": says(2)}, echo=True, settings="{ echo: true }")
    unsaid = meters.line("unsaid", {"own-echo": says(3)}, echo=True)
    meters.line("settling", {"settled": says(4)}, settings="{ settle_ms: 2000 }")
    calm = meters.line("calm", {"one": says(5), "two": says(6)}, profile="at-1200")
    meters.open()
    plain_opened = meters.wait_for("port.opened", at="plain")
    assert seconds(plain_opened, meters.wait_for("port.opened", at="settling")) >= 1.2
    for name in ["plain-meter", "echoed", "settled", "one", "two"]:
        meters.wait_for("device.up", at=name)
    input_modes, output_modes, control, local, speed_in, speed_out, characters = termios.tcgetattr(plain.near)
    assert (input_modes, output_modes, local) == (0, 0, 0)
    assert control & (termios.CREAD | termios.CLOCAL | termios.CSIZE) == termios.CREAD | termios.CLOCAL | termios.CS8
    assert not control & (termios.CRTSCTS | termios.PARENB | termios.CSTOPB)
    assert speed_in == speed_out == termios.B19200
    assert (characters[termios.VMIN], characters[termios.VTIME]) == (1, 0), "numbers, since the line is not canonical"
    calm.devices["two"].wait_until_asked(3)
    assert min(calm.gaps) >= 0.030, "3.5 characters at 1200 baud are 32 ms"
    meters.wait_for("device.down", at="own-echo")
    assert meters.readings("own-echo") == [] and unsaid.devices["own-echo"].requests
