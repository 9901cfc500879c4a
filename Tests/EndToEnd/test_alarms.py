"""An alarm that somebody shelves, takes out of service, and that comes back, by the command line as staff use it."""

import json


def the_alarm(site, kind):
    alarms = [json.loads(line) for line in site.command_line("alarms", "--json").stdout.splitlines()]
    return next((alarm for alarm in alarms if alarm["kind"] == kind), None)


def test_a_shelf_is_made_by_name_seen_and_ended(site_of):
    site = site_of().start()
    site.follow()
    site.ask_simulator("unplug rooms")
    raised = site.wait_for("alarm.raised", kind="port_lost")
    number = raised["data"]["occurrence"]
    nameless = site.command_line("alarms", "shelve", "port_lost", "rooms", "--minutes", "30", check=False)
    assert nameless.returncode != 0 and "--who" in nameless.stderr
    too_long = site.command_line(
        "alarms", "shelve", "port_lost", "rooms", "--minutes", "61", "--who", "Li Na", "--why", "lunch", check=False)
    assert too_long.returncode != 0 and "shelve_longest_min" in too_long.stderr
    site.command_line("alarms", "shelve", "port_lost", "rooms", "--minutes", "30", "--who", "Li Na", "--why", "the cable is mended")
    shelved = site.wait_for("alarm.suppressed", kind="port_lost")
    assert shelved["data"]["state"] == "shelved" and shelved["data"]["occurrence"] == number and shelved["data"]["until"]
    alarm = the_alarm(site, "port_lost")
    assert alarm["state"] == "shelved" and alarm["who"] == "Li Na" and alarm["why"] == "the cable is mended" and alarm["until"]
    table = site.command_line("alarms").stdout
    assert "shelved until" in table and "Li Na" in table
    site.command_line("alarms", "take-out-of-service", "port_lost", "rooms", "--who", "Li Na", "--why", "a new cable comes on Monday")
    assert the_alarm(site, "port_lost")["state"] == "out_of_service"
    site.command_line("alarms", "return-to-service", "port_lost", "rooms")
    back = site.wait_for("alarm.unsuppressed", kind="port_lost")
    assert back["data"]["state"] == "unacknowledged" and back["data"]["occurrence"] == number
    site.ask_simulator("replug rooms")
    cleared = site.wait_for("alarm.cleared", kind="port_lost")
    assert cleared["data"]["occurrence"] == number


def test_an_alarm_of_a_person_is_never_taken_out_of_sight(site):
    for order in (["shelve", "gate_unscreened", "north-door", "--minutes", "5"], ["take-out-of-service", "suspected_fever", "north-door"]):
        refused = site.command_line("alarms", *order, "--who", "Li Na", "--why", "it is loud", check=False)
        assert refused.returncode == 1 and "a person or a gate" in refused.stderr
