"""A Modbus device that none of our code plays: pymodbus, over TCP and over RTU on a pseudo-terminal."""

import pathlib
import subprocess
import sys

import pytest

from site_under_test import BIN, PROFILES, Process, free_port

HERE = pathlib.Path(__file__).parent

SETTINGS = """\
site: {{ id: test-site, name: Test site, time_zone: Asia/Shanghai }}
desk: none
log: {log}
buses:
  door-ir: {{ serial: {run}/door-ir }}
  door-io: {{ modbus_tcp: "127.0.0.1:{io_port}" }}
  rooms: {{ modbus_rtu: {run}/foreign-rtu }}
devices:
  door-thermometer: {{ profile: gy-mcu90614, bus: door-ir }}
  door-relays: {{ profile: modbus-relay-8ch, bus: door-io, unit: 1 }}
  lamp-relays: {{ profile: modbus-relay-8ch, bus: rooms, unit: 1 }}
  room-301-co2: {{ profile: vaisala-gmp25x, bus: rooms, unit: 31 }}
  room-302-co2: {{ profile: vaisala-gmp25x, bus: door-io, unit: 31 }}
lanes:
  north-door:
    thermometer: {{ device: door-thermometer, site_offset_c: {offset} }}
    gate: {{ device: door-relays, relay: 1, open_s: {open_s}, read_back: input 1, on_failure: {on_failure} }}
    lamp: {{ device: lamp-relays, relay: 2 }}
    buzzer: {{ device: door-relays, relay: 3 }}
    fire_release: {{ device: door-relays, input: 7 }}
    staff_button: {{ device: door-relays, input: 8 }}
rooms:
  room-301: {{ volume_m3: 180, seats: 30, co2: [room-301-co2], windows: openable }}
  room-302: {{ volume_m3: 180, seats: 30, co2: [room-302-co2], windows: openable }}
"""


@pytest.fixture
def foreign(site_of):
    """A site whose board (TCP) and CO2 probe (RTU) are pymodbus servers."""
    site = site_of(settings=SETTINGS)
    server = Process("pymodbus", [sys.executable, HERE / "foreign_devices.py", site.io_port, site.run / "foreign-rtu"],
                     stdin=subprocess.PIPE)
    site.processes.append(server)
    server.wait_for_line(lambda line: line == "ready")
    site.start_simulator("--serve", "door-ir")
    site.start_door()
    site.await_free_lane()
    site.foreign = server
    return site


@pytest.mark.parametrize("device, ppm", [("room-301-co2", 987.5), ("room-302-co2", 612.25)], ids=["rtu", "tcp"])
def test_a_foreign_probe_is_read_correctly(foreign, device, ppm):
    foreign.follow()
    reading = foreign.wait_for("reading", field="co2", quality="good", device=device)
    assert reading["source"].endswith(f"/{device}")
    assert reading["data"]["value"] == ppm


def test_a_foreign_board_is_written_correctly(foreign):
    foreign.follow()
    for _ in range(4):
        foreign.wait_for("device.up")
    foreign.ask_simulator("person north-door body=38.4 stay=8")
    foreign.wait_for("alarm.raised", kind="suspected_fever")
    written = set()
    while not {"rtu coil 1 on", "tcp coil 2 on"} <= written:
        written.add(foreign.foreign.wait_for_line(lambda line: "coil" in line, within=10))
    assert not any(line.startswith("tcp coil 0 on") or line.startswith("tcp coil 512") for line in written), "the gate is not opened"


def test_a_foreign_probe_answers_who_asks_what_it_is(tmp_path):
    port = free_port()
    server = Process("pymodbus", [sys.executable, HERE / "foreign_devices.py", port, tmp_path / "foreign-rtu"], stdin=subprocess.PIPE)
    try:
        server.wait_for_line(lambda line: line == "ready")
        asked = subprocess.run(
            [BIN / "gatehouse", "probe", f"127.0.0.1:{port}", "--profile", "vaisala-gmp25x", "--unit", "31", "--seconds", "1",
             "--profiles", PROFILES], capture_output=True, text=True, timeout=60)
    finally:
        server.end()
    assert asked.returncode == 0 and "co2 612.25 ppm" in asked.stdout, asked.stdout
    assert "le_words" in asked.stdout
