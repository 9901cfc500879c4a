"""A room's air: bad, better, and a sensor that is gone."""

POLICY = """\
policy:
  air:
    high_ppm: 1500
    high_mean_s: 10
    high_after_s: 1
    high_clear_after_s: 1
"""


def test_bad_air_raises_and_clears(site_of):
    site = site_of(policy=POLICY).start()
    site.follow()
    site.ask_simulator("room room-301 co2=2000")
    raised = site.wait_for("alarm.raised", kind="air_high", within=30)
    assert raised["source"].endswith("/room-301")
    assert raised["data"]["value"] >= 1500
    site.ask_simulator("room room-301 co2=600")
    site.wait_for("alarm.cleared", kind="air_high", within=30)


def test_a_sensor_unplugged_is_a_sensor_alarm_not_good_air(site_of):
    site = site_of(policy=POLICY).start()
    site.follow()
    site.ask_simulator("room room-301 co2=2000")
    site.wait_for("alarm.raised", kind="air_high", within=30)
    site.ask_simulator("unplug rooms")
    site.wait_for("device.down", reason="port_lost")
    lost = site.wait_for("alarm.raised", kind="port_lost")
    assert lost["source"].endswith("/rooms")
    kinds = {a["kind"]: a["state"] for a in site.status()["alarms"]}
    assert kinds["air_high"] == "suppressed_by_design", "silence does not clear an alarm, and staff are called to the cable"
    assert "port_lost" in kinds
    cleared = [e for e in site.events("--type", "gatehouse.alarm.cleared") if e["data"]["kind"] == "air_high"]
    assert not cleared
