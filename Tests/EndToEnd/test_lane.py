"""People at the door: who passes, who does not, and what the log says of each."""

import pytest


def gate_openings(site):
    """How often the gate's leaf has opened."""
    return len([c for c in site.simulator_state()["lanes"]["north-door"]["gate"]["changes"] if c["open"]])


def test_a_normal_person_passes_and_the_gate_shuts_again(site):
    site.follow()
    site.ask_simulator("person north-door body=36.6")
    passed = site.wait_for("screening.passed")
    assert passed["data"]["reason"] == "normal"
    assert abs(passed["data"]["estimate_c"] - 36.6) < 0.3
    site.wait_for("gate.opened")
    site.ask_simulator("wait gate north-door shut")
    site.wait_for("gate.shut")
    assert gate_openings(site) == 1


def test_a_fever_is_refused_and_the_lamp_is_lit(site):
    site.follow()
    site.ask_simulator("person north-door body=38.2 stay=12")
    denied = site.wait_for("screening.denied")
    assert denied["data"]["reason"] in ("high", "elevated")
    raised = site.wait_for("alarm.raised", kind="suspected_fever")
    assert raised["data"]["priority"] == "high"
    site.ask_simulator("wait relay door-relays 2 on")
    assert gate_openings(site) == 0
    assert 2 in site.simulator_state()["devices"]["door-relays"]["relays"], "the lamp relay is on"
    alarms = site.command_line("alarms").stdout
    assert "suspected_fever" in alarms


def test_skin_from_the_cold_is_no_pass(site):
    site.follow()
    site.ask_simulator("person north-door body=36.6 skin=33.0 stay=8")
    denied = site.wait_for("screening.denied")
    assert denied["data"]["reason"] == "low"
    assert denied["data"]["next"] == "cold_wait"
    assert gate_openings(site) == 0


@pytest.mark.parametrize("after", [0.4, 0.6, 0.75])
def test_a_second_person_on_the_first_ones_readings_does_not_pass(site, after):
    """Somebody with a fever takes the place of a healthy person, without a gap, before the first has a verdict."""
    site.follow()
    site.ask_simulator(f"person north-door body=36.5 second_body=38.4 second_after={after} stay=6")
    denied = site.wait_for("screening.denied")
    assert denied["data"]["reason"] in ("second_person", "high")
    site.ask_simulator("wait lane north-door empty")
    assert not site.events("--type", "gatehouse.screening.passed")
    assert gate_openings(site) == 0


def test_an_implausible_site_offset_is_pointed_out(site_of):
    checked = site_of(offset=0.1).command_line("check", check=False)
    assert "site_offset_c" in checked.stdout + checked.stderr


def test_a_ticket_resumes(site_of):
    site = site_of(policy="policy: { fever: { cold_wait_s: 0 } }\n").start()
    site.follow()
    site.ask_simulator("person north-door body=36.6 skin=33.0 stay=4")
    ticket = site.wait_for("screening.denied", next="cold_wait")["data"]["ticket"]
    site.ask_simulator("wait lane north-door empty")
    answer = site.command_when_free("resume", ticket)
    assert answer["answer"] == "done"
    site.ask_simulator("person north-door body=36.6 stay=8")
    passed = site.wait_for("screening.passed")
    assert passed["data"]["ticket"] == ticket


def test_an_override_needs_who_and_why_and_opens(site):
    refused = site.command_line("override", "north-door", check=False)
    assert refused.returncode != 0
    site.follow()
    site.command_line("override", "north-door", "--who", "Li Na", "--why", "wheelchair, measured by hand")
    done = site.wait_for("command.done", command="override")
    assert done["data"]["claimed"] == "Li Na"
    assert done["data"]["why"] == "wheelchair, measured by hand"
    site.wait_for("gate.opened")
    site.ask_simulator("wait gate north-door open")
    site.ask_simulator("wait gate north-door shut")
    assert gate_openings(site) == 1
