"""docs/profile.schema.json: editors must take every profile that is right, mark what is wrong, and know the loader's keys.

Nothing here starts the door: YAML, the schema, and the text of the loader.
"""

import datetime
import json
import re

import jsonschema
import pytest
import yaml

from site_under_test import PROFILES, ROOT

SCHEMA = json.loads((ROOT / "docs" / "profile.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FORMAT = (ROOT / "docs" / "profile-format.md").read_text()
LOADER = {name: (ROOT / "Sources" / "Settings" / name).read_text() for name in [
    "Profile+Load.swift", "ProfileFrames.swift", "ProfileFields.swift", "ProfileWrites.swift"]}

SERIAL = """\
id: a
maker: a
model: a
kind: a
source: a
proof: capture
transport: serial
line: { baud: 9600, format: 8N1 }
power: { powered_by: own, warm_up_s: 0 }
speaks: asked
period_ms: 1000
requests:
  read: { send: "01", reply_within_ms: 100 }
frame: { starts_with: "01", length: 9, check: { kind: sum8 } }
fields:
  status: { at: 1, type: u8 }
  co2: { at: 2, type: u16be, bad_when: { status: [1] } }
writes:
  relay: { on: "01", off: "00", channel_at: 0, count: 8 }
"""

HID = """\
id: a
maker: a
model: a
kind: a
source: a
proof: capture
transport: hid
usb: [{ vid: 0x04d9, pid: 0xa052 }]
report: { length: 8 }
power: { powered_by: usb, warm_up_s: 0 }
speaks: unasked
period_ms: 1000
requests:
  start: { set_feature: "00", sent: at_start }
frames:
  first: { length: 8 }
fields:
  temperature: { in: first, at: 0, type: i16be }
"""

MODBUS = """\
id: a
maker: a
model: a
kind: a
source: a
proof: capture
transport: modbus
line: { baud: 9600, format: 8N1 }
power: { powered_by: own, warm_up_s: 0 }
unit: 1
limits: { every_ms: 1000, reply_within_ms: 100 }
variants:
  small: { when: { model: [1] } }
fields:
  model: { input: 0, type: u16 }
  co2: { input: 1, type: u16, by_variant: { small: { input: 2 } } }
writes:
  relay: { coil: 0, count: 8 }
"""


class AsEditors(yaml.SafeLoader):
    """YAML 1.2, as language servers read it: 8E1 is a number, on is text."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
]:
    AsEditors.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))
AsEditors.add_constructor(
    "tag:yaml.org,2002:int", lambda _, node: int(node.value, 16 if node.value.startswith("0x") else 10))

READINGS = {"1.1": yaml.SafeLoader, "1.2": AsEditors}


def as_json(value):
    """Keys as strings; YAML 1.1 takes the keys on and off for truth values, and some text for a date."""
    if isinstance(value, dict):
        return {{True: "on", False: "off"}[key] if isinstance(key, bool) else str(key): as_json(part)
                for key, part in value.items()}
    if isinstance(value, list):
        return [as_json(part) for part in value]
    return str(value) if isinstance(value, datetime.date) else value


def mistakes(text, reading="1.1"):
    """Where and what, those inside alternatives too."""
    found = []
    errors = list(VALIDATOR.iter_errors(as_json(yaml.load(text, READINGS[reading]))))
    while errors:
        error = errors.pop()
        errors += error.context
        found.append((".".join(str(part) for part in error.absolute_path), error.message))
    return found


def examples():
    """The profiles of the documentation: blocks indented by four blanks that begin with a comment and have an id."""
    blocks = re.findall(r"(?:^    .*\n)+", FORMAT, re.MULTILINE)
    texts = [re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks]
    return [text for text in texts if text.startswith("#") and re.search("^id:", text, re.MULTILINE)]


def at(pointer):
    """The part of the schema that `#/…` names."""
    part = SCHEMA
    for step in pointer.split("/")[1:]:
        part = part[step]
    return part


def parts(schema=SCHEMA):
    """Every object of the schema."""
    if isinstance(schema, dict):
        yield schema
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []:
        yield from parts(part)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("file", sorted(PROFILES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_profile_is_valid(file, reading):
    assert not mistakes(file.read_text(), reading)


@pytest.mark.parametrize("reading", READINGS)
def test_the_examples_of_the_documentation_are_valid(reading):
    assert len(examples()) >= 2
    for text in examples():
        assert not mistakes(text, reading), text


# What stands in a right profile, and what may stand there as well.
RIGHT = [
    (SERIAL, 'starts_with: "01"', "starts_with: 5a45"),
    (SERIAL, 'starts_with: "01"', "starts_with: 00"),
    (SERIAL, 'starts_with: "01"', 'starts_with: "01 02 03 04 05 06 07 08"'),
    (SERIAL, "format: 8N1", "format: 8E1, rts: on"),
    (SERIAL, "length: 9", "length: asked, most: 99"),
    (SERIAL, "length: 9", "length: 9, count: { at: 1, type: u8, adds: 2 }"),
    (SERIAL, "length: 9", 'ends_with: "07 0f", doubled: "07", most: 99, always: { 0x0d: 0x50, 4: 1 }'),
    (SERIAL, 'starts_with: "01", length: 9', "line: true, quiet_ms: 100, most: 99"),
    (SERIAL, 'starts_with: "01", length: 9', "quiet_ms: 100, least: 8, most: 99"),
    (SERIAL, "at: 2, type: u16be", "after: T="),
    (SERIAL, "at: 2, type: u16be", "at: line, type: text"),
    (SERIAL, "type: u16be", "type: ascii7, unit: 1"),
    (SERIAL, "type: u16be", "type: u16be, scale: 1e-3, sentinels: [0xffff, 1]"),
    (SERIAL, "type: u8", "type: u8, flags: { 0: fatal, 31: on }"),
    (SERIAL, "type: u16be", "type: u16be, scale_by: { field: status, factors: { 0: 3600, 0x1: 1.5, 2.5: 1e3 } }"),
    (SERIAL, 'on: "01", off: "00", channel_at: 0, count: 8', 'send: "01 00", number: { at: 1, type: u8, range: [0, 9] }'),
    (SERIAL, "maker: a", "maker: 2020-01-02"),
    (HID, "length: 8 }\nfields", 'length: 8, transform: { order: [2, 4, 0, 7, 1, 6, 5, 3], rotate_right: 3 } }\nfields'),
    (HID, "report: { length: 8 }", "report: { length: 8, number: 1 }\nnode: first"),
    (MODBUS, "input: 1, type: u16, by_variant: { small: { input: 2 } }", "discrete: 1, type: bits32, unit: channels"),
    (MODBUS, "coil: 0, count: 8", "holding: 0, range: [0, 100], scale: 0.01, confirm: true"),
    (MODBUS, "unit: 1\n", 'unit: 0xFE\nwake: { send: "00", then_ms: 5 }\nstart: [{ holding: 0x36, value: 0 }]\n'),
]

# What stands in a right profile, what stands there by mistake, and where that is.
WRONG = [
    # A key that nobody knows, at each level.
    (SERIAL, "kind: a", "kind: a\ncolour: red", ""),
    (SERIAL, "format: 8N1", "format: 8N1, parity: E", "line"),
    (SERIAL, "warm_up_s: 0", "warm_up_s: 0, volts: 5", "power"),
    (SERIAL, "length: 9", "length: 9, width: 9", "frame"),
    (SERIAL, "kind: sum8", "kind: sum8, seed: 1", "frame.check"),
    (SERIAL, "reply_within_ms: 100", "reply_within_ms: 100, answer: [co2]", "requests.read"),
    (SERIAL, "type: u16be", "type: u16be, units: ppm", "fields.co2"),
    (SERIAL, "count: 8", "count: 8, off_at: 1", "writes.relay"),
    (SERIAL, "type: u16be", "type: u16be, array: { count: 2, reduce: max, skip: 1 }", "fields.co2.array"),
    (HID, "pid: 0xa052", "pid: 0xa052, name: a", "usb.0"),
    (HID, "{ length: 8 }\npower", "{ length: 8, id: 1 }\npower", "report"),
    (MODBUS, "every_ms: 1000", "every_ms: 1000, retries: 1", "limits"),
    (MODBUS, "when: { model: [1] }", "is: { model: [1] }", "variants.small"),
    (MODBUS, "{ input: 2 }", "{ inputs: 2 }", "fields.co2.by_variant.small"),
    (MODBUS, "count: 8", "count: 8, value: 1", "writes.relay"),
    # What is required.
    (SERIAL, "maker: a\n", "", ""),
    (SERIAL, "line: { baud: 9600, format: 8N1 }\n", "", ""),
    (SERIAL, "baud: 9600, ", "", "line"),
    (SERIAL, "period_ms: 1000\n", "", ""),
    (SERIAL, 'frame: { starts_with: "01", length: 9, check: { kind: sum8 } }\n', "", ""),
    (SERIAL, 'starts_with: "01", ', "", "frame"),
    (SERIAL, 'requests:\n  read: { send: "01", reply_within_ms: 100 }\n', "", ""),
    (SERIAL, ", reply_within_ms: 100", "", "requests.read"),
    (SERIAL, ", type: u16be", "", "fields.co2"),
    (SERIAL, ", channel_at: 0", "", "writes.relay"),
    (HID, "usb: [{ vid: 0x04d9, pid: 0xa052 }]\n", "", ""),
    (HID, "report: { length: 8 }\n", "", ""),
    (MODBUS, "limits: { every_ms: 1000, reply_within_ms: 100 }\n", "", ""),
    (MODBUS, ", reply_within_ms: 100", "", "limits"),
    (MODBUS, "transport: modbus\n", "", ""),
    # Transports, and what another one has.
    (SERIAL, "transport: serial", "transport: rs232", "transport"),
    (SERIAL, "transport: serial", "transport: serial\nreport: { length: 8 }", ""),
    (SERIAL, 'send: "01"', "get_feature: 1", "requests.read"),
    (SERIAL, "period_ms: 1000", "period_ms: 1000\nlimits: { every_ms: 1000, reply_within_ms: 100 }", ""),
    (SERIAL, "at: 2", "holding: 2", "fields.co2"),
    (SERIAL, "type: u16be", "type: u16be, every_s: 10", "fields.co2"),
    (SERIAL, 'on: "01", off: "00", channel_at: 0', "coil: 0", "writes.relay"),
    (HID, "report: { length: 8 }", "report: { length: 8 }\nline: { baud: 9600, format: 8N1 }", ""),
    (MODBUS, "unit: 1", "unit: 1\nspeaks: asked", ""),
    (MODBUS, "input: 1", "input: 1, in: first", "fields.co2"),
    # Frames.
    (SERIAL, "length: 9, ", "", "frame"),
    (SERIAL, "length: 9", 'length: 9, ends_with: "0d"', "frame"),
    (SERIAL, "length: 9", 'ends_with: "0d"', "frame"),
    (SERIAL, "length: 9", "length: asked", "frame"),
    (SERIAL, 'starts_with: "01", length: 9', "quiet_ms: 100, most: 99", "frame"),
    (SERIAL, "length: 9", "length: 9, hex: true", "frame"),
    (SERIAL, "length: 9", "length: 4097", "frame.length"),
    (SERIAL, 'starts_with: "01"', 'starts_with: "1"', "frame.starts_with"),
    (SERIAL, 'starts_with: "01"', 'starts_with: "01 02 03 04 05 06 07 08 09"', "frame.starts_with"),
    (SERIAL, "kind: sum8", "kind: crc32", "frame.check.kind"),
    (HID, "frames:", "frame: { length: 8 }\nframes:", ""),
    (HID, "sent: at_start", "reply_within_ms: 9", "requests.start"),
    # Fields.
    (SERIAL, "at: 2", "at: 2, after: T", "fields.co2"),
    (SERIAL, "type: u16be", "type: bits9", "fields.co2.type"),
    (SERIAL, "type: u16be", "type: ascii256", "fields.co2.type"),
    (SERIAL, "type: u16be", "type: decimal", "fields.co2.type"),
    (SERIAL, "at: 2", "at: line", "fields.co2.type"),
    (SERIAL, "type: u16be", "type: u16be, unit: celsius", "fields.co2.unit"),
    (SERIAL, "type: u16be", "type: u16be, range: [1]", "fields.co2.range"),
    (SERIAL, "status: [1]", "status: []", "fields.co2.bad_when.status"),
    (SERIAL, "status: [1]", "status: 1", "fields.co2.bad_when.status"),
    (MODBUS, "input: 1", "input: 1, holding: 1", "fields.co2"),
    (MODBUS, "input: 1", "coil: 1", "fields.co2.type"),
    (MODBUS, "input: 1", "input: 65536", "fields.co2.input"),
    (MODBUS, "co2:", "CO2:", "fields"),
    (MODBUS, "{ input: 2 }", "{ only: [small] }", "fields.co2.by_variant.small"),
]


@pytest.mark.parametrize("profile, right, other", RIGHT, ids=[other for _, _, other in RIGHT])
@pytest.mark.parametrize("reading", READINGS)
def test_a_right_profile_is_valid(profile, right, other, reading):
    assert profile.count(right) == 1
    assert not mistakes(profile, reading)
    assert not mistakes(profile.replace(right, other), reading)


@pytest.mark.parametrize(
    "profile, right, wrong, where", WRONG, ids=[wrong or f"without {right}" for _, right, wrong, _ in WRONG])
@pytest.mark.parametrize("reading", READINGS)
def test_a_mistake_is_marked_where_it_is(profile, right, wrong, where, reading):
    assert profile.count(right) == 1
    assert not mistakes(profile, reading)
    found = mistakes(profile.replace(right, wrong), reading)
    assert where in [place for place, _ in found], found


def test_the_schema_is_one_and_closed():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    # The top is closed by its transport, as in the loader.
    open_ones = [part for part in parts() if part.get("type") == "object" and "additionalProperties" not in part]
    assert [part.get("description") for part in open_ones] == [
        SCHEMA["description"], SCHEMA["properties"]["fields"]["description"], SCHEMA["properties"]["writes"]["description"]]


def test_every_key_is_described():
    for part in parts():
        for key, value in part.get("properties", {}).items() if part.get("type") == "object" else []:
            if value is True:
                # What all transports have is described at the top.
                value = SCHEMA["properties"][key]
            while "description" not in value:
                value = at(value["$ref"])


def function(name):
    """The text of one function of the loader."""
    for text in LOADER.values():
        found = re.search(rf"^(?:private )?func {name}\(.*?^}}", text, re.MULTILINE | re.DOTALL)
        if found:
            return found[0]
    raise AssertionError(f"the loader has no {name}")


def asked(text, section):
    """The keys that are asked for by their names."""
    return set(re.findall(rf'\b{section}\??\.(?:optional|required)\("(\w+)"', text))


def loader_keys():
    fields = LOADER["ProfileFields.swift"]
    # The places of a register and the two lists of conditions are asked for in loops.
    places = re.search(r"let tables: .*", fields)[0]
    conditions = re.search(r"for \(reason, name\) in .*", fields)[0]
    looped = set(re.findall(r'\("(\w+)", \.', places)) | set(re.findall(r'"(\w+)"\)', conditions))
    assert {"coil", "bad_when"} <= looped
    return {
        "top": asked("".join(LOADER.values()), "top"),
        "frame": asked(LOADER["ProfileFrames.swift"], "frame"),
        "request": asked(LOADER["ProfileFrames.swift"], "part"),
        "field": asked(fields, "part") | looped,
        "limits": asked(LOADER["Profile+Load.swift"], "limits"),
        "power": asked(LOADER["Profile+Load.swift"], "power"),
        "report": asked(LOADER["Profile+Load.swift"], "report"),
        "line": asked(function("readLine"), "section"),
        "usb": asked(function("readUSB"), "section"),
        "start": asked(function("readStart"), "section"),
        "count": asked(function("readCount"), "section"),
        "check": asked(function("readCheck"), "section"),
        "scale_by": asked(function("readMultiplier"), "section"),
        "write": asked(LOADER["ProfileWrites.swift"], "write"),
        "number": asked(LOADER["ProfileWrites.swift"], "number"),
    }


def schema_keys(level):
    defs = SCHEMA["$defs"]
    described = {
        "top": [SCHEMA, defs["serial"], defs["hid"], defs["modbus"]],
        "field": [defs["frame_field"], defs["register_field"]],
        "write": [kind for writes in ["byte_writes", "register_writes"]
                  for kind in defs[writes]["additionalProperties"]["oneOf"]],
    }
    return {key for part in described.get(level, [defs.get(level)]) for key in part["properties"]}


@pytest.mark.parametrize("level", loader_keys())
def test_the_keys_are_the_loaders(level):
    asked_for = loader_keys()[level]
    assert len(asked_for) > 1
    assert schema_keys(level) == asked_for


def test_the_types_are_the_loaders():
    table = re.search(r"let numberTypes: .*?^\]", LOADER["ProfileFields.swift"], re.MULTILINE | re.DOTALL)[0]
    assert set(re.findall(r'\("(\w+)", \.', table)) == set(SCHEMA["$defs"]["number_type"]["enum"])
