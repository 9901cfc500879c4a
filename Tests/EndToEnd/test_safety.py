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


def relays_on(site):
    return site.simulator_state()["devices"]["door-relays"]["relays"]


def test_a_door_that_is_stopped_shuts_its_gate_behind_who_is_on_the_way(site_of):
    site = site_of(open_s=4).start()
    site.ask_simulator("person north-door body=36.5 stay=20 pass=no")
    wait_for_gate(site, True)
    assert site.door.end() == 0
    # Nobody is shut in: the board ends its own pulse.
    assert relays_on(site) == [1]
    wait_for_gate(site, False, within=8)


def test_a_door_that_is_stopped_puts_the_lamp_out(site):
    site.ask_simulator("person north-door body=38.2 stay=30")
    site.ask_simulator("wait relay door-relays 2 on")
    assert site.door.end() == 0
    assert relays_on(site) == []


def test_a_gate_that_opens_on_failure_is_opened_when_the_door_is_stopped(site_of):
    site = site_of(on_failure="open").start()
    assert site.door.end() == 0
    wait_for_gate(site, True, within=4)
    released = [e for e in site.events("--type", "gatehouse.gate.released") if e["data"]["cause"] == "failure"]
    assert len(released) == 1


def test_a_board_that_does_not_open_the_gate_when_the_door_is_stopped_is_told_of(site_of):
    site = site_of(on_failure="open").start()
    site.ask_simulator("fault door-relays silence")
    assert site.door.end() == 1
    assert "look at the gates" in "\n".join(site.door.seen + list(iter(lambda: site.door.lines.get(timeout=5), None)))
    assert site.events("--type", "gatehouse.device.write_failed")
    assert not [e for e in site.events("--type", "gatehouse.gate.released") if e["data"]["cause"] == "failure"]
    assert site.events()[-1]["type"] == "gatehouse.system.stopping", "it was a clean end for the log"


def test_a_gate_that_fire_opened_stays_open_when_the_door_is_stopped(site):
    site.ask_simulator("input door-relays 7 on")
    site.wait_for("gate.released", cause="fire")
    wait_for_gate(site, True)
    assert site.door.end() == 0
    assert relays_on(site) == [1]


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
