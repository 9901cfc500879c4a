"""A lane proves its lamp and buzzer over the wire, without a person."""

import json


def gate_openings(site):
    return len([c for c in site.simulator_state()["lanes"]["north-door"]["gate"]["changes"] if c["open"]])


def test_a_lane_proves_its_alert_path(site):
    site.follow()
    site.command_line("prove", "north-door", "--who", "Li Na")
    site.ask_simulator("wait relay door-relays 2 on")
    proven = site.wait_for("lane.proven")
    assert proven["data"] == {"lamp": "confirmed", "buzzer": "confirmed"}
    check = site.wait_for("alarm.raised", kind="alert_check")
    site.ask_simulator("wait relay door-relays 2 off")
    site.command_line("alarms", "acknowledge", check["data"]["occurrence"], "--who", "Li Na")
    site.wait_for("alarm.cleared", kind="alert_check")
    lane = json.loads(site.command_line("status", "--json").stdout)["lanes"][0]
    assert lane["proven"][:19] == proven["time"][:19] and lane["seen"] > lane["proven"]
    assert gate_openings(site) == 0


def test_a_person_in_the_middle_is_screened(site):
    site.follow()
    site.command_line("prove", "north-door")
    site.ask_simulator("person north-door body=36.6")
    site.wait_for("lane.proof_interrupted")
    assert site.wait_for("screening.passed")["data"]["reason"] == "normal"
    site.wait_for("gate.shut")
    assert gate_openings(site) == 1


def test_without_a_proof_by_its_time_the_day_is_overdue(site_of):
    site = site_of()
    text = site.settings.read_text().replace("time_zone: Asia/Shanghai }", 'time_zone: Asia/Shanghai, proof_due: "00:00" }')
    site.settings.write_text(text)
    site.start()
    site.follow()
    overdue = site.wait_for("alarm.raised", kind="proof_overdue")
    assert overdue["data"]["priority"] == "low"
    site.command_line("prove", "north-door")
    site.wait_for("alarm.cleared", kind="proof_overdue")
