"""Scenarios through the program: exit codes, the report for people, JUnit and TAP for machines, logs that other tools read."""

import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from site_under_test import BIN, ROOT

SCENARIOS = ROOT / "Simulators" / "scenarios"
PROFILES = ROOT / "DeviceProfiles"

WRONG = """about: Nobody comes, and somebody is expected.
settings: {settings}
lasts: 20s
expects:
  - {{ event: screening.passed, place: north-door, count: 1 }}
  - {{ never: gate_open }}
  - {{ event: device.up, where: {{ text: "<&>" }} }}
"""


def simulate(*arguments):
    return subprocess.run(
        [str(BIN / "gatehouse-sim"), *map(str, arguments), "--profiles", str(PROFILES)], capture_output=True, text=True,
        timeout=300)


def wrong(folder):
    file = folder / "nobody.yaml"
    file.write_text(WRONG.format(settings=SCENARIOS / "one-door.yaml"))
    return file


def test_a_day_is_lived_and_its_log_is_anybodys(tmp_path):
    done = simulate("test", SCENARIOS / "cable-pulled.yaml", "--logs", tmp_path / "logs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok      cable-pulled: " in done.stdout and "1 scenarios, all as expected" in done.stdout
    folder = tmp_path / "logs" / "cable-pulled"
    verified = subprocess.run(
        [str(BIN / "gatehouse"), "log", "verify", "--folder", str(folder)], capture_output=True, text=True, timeout=60)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    shown = subprocess.run(
        [str(BIN / "gatehouse"), "log", "--folder", str(folder), "--type", "port.lost", "--json"], capture_output=True, text=True,
        timeout=60)
    assert shown.stdout.count('"hung_up"') == 1
    again = simulate("test", SCENARIOS / "cable-pulled.yaml", "--logs", tmp_path / "logs")
    assert again.returncode == 1 and "name another folder for --logs" in again.stderr


def lived_in_real_time():
    return [file for file in sorted(SCENARIOS.glob("*.yaml")) if "\ntime: real\n" in file.read_text()]


@pytest.mark.parametrize("scenario", lived_in_real_time(), ids=lambda file: file.stem)
def test_the_program_lives_a_scenario_as_time_passes(tmp_path, scenario):
    done = simulate("test", scenario, "--logs", tmp_path / "logs")
    assert done.returncode == 0, done.stdout + done.stderr
    verified = subprocess.run(
        [str(BIN / "gatehouse"), "log", "verify", "--folder", str(tmp_path / "logs" / scenario.stem / "log")], capture_output=True,
        text=True, timeout=60)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_door_that_cannot_start_is_said(tmp_path):
    (tmp_path / "gatehoused").write_text("#!/bin/sh\necho no such door\nexit 3\n")
    (tmp_path / "gatehoused").chmod(0o755)
    done = simulate(
        "test", SCENARIOS / "real-door.yaml", SCENARIOS / "clock-step.yaml", "--door", tmp_path / "gatehoused", "--junit", tmp_path / "j.xml")
    assert done.returncode == 1 and "no such door" in done.stdout
    suites = ElementTree.parse(tmp_path / "j.xml").getroot().findall("testsuite")
    assert [int(suite.get("failures")) > 0 for suite in suites] == [True, False]
    refused = simulate("test", SCENARIOS / "disk-full.yaml", "--real")
    assert refused.returncode == 65 and "this needs virtual time" in refused.stderr


def test_settings_that_find_their_devices_by_usb_are_served_in_a_folder(tmp_path, site_of):
    """What an integrator does whose installation names adapters by what they say of themselves."""
    text = (SCENARIOS / "one-door.yaml").read_text().replace("serial: tty/door-ir", 'serial: { usb: "1a86:7523" }')
    text = text.replace("{", "{{").replace("}", "}}")
    settings, served = tmp_path / "gatehouse.yaml", tmp_path / "served"
    site = site_of(settings=text)
    simulators = site._start("gatehouse-sim", BIN / "gatehouse-sim", "run", settings, "--in", served, "--profiles", PROFILES)
    simulators.wait_for_line(lambda line: line == "ready")
    site.settings = served / "gatehouse.yaml"
    site.start_door()
    site.wait_for("device.up", at="door-thermometer")


def test_what_did_not_come_is_said_to_people_and_machines(tmp_path):
    file, junit = wrong(tmp_path), tmp_path / "junit.xml"
    done = simulate("test", file, "--junit", junit)
    assert done.returncode == 1
    assert f"{file}:5: screening.passed at north-door: expected 1 times from 0s to 20s, found none" in done.stdout
    assert "the last events:" in done.stdout and "what the wires carried last:" in done.stdout
    assert f"again: gatehouse-sim test {file} --seed 1" in done.stdout
    suite = ElementTree.parse(junit).getroot().find("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("nobody", "3", "2")
    cases = suite.findall("testcase")
    assert [case.find("failure") is not None for case in cases] == [True, False, True]
    assert cases[2].get("name") == "device.up where text: <&>"
    assert suite.find("properties/property").get("value") == "1"


def test_tap_is_tap(tmp_path):
    done = simulate("test", wrong(tmp_path), "--tap")
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and lines[:2] == ["TAP version 13", "1..3"]
    assert [line.split(" - ")[0] for line in lines[2:]] == ["not ok 1", "ok 2", "not ok 3"]


def test_a_wrong_scenario_is_named_with_its_lines(tmp_path):
    file = wrong(tmp_path)
    file.write_text(file.read_text().replace("north-door", "nort-door").replace("lasts: 20s", "last: 20s"))
    done = simulate("test", file)
    assert done.returncode == 65
    assert f'{file}:5:' in done.stderr and 'did you mean "north-door"?' in done.stderr
    assert f'{file}:3:' in done.stderr and 'found an unknown key "last"' in done.stderr


def test_random_worlds_keep_the_rules():
    done = simulate("explore", SCENARIOS / "one-door.yaml", "--seeds", 3, "--minutes", 1, "--from", 500)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("3 worlds of 1 min, ") and done.stdout.rstrip().endswith("all rules held")
