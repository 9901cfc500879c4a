"""Cables: pulled out, put back under another name, silent, noisy."""


def test_a_thermometer_pulled_and_put_back_is_found_again(site):
    site.follow()
    site.wait_for("device.up")
    site.ask_simulator("unplug door-ir")
    site.wait_for("port.lost")
    site.wait_for("alarm.raised", kind="lane_out_of_order")
    site.ask_simulator("replug door-ir")
    site.wait_for("port.opened")
    site.wait_for("alarm.cleared", kind="lane_out_of_order")


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
    assert site.simulator_state()["lanes"]["north-door"]["openings"] == 0
