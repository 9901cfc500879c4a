"""The site as a whole, by the command line: opening, a case from its opening to a room that is locked, incidents."""

import signal

import pytest

from site_under_test import SETTINGS

ISOLATION = """\
  isolation-1: {{ kind: isolation, volume_m3: 40, windows: openable }}
"""
CHECKLIST = """\
checklist:
  supplies: {{ what: "thermometer guns, masks, disinfectant" }}
"""
BY_COMMAND = SETTINGS.replace("time_zone: Asia/Shanghai }}", "time_zone: Asia/Shanghai, opening: by_command }}", 1)


def order(site, *words, who="Li Na", check=True, why=None):
    arguments = [*words, "--who", who] + (["--why", why] if why else [])
    return site.command_line(*arguments, check=check)


def refused(site, *words, why=None):
    answer = order(site, *words, check=False, why=why)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    return answer.stderr


def test_a_confirmed_fever_is_a_case_until_its_room_is_clean(site_of):
    site = site_of(settings=SETTINGS + ISOLATION).start()
    site.follow()
    site.ask_simulator("person north-door body=38.4 stay=6")
    ticket = site.wait_for("screening.denied")["data"]["ticket"]
    site.ask_simulator("wait lane north-door empty")
    order(site, "contact", str(ticket), "38.6")
    opened = site.wait_for("case.opened")
    assert opened["data"]["cause"] == "fever" and opened["data"]["ticket"] == ticket
    assert opened["data"]["estimate_c"] == 38.6, "the temperature lies beside the body, and goes with it"
    assert site.wait_for("alarm.raised", kind="confirmed_fever")["data"]["priority"] == "high"

    assert "no isolation room" in refused(site, "case", "isolated", "1", "room-301")
    order(site, "case", "isolated", "1", "isolation-1")
    assert site.wait_for("room.locked")["source"].endswith("/isolation-1")
    # The only isolation room is taken: staff are told that the next one has none.
    site.wait_for("alarm.raised", kind="isolation_room")
    assert "somebody is isolated" in refused(
        site, "disinfected", "isolation-1", "--method", "wipe", "--agent", "chlorine", "--minutes", "20")
    assert "was not reported" in refused(site, "case", "close", "1")
    order(site, "case", "reported", "1", "--to", "district CDC, receipt 4711")
    assert site.wait_for("case.reported")["data"]["to"] == "district CDC, receipt 4711"
    order(site, "case", "contacts", "1")
    assert "not handed over" in refused(site, "case", "close", "1")
    order(site, "case", "handed-over", "1", "--to", "fever clinic")
    assert "locked until it was ventilated and disinfected" in refused(site, "case", "close", "1")

    # Killed and started again: the case and the lock are still there.
    site.door.end(signal.SIGKILL)
    site.start_door()
    site.await_free_lane()
    shown = site.status()
    assert [(c["number"], c["cause"]) for c in shown["cases"]] == [(1, "fever")]
    assert shown["cases"][0]["done"] == ["isolated", "reported", "contacts_listed", "handed_over"]
    assert {r["name"]: r["use"] for r in shown["rooms"]}["isolation-1"] == "locked"
    assert "fever" in site.command_line("case").stdout
    assert "isolation-1  locked" in site.command_line("site").stdout


def test_a_change_of_names_ends_no_incident_and_no_case(site_of):
    """A room more in the settings: the earlier state is of another site, and the log tells what keeps people out."""
    site = site_of(settings=SETTINGS + ISOLATION).start()
    site.follow()
    order(site, "case", "open", "room-301", "--symptom", "cough")
    site.wait_for("case.opened")
    order(site, "case", "isolated", "1", "isolation-1")
    order(site, "case", "reported", "1", "--to", "district CDC")
    order(site, "incident", "begin", "north-door", why="suspected outbreak")
    site.wait_for("incident.began")
    site.door.end()
    site.settings.write_text(site.settings.read_text() + "  annex: { volume_m3: 60, windows: openable }\n")
    site.start_door()
    assert site.wait_for("system.started", restored=False)
    site.wait_for("lane.changed", state="closed")
    shown = site.status()
    assert shown["cases"][0]["number"] == 1 and shown["cases"][0]["done"] == ["isolated", "reported"]
    uses = {room["name"]: room["use"] for room in shown["rooms"]}
    assert uses["isolation-1"] == "taken" and uses["room-301"] == "locked" and uses["annex"] == "free"
    order(site, "case", "open", "annex", "--symptom", "cough")
    assert site.wait_for("case.opened", case=2)


def test_a_symptom_opens_a_case_without_a_reading(site_of):
    site = site_of(settings=SETTINGS + ISOLATION).start()
    site.follow()
    order(site, "case", "open", "room-301", "--symptom", "cough")
    opened = site.wait_for("case.opened")
    assert opened["source"].endswith("/room-301") and opened["data"]["symptom"] == "cough"
    assert "estimate_c" not in opened["data"]


def test_nobody_is_admitted_before_the_site_is_open(site_of):
    site = site_of(settings=BY_COMMAND + ISOLATION + CHECKLIST)
    site.start_simulator()
    site.start_door()
    site.wait_for("lane.changed", state="closed")
    site.ask_simulator("person north-door body=36.6 stay=4")
    denied = site.wait_for("screening.denied")
    assert denied["data"]["reason"] == "site_closed" and denied["data"]["ticket"] == 0
    site.ask_simulator("wait lane north-door empty")
    assert not site.events("--type", "gatehouse.screening.passed")

    assert "vouches for supplies" in refused(site, "site", "open")
    order(site, "attest", "supplies")
    assert "vouches for isolation-1" in refused(site, "site", "open")
    order(site, "attest", "isolation-1")
    assert "ventilation of room-301" in refused(site, "site", "open")
    assert "there is no item" in refused(site, "attest", "nothing")
    assert site.command_line("site").stdout.startswith("The site is closed.")


def test_an_incident_lets_nobody_in_until_somebody_ends_it(site):
    site.follow()
    order(site, "incident", "begin", why="suspected outbreak")
    began = site.wait_for("incident.began")
    assert began["source"] == "/test-site" and began["data"] == {"who": "Li Na", "why": "suspected outbreak"}
    site.ask_simulator("person north-door body=36.6 stay=4")
    assert site.wait_for("screening.denied")["data"]["reason"] == "suspended"
    site.ask_simulator("wait lane north-door empty")
    assert "incident suspends" in refused(site, "override", "north-door", why="in a hurry")

    site.door.end(signal.SIGKILL)
    site.start_door()
    assert "already" in refused(site, "incident", "begin", why="again")
    assert site.status()["site_state"] == "suspended"

    order(site, "incident", "end", why="released by the district CDC")
    site.await_free_lane()
    site.follow()
    site.ask_simulator("person north-door body=36.6 stay=4")
    site.wait_for("screening.passed")


def test_a_fire_opens_a_suspended_gate(site):
    site.follow()
    order(site, "incident", "begin", "north-door", why="suspected case")
    site.wait_for("incident.began")
    site.ask_simulator("input door-relays 7 on")
    assert site.wait_for("gate.released")["data"]["cause"] == "fire"
    site.ask_simulator("wait gate north-door open")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.replace(ISOLATION, ""), "no room is of kind isolation"),
        (lambda t: t.replace("supplies:", "isolation-1:"), "both are attested by it"),
        (lambda t: t.replace("what:", "why:"), "what is required"),
    ])
def test_check_tells_what_an_opening_lacks(site_of, change, said):
    site = site_of(settings=change(BY_COMMAND + ISOLATION + CHECKLIST))
    checked = site.command_line("check", check=False)
    assert checked.returncode == 1 and said in checked.stdout + checked.stderr
