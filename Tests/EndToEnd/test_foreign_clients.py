"""Simulated devices that none of our code reads: `gatehouse-sim run` feeds pymodbus and pyserial.

What stands where, in which measure and in which order of words is written here from the makers' documents, not taken from the
profiles. The values are held by command, so that each one read is known.
"""

import dataclasses
import socket
import struct

import pytest
import serial
import yaml
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from site_under_test import BIN, PROFILES, Process, free_port

WAYS = ["tcp", "rtu"]
TYPE = ModbusTcpClient.DATATYPE


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a value stands, as a maker's document has it: addresses as they are on the wire, from 0."""

    read: str
    address: int
    type: TYPE
    scale: float
    order: str
    registers: int
    inverted: int = 0

    def of(self, client, unit):
        answer = getattr(client, f"read_{self.read}")(self.address, count=self.registers, device_id=unit)
        assert not answer.isError(), f"{self.read} {self.address}: {answer}"
        if self.type is TYPE.BITS:
            return sum(1 << number for number, bit in enumerate(answer.bits[:8]) if bit) ^ self.inverted
        value = client.convert_from_registers(answer.registers, self.type, word_order=self.order)
        return value if self.type is TYPE.STRING else value * self.scale


def place(read, address, type, scale, order="big", registers=None):
    return Place(read, address, type, scale, order, registers or type.value[1])


def u16(address, scale=1, read="holding_registers"):
    return place(read, address, TYPE.UINT16, scale)


def i16(address, scale=1, read="holding_registers"):
    return place(read, address, TYPE.INT16, scale)


def u32(address, scale=1, order="big", read="holding_registers"):
    return place(read, address, TYPE.UINT32, scale, order)


def f32(address, order="big"):
    return place("holding_registers", address, TYPE.FLOAT32, 1, order)


def inputs(kind, address, *more):
    return kind(address, *more, read="input_registers")


def text(address, registers):
    return place("holding_registers", address, TYPE.STRING, 1, registers=registers)


def bits(read, address, inverted=0):
    return Place(read, address, TYPE.BITS, 1, "", 8, inverted)


@dataclasses.dataclass
class Device:
    """A device at `unit`: values that are held, by the profile's names, and where each is found; `says` is what it says of
    itself. `holds` has values that stand nowhere, since others stand in their place."""

    profile: str
    unit: int
    values: dict
    says: dict = dataclasses.field(default_factory=dict)
    holds: dict = dataclasses.field(default_factory=dict)
    variant: str = ""
    writes: dict = dataclasses.field(default_factory=dict)

    @property
    def name(self):
        return f"{self.profile}-{self.unit}"


def komfovent(unit, one, two, hidden, **more):
    """Its registers 952 and 953 are what 213 and 214 say: 1 CO2, 2 VOC, 3 humidity."""
    kinds = {"co2": 1, "voc": 2, "humidity": 3}
    return Device("komfovent-c6", unit, {
        "sensor_1_kind": (kinds[one[0]], u16(212)), "sensor_2_kind": (kinds[two[0]], u16(213)),
        f"sensor_1_{one[0]}": (one[1], u16(951)), f"sensor_2_{two[0]}": (two[1], u16(952)), **more}, holds=hidden)


DEVICES = [
    Device("belimo-vav", 1, {
        "set_point": (62.5, u16(0, 0.01)), "override": (3, u16(1)), "command": (2, u16(2)), "actuator_type": (5, u16(3)),
        "position": (47.11, u16(4, 0.01)), "relative_flow": (103.5, u16(6, 0.01)), "absolute_flow": (812, u16(7)),
        # In thousandths of a litre a second, since 117 says 2.
        "flow": (360, u32(10, 0.001 * 3.6, "little")), "malfunction": (1 << 8 | 2, u16(104)), "minimum_flow": (120, u16(105)),
        "maximum_flow": (900, u16(106)), "nominal_flow": (1080, u16(110)), "mode": (1, u16(116)), "flow_unit": (2, u16(117)),
        "set_point_source": (4, u16(118))}, writes={0: 4500}),
    Device("calex-pyro", 2, {
        "filtered_temperature": (36.4, i16(0x0E, 0.1)), "unfiltered_temperature": (-2.5, i16(0x0F, 0.1)),
        "sensor_temperature": (24.1, i16(0x10, 0.1)), "status": (0b1010, u16(0x11)), "average": (36.1, i16(0x0B, 0.1)),
        "minimum": (-12.3, i16(0x0C, 0.1)), "maximum": (401.7, i16(0x0D, 0.1)), "serial_number": (305419896, u32(2)),
        "address": (2, u16(4)), "reflected_temperature": (21.5, i16(6, 0.1)), "emissivity": (0.9512, u16(7, 0.0001)),
        "volatile_reflected_temperature": (21.6, i16(0x16, 0.1)), "volatile_emissivity": (0.98, u16(0x17, 0.0001))},
        says={"sensor_type": (17, u16(0))}),
    Device("calex-pyro", 3, {
        "filtered_temperature": (36.4, i16(0x12, 0.1)), "unfiltered_temperature": (-2.5, i16(0x13, 0.1)),
        "sensor_temperature": (24.1, i16(0x14, 0.1)), "status": (0b1010, u16(0x15)), "average": (36.1, i16(0x0F, 0.1)),
        "minimum": (-12.3, i16(0x10, 0.1)), "maximum": (401.7, i16(0x11, 0.1)), "address": (3, u16(5)),
        "reflected_temperature": (21.5, i16(7, 0.1)), "emissivity": (0.9512, u16(8, 0.0001)),
        "window_transmissivity": (0.875, u16(9, 0.0001)), "volatile_reflected_temperature": (21.6, i16(0x17, 0.1)),
        "volatile_emissivity": (0.98, u16(0x18, 0.0001))}, says={"sensor_type": (21, u16(0))}, variant="PyroUSB"),
    Device("deltaohm-hd402", 4, {
        "pressure": (-25.4, inputs(i16, 3, 0.1)), "pressure_whole": (-25, inputs(i16, 4)), "pressure_tens": (-30, inputs(i16, 5, 10)),
        "pressure_hundreds": (-100, inputs(i16, 6, 100)), "pressure_thousands": (2, inputs(i16, 7)),
        "errors": (1, inputs(u16, 26)), "base_address": (4, u16(100)), "baud_code": (4, u16(101)), "format_code": (2, u16(102))}),
    Device("deltaohm-hd402", 5, {"pressure": (731, inputs(i16, 4)), "pressure_hundreds": (700, inputs(i16, 6, 100))}, variant="ST3"),
    Device("deltaohm-hd402", 6, {"pressure": (7300, inputs(i16, 6, 100))}, variant="ST5"),
    Device("ebmpapst-ec", 7, {
        # 64000 is the greatest speed, which D119 tells.
        "speed": (1000, inputs(u16, 0xD010, 1600 / 64000)), "speed_ratio": (0.625, inputs(u16, 0xD010, 1 / 64000)),
        "n_max": (1600, u16(0xD119)), "motor_status": (1 << 12 | 1 << 7, inputs(u16, 0xD011)), "warning": (1 << 4, inputs(u16, 0xD012)),
        "voltage": (565, inputs(u16, 0xD013)), "motor_temperature": (-7, inputs(i16, 0xD016)),
        "electronics_temperature": (48, inputs(i16, 0xD017)), "set_value": (32000, inputs(u16, 0xD01A)),
        "power_ratio": (41, inputs(u16, 0xD021)), "power": (187, inputs(u16, 0xD027)), "air_flow": (2480, inputs(u16, 0xD033)),
        "set_value_written": (32001, u16(0xD001)), "control_source": (1, u16(0xD101)), "address": (7, u16(0xD100)),
        "fail_safe": (1, u16(0xD15C)), "fail_safe_set_value": (16000, u16(0xD15D)), "fail_safe_delay": (2.5, u16(0xD15E, 0.1))}),
    Device("ee650", 65, {
        "temperature": (26.6715, f32(0x3EA, "little")), "temperature_f": (80.0087, f32(0x3EC, "little")),
        "air_velocity": (3.75, f32(0x410, "little")), "air_velocity_ft_min": (738.25, f32(0x412, "little")),
        "temperature_rounded": (-4.07, i16(0xFA1, 0.01)), "temperature_f_rounded": (24.68, i16(0xFA2, 0.02)),
        "air_velocity_rounded": (3.76, i16(0xFB4, 0.01)), "air_velocity_ft_min_rounded": (739, i16(0xFB5)), "firmware": (259, u16(8))},
        says={"serial_number": (" " * 16, text(0, 8))}),
    Device("ee650", 67, {
        "temperature": (21.25, f32(0x3EA, "little")), "humidity": (43.5, f32(0x3FC, "little")), "co2": (812.5, f32(0x424, "little")),
        "co2_raw": (815.25, f32(0x426, "little")), "humidity_rounded": (43.51, i16(0xFAA, 0.01)), "co2_rounded": (813, i16(0xFBE)),
        "co2_raw_rounded": (816, i16(0xFBF))}, variant="EE850"),
    Device("jxct-air", 8, {
        "humidity": (65.8, u16(0, 0.1)), "temperature": (-10.1, i16(1, 0.1)), "pm2_5": (35, u16(4)), "co2": (1234, u16(5)),
        "tvoc": (209, u16(6)), "pm10": (41, u16(9)), "address": (8, u16(0x100)), "baud_code": (2, u16(0x101))}),
    Device("jxct-air", 9, {"humidity": (65.8, u16(1, 0.1)), "temperature": (-10.1, i16(0, 0.1)), "co2": (1234, u16(5))}, variant="ADTEK"),
    Device("jxct-wind", 10, {"air_speed": (2.3, u16(0x16, 0.1)), "address": (10, u16(0x100)), "baud_code": (1, u16(0x101))}),
    # The maker counts its registers from 1; the flows are in l/s, since 28 says 1.
    komfovent(
        11, ("co2", 905), ("voc", 17), {"sensor_1_voc": 1, "sensor_1_humidity": 2, "sensor_2_co2": 3, "sensor_2_humidity": 4},
        status_icons=(1 << 9 | 1 << 2, u16(899)), supply_temperature=(18.4, i16(901, 0.1)), extract_temperature=(22.6, i16(902, 0.1)),
        outdoor_temperature=(-7.3, i16(903, 0.1)), water_temperature=(35.1, i16(904, 0.1)), supply_flow=(720, u32(905, 3.6)),
        extract_flow=(270000, u32(907, 3.6)), supply_fan=(61.5, u16(909, 0.1)), extract_fan=(58.2, u16(910, 0.1)),
        heat_exchanger=(99.9, u16(911, 0.1)), filter=(43, u16(916)), supply_pressure=(152, u16(918)), extract_pressure=(148, u16(919)),
        panel_temperature=(21.7, i16(945, 0.1)), panel_humidity=(38, i16(946)), panel_air_quality=(611, u16(947)),
        flow_unit=(1, u16(27)), is_on=(1, u16(0)), mode=(9, u16(4)), alarm_count=(2, u16(599)),
        **{f"alarm_{number}": (0x80 + number, u16(599 + number)) for number in range(1, 11)}),
    komfovent(12, ("voc", 23), ("humidity", 44), {"sensor_1_co2": 5}, flow_unit=(0, u16(27)), supply_flow=(720, u32(905))),
    komfovent(13, ("humidity", 39), ("co2", 1012), {"sensor_2_voc": 6}),
    Device("modbus-relay-8ch", 14, {"inputs_on": (0b10100001, bits("discrete_inputs", 0)), "address": (14, u16(0))},
           says={"relays_on": (0, bits("coils", 0))}),
    # A contact that is on draws the input low.
    Device("modbus-relay-8ch", 15, {"inputs_on": (0b01011110, bits("discrete_inputs", 0, 0xFF))}, variant="inputs active low"),
    Device("scd30", 0x61, {
        "co2": (612.25, f32(0x28)), "temperature": (-3.5, f32(0x2A)), "humidity": (48.75, f32(0x2C)), "firmware": (0x0342, u16(0x20)),
        "interval": (2, u16(0x25)), "altitude": (420, u16(0x38)), "self_calibration": (1, u16(0x3A)),
        "temperature_offset": (1.35, u16(0x3B, 0.01))}, says={"data_ready": (1, u16(0x27))}, writes={0x25: 30, 0x38: 1250}),
    Device("senseair-s8", 0xFE, {
        "meter_status": (1 << 5, inputs(u16, 0)), "alarm_status": (3, inputs(u16, 1)), "output_status": (2, inputs(u16, 2)),
        "co2": (1507, inputs(i16, 3)), "pwm": (8191, inputs(u16, 21)), "type_id": (0x0001020E, inputs(u32, 25)),
        "firmware": (0x0183, inputs(u16, 28)), "serial_number": (0x07A1B2C3, inputs(u32, 29)), "acknowledgement": (1 << 5, u16(0)),
        "abc_period": (180, u16(31))}, writes={31: 24}),
    Device("senseair-s8", 16, {"co2": (1510, inputs(i16, 3, 10))}, variant="ppm / 10"),
    Device("systemair-save", 17, {
        # The maker counts its registers from 1.
        "frost_protection_temperature": (11.2, i16(12100, 0.1)), "outdoor_temperature": (-15.4, i16(12101, 0.1)),
        "supply_temperature": (19.3, i16(12102, 0.1)), "room_temperature": (21.4, i16(12103, 0.1)),
        "extract_temperature": (22.5, i16(12104, 0.1)), "extra_controller_temperature": (25.6, i16(12105, 0.1)),
        "efficiency_temperature": (18.7, i16(12106, 0.1)), "overheat_temperature": (31.8, i16(12107, 0.1)), "humidity": (41, u16(12108)),
        "co2": (730, u16(12114)), **{f"co2_{number}": (730 + number, u16(12149 + number)) for number in range(1, 6)},
        **{f"humidity_{number}": (50 + number, u16(12159 + number)) for number in range(1, 6)}, "board_humidity": (37, u16(12135)),
        "fire_alarm": (1, u16(12310)), "pressure_guard": (1, u16(12315)), "supply_fan_speed": (1850, u16(12400)),
        "extract_fan_speed": (1790, u16(12401)), "supply_fan": (63, u16(14000)), "extract_fan": (61, u16(14001)),
        "user_mode": (3, u16(1160)), "air_flow_level": (4, u16(1130)), "set_point": (20.5, i16(2000, 0.1)),
        "filter_remaining": (7_776_000, u32(7004, 1, "little")), "filter_alarm": (2, u16(15141)), "alarm_a": (1, u16(15900))}),
    Device("t67xx", 0x15, {"co2": (655, inputs(i16, 0x138B)), "status": (2, inputs(u16, 0x138A)), "firmware": (273, inputs(u16, 0x1389))}),
    Device("vaisala-gmp25x", 240, {
        "co2": (465.65997, f32(0, "little")), "compensation_temperature": (25.5, f32(2, "little")),
        "measured_temperature": (-5.5, f32(4, "little")), "co2_whole": (466, i16(0x100)), "co2_tens": (470, i16(0x101, 10)),
        **{f"power_up_{what}": (value, f32(0x200 + 2 * number, "little")) for number, (what, value) in enumerate(
            {"pressure": 1013.25, "temperature": 25.25, "humidity": 50.5, "oxygen": 20.75}.items())},
        **{f"volatile_{what}": (value, f32(0x208 + 2 * number, "little")) for number, (what, value) in enumerate(
            {"pressure": 987.5, "temperature": 21.5, "humidity": 40.25, "oxygen": 20.5}.items())},
        "address": (240, u16(0x300)), "device_status": (4, u16(0x800)), "co2_status": (256, u16(0x801))}),
]

# Whose documents say that functions 03 and 04 read the same.
BOTH_FUNCTIONS = ["belimo-vav", "calex-pyro", "ee650", "scd30"]

# On serial lines


def stream(line, start, length):
    """The next frame that begins like this."""
    line.read_until(start)
    return start + line.read(length - len(start))


def ask(line, request, length):
    line.write(bytes.fromhex(request))
    return line.read(length)


def read_gy_mcu90614(line):
    frame = stream(line, bytes.fromhex("5a5a4504"), 9)
    assert frame[8] == sum(frame[:8]) & 0xFF
    surface, chip = struct.unpack(">hh", frame[4:8])
    return {"object_temperature": surface / 100, "ambient_temperature": chip / 100}


def read_plantower(line):
    frame = stream(line, bytes.fromhex("424d001c"), 32)
    *words, check = struct.unpack(">14H", frame[4:])
    assert check == sum(frame[:30])
    names = ["pm1_0_cf1", "pm2_5_cf1", "pm10_cf1", "pm1_0", "pm2_5", "pm10"]
    counts = ["n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10"]
    return {**dict(zip(names, words)), **{name: word / 100 for name, word in zip(counts, words[6:])}}


def read_mhz19b(line):
    frame = ask(line, "ff0186000000000079", 9)
    assert frame[:2] == bytes.fromhex("ff86") and frame[8] == -sum(frame[1:8]) & 0xFF
    return {"co2": frame[2] << 8 | frame[3], "temperature": frame[4] - 40}


def read_cm1106(line):
    frame = ask(line, "110101ed", 8)
    assert frame[:3] == bytes.fromhex("160501") and sum(frame) & 0xFF == 0
    return {"co2": frame[3] << 8 | frame[4]}


def read_senseair_k30(line):
    frame = ask(line, "fe440008029f25", 7)
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    assert frame[:3] == bytes.fromhex("fe4402") and crc == 0, "a CRC over all with the CRC is 0"
    return {"co2": frame[3] << 8 | frame[4]}


def read_cozir(line):
    def number(letter):
        line.write(letter + b"\r\n")
        said, value = line.readline().split()
        assert said == letter and len(value) == 5
        return int(value)

    times = number(b".")
    return {"co2_filtered": number(b"Z") * times, "temperature": (number(b"T") - 1000) / 10, "humidity": number(b"H") / 10}


def read_sps30(line):
    def answer(request):
        line.write(bytes.fromhex(request))
        assert line.read(1) == b"\x7e"
        body = line.read_until(b"\x7e")[:-1]
        for plain in [0x7E, 0x11, 0x13, 0x7D]:
            body = body.replace(bytes([0x7D, plain ^ 0x20]), bytes([plain]))
        assert sum(body) & 0xFF == 0xFF
        return body

    assert answer("7e0000020103f97e")[:4] == bytes(4), "started"
    body = answer("7e000300fc7e")
    assert body[:4] == bytes.fromhex("00030028")
    names = ["pm1_0", "pm2_5", "pm4_0", "pm10", "n0_5", "n1_0", "n2_5", "n4_0", "n10", "typical_size"]
    return dict(zip(names, struct.unpack(">10f", body[4:-1])))


def read_comfoair(line):
    line.write(bytes.fromhex("07f000d1007e070f"))
    body = line.read_until(b"\x07\x0f")
    body = body[body.index(b"\x07\xf0") + 2:-2].replace(b"\x07\x07", b"\x07")
    assert body[1] == 0xD2 and body[2] == len(body) - 4
    assert body[-1] == (sum(body[:-1]) + 173) & 0xFF
    data = body[3:-1]
    return {name: raw / 2 - 20 for name, raw in zip(
        ["comfort_temperature", "outside_air", "supply_air", "extract_air", "exhaust_air"], data)}


# What each is held at, and how it is read. The first is the maker's example, 5a 5a 45 04 0c 78 0d 19 a7; the third a capture,
# ff 86 02 7c 42 00 00 00 ba.
SERIAL = {
    "gy-mcu90614": ({"object_temperature": 31.92, "ambient_temperature": 33.53}, read_gy_mcu90614),
    "plantower-pms": ({
        "pm1_0_cf1": 23, "pm2_5_cf1": 39, "pm10_cf1": 41, "pm1_0": 22, "pm2_5": 35, "pm10": 40, "n0_3": 41.04, "n0_5": 11.93,
        "n1_0": 2.78, "n2_5": 0.12, "n5_0": 0.03, "n10": 0.01}, read_plantower),
    "mhz19b": ({"co2": 636, "temperature": 26}, read_mhz19b),
    "cm1106": ({"co2": 1025}, read_cm1106),
    "senseair-k30": ({"co2": 1421}, read_senseair_k30),
    "cozir": ({"co2_filtered": 521, "temperature": 21.4, "humidity": 46.3}, read_cozir),
    # 63.25 is 42 7d 00 00, and the one behind it 42 11 13 7e: all four bytes that are stuffed.
    "sps30": ({
        "pm1_0": 5.25, "pm2_5": 9.4375, "pm4_0": 12.625, "pm10": 13.25, "n0_5": 26.3125, "n1_0": 63.25, "n2_5": 36.26903533935547, "n4_0": 42.375,
        "n10": 42.5, "typical_size": 0.8125}, read_sps30),
    # -16.5 degC is 07, which is sent twice.
    "comfoair-350": ({
        "comfort_temperature": 21, "outside_air": -16.5, "supply_air": 18.5, "extract_air": 22, "exhaust_air": 3.5}, read_comfoair),
}


class Simulator:
    """All devices twice, on one connection and on one line, and serial ones each on its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        buses = [f'tcp: {{ modbus_tcp: "127.0.0.1:{self.port}" }}',
                 f"rtu: {{ modbus_rtu: {folder}/rtu, line: {{ baud: 115200, format: 8N1 }} }}"]
        devices = []
        for way in WAYS:
            for device in DEVICES:
                variant = f', variant: "{device.variant}"' if device.variant else ""
                devices.append(f"{device.name}-{way}: {{ profile: {device.profile}, bus: {way}, unit: {device.unit}{variant} }}")
        for profile in SERIAL:
            buses.append(f"{profile}: {{ serial: {folder}/{profile} }}")
            devices.append(f"{profile}: {{ profile: {profile}, bus: {profile} }}")
        settings = folder / "gatehouse.yaml"
        settings.write_text("\n".join([
            "site: { id: test-site, name: Test site, time_zone: Asia/Shanghai }", "desk: none", "log: { folder: log }",
            "buses:", *(f"  {bus}" for bus in buses), "devices:", *(f"  {device}" for device in devices), ""]))
        self.process = Process("gatehouse-sim", [
            BIN / "gatehouse-sim", "run", settings, "--profiles", PROFILES, "--commands", folder / "sim.sock"])
        self.process.wait_for_line(lambda line: line == "ready")
        self.commands = socket.socket(socket.AF_UNIX)
        self.commands.connect(str(folder / "sim.sock"))
        self.answers = self.commands.makefile()
        self.clients = {
            "tcp": ModbusTcpClient("127.0.0.1", port=self.port, timeout=5, retries=0),
            "rtu": ModbusSerialClient(str(folder / "rtu"), baudrate=115200, timeout=5, retries=0)}
        for client in self.clients.values():
            assert client.connect()
        for way in WAYS:
            for device in DEVICES:
                for field, value in {**device.holds, **{name: value for name, (value, _) in device.values.items()}}.items():
                    self.ask(f"field {device.name}-{way} {field} {value}")
        for profile, (values, *_) in SERIAL.items():
            for field, value in values.items():
                self.ask(f"field {profile} {field} {value}")

    def ask(self, command):
        self.commands.sendall(f"{command}\n".encode())
        answer = self.answers.readline().strip()
        assert answer == "ok", f"{command}: {answer}"

    def line(self, profile):
        return serial.Serial(str(self.folder / profile), timeout=5)

    def close(self):
        for client in self.clients.values():
            client.close()
        self.answers.close()
        self.commands.close()
        self.process.end()


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("simulator"))
    yield simulator
    simulator.close()


MODBUS = [file.stem for file in sorted(PROFILES.glob("*.yaml")) if yaml.safe_load(file.read_text())["transport"] == "modbus"]


@pytest.mark.parametrize("profile", MODBUS)
def test_every_modbus_profile_is_written_down_here(profile):
    fields = yaml.safe_load((PROFILES / f"{profile}.yaml").read_text())["fields"]
    known = {name for device in DEVICES if device.profile == profile for name in {**device.values, **device.says}}
    missing = [name for name in fields if name not in known]
    assert not missing, (
        f"DeviceProfiles/{profile}.yaml has {', '.join(missing)}, and nothing here says where the maker has them: add a Device of "
        f"{profile} to DEVICES in {__name__}.py, with addresses and measures from the maker's document")


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@pytest.mark.parametrize("way", WAYS)
def test_pymodbus_reads_each_value(simulator, way, device):
    client = simulator.clients[way]
    expected = {**device.values, **device.says}
    read = {name: place.of(client, device.unit) for name, (_, place) in expected.items()}
    assert read == {name: nearly(value) for name, (value, _) in expected.items()}


def nearly(value):
    return value if isinstance(value, str) else pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("profile", BOTH_FUNCTIONS)
def test_both_functions_read_the_same_registers(simulator, profile):
    device = next(device for device in DEVICES if device.profile == profile)
    for name, (value, place) in device.values.items():
        read = dataclasses.replace(place, read="input_registers").of(simulator.clients["tcp"], device.unit)
        assert read == nearly(value), name


@pytest.mark.parametrize("way", WAYS)
def test_values_beside_each_other_are_read_at_once(simulator, way):
    """As Vaisala's manual reads them; the first is its own example."""
    answer = simulator.clients[way].read_holding_registers(0, count=6, device_id=240)
    assert answer.registers == [0xD47A, 0x43E8, 0x0000, 0x41CC, 0x0000, 0xC0B0]


@pytest.mark.parametrize("device", [device for device in DEVICES if device.writes], ids=lambda device: device.name)
@pytest.mark.parametrize("way", WAYS)
def test_a_register_that_is_written_is_remembered(simulator, way, device):
    client = simulator.clients[way]

    def read(address):
        return client.read_holding_registers(address, device_id=device.unit).registers[0]

    for address, value in device.writes.items():
        before = read(address)
        for written in [value, before]:
            assert not client.write_register(address, written, device_id=device.unit).isError()
            assert read(address) == written


@pytest.mark.parametrize("way", WAYS)
def test_relays_that_are_switched_are_remembered(simulator, way):
    client, unit = simulator.clients[way], 14

    def relays():
        return bits("coils", 0).of(client, unit)

    assert relays() == 0
    client.write_coil(5, True, device_id=unit)
    assert relays() == 0b00100000
    client.write_coils(0, [True, False, False, True, False, False, False, True], device_id=unit)
    assert relays() == 0b10001001
    client.write_coil(7, False, device_id=unit)
    assert relays() == 0b00001001
    assert bits("coils", 0).of(client, 15) == 0, "those of the other board"
    client.write_coils(0, [False] * 8, device_id=unit)
    assert relays() == 0


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_there_is_refused(simulator, way):
    client = simulator.clients[way]
    assert client.read_input_registers(12, device_id=0xFE).exception_code == 2, "an S8 has no register 12"
    assert client.write_coil(8, True, device_id=14).exception_code == 2, "a ninth relay"
    assert client.write_register(3, 1, device_id=0x15).exception_code == 2, "nothing of a T6703 is written"


@pytest.mark.parametrize("profile", SERIAL)
def test_pyserial_reads_each_value(simulator, profile):
    values, read = SERIAL[profile]
    with simulator.line(profile) as line:
        assert read(line) == pytest.approx(values)
