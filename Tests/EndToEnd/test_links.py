"""Cables: pulled out, put back under another name, silent, noisy."""

import os


def test_a_thermometer_pulled_and_put_back_is_found_again(site_of):
    site = site_of(thermometer="{ profile: gy-mcu90614, bus: door-ir, warm_up_s: 2 }").start()
    before = os.readlink(site.run / "door-ir")
    site.ask_simulator("unplug door-ir")
    site.wait_for("port.lost", reason="hung_up")
    site.wait_for("lane.changed", state="out_of_order")
    site.ask_simulator("replug door-ir")
    assert os.readlink(site.run / "door-ir") != before, "it is another tty now"
    site.wait_for("port.opened")
    site.wait_for("device.up")
    warming = site.wait_for("reading", field="object_temperature", reason="warming_up")
    assert "value" not in warming["data"], "what it says while it warms up is no value"
    site.wait_for("lane.changed", state="free")


def test_a_silent_sensor_is_a_sensor_alarm(site):
    site.follow()
    site.ask_simulator("fault door-thermometer silence")
    site.wait_for("device.down", reason="silent")
    raised = site.wait_for("alarm.raised", kind="device_silent")
    assert raised["source"].endswith("/door-thermometer")
    site.ask_simulator("fault door-thermometer clear")
    site.wait_for("device.up")


def test_bad_checks_never_become_a_person(site):
    site.follow()
    site.ask_simulator("fault door-thermometer bad_check")
    site.ask_simulator("person north-door body=36.5 stay=6")
    site.wait_for("device.down")
    assert not [e for e in site.events("--type", "gatehouse.screening.passed")]
    assert site.simulator_state()["lanes"]["north-door"]["gate"]["changes"] == []
