"""The way out, and a gate that nobody commands any more."""

import signal


def wait_for_gate(site, is_open, within=10):
    """The simulator tells when the gate has moved."""
    return site.ask_simulator(f"wait gate north-door {'open' if is_open else 'shut'} for={within}")


def test_the_board_shuts_the_gate_of_a_dead_door(site_of):
    site = site_of(open_s=2).start()
    site.ask_simulator("person north-door body=36.5 stay=20 pass=no")
    wait_for_gate(site, True)
    site.door.end(signal.SIGKILL)
    wait_for_gate(site, False, within=4)


def test_fire_release_opens_with_every_sensor_dead(site):
    site.follow()
    for device in ("door-thermometer", "room-301-co2"):
        site.ask_simulator(f"fault {device} silence")
    site.wait_for("device.down")
    site.ask_simulator("input door-relays 7 on")
    site.wait_for("gate.released", cause="fire")
    wait_for_gate(site, True)
    raised = site.wait_for("alarm.raised", kind="gate_unscreened")
    assert raised["data"]["priority"] == "high"
    site.ask_simulator("input door-relays 7 off")
    site.wait_for("gate.returned")
    wait_for_gate(site, False)


def test_the_staff_button_opens(site):
    site.follow()
    site.ask_simulator("input door-relays 8 on")
    site.wait_for("gate.released", cause="staff")
    wait_for_gate(site, True)
    site.ask_simulator("input door-relays 8 off")
    site.wait_for("gate.returned")


def test_a_jammed_gate_is_an_alarm(site_of):
    site = site_of(open_s=3).start()
    site.follow()
    site.ask_simulator("gate north-door stuck_shut")
    site.ask_simulator("person north-door body=36.5 stay=8 pass=no")
    raised = site.wait_for("alarm.raised", kind="gate_jammed")
    assert raised["data"]["priority"] == "high"
