"""What people have written to a device: by name, within its range, with a name and a reason, and all of it in the log."""

SETTINGS = """\
site: {{ id: test-site, name: Test site, time_zone: Asia/Shanghai }}
desk: none
log: {log}
buses:
  rooms: {{ modbus_rtu: {run}/rooms }}
devices:
  room-301-co2: {{ profile: senseair-s8, bus: rooms, unit: 31 }}
rooms:
  room-301: {{ volume_m3: 180, seats: 30, co2: [room-301-co2], windows: openable }}
"""
PERSON = ("--who", "Li Na", "--why", "as agreed")


def test_a_register_is_written_by_name(site_of):
    site = site_of(settings=SETTINGS)
    site.start_simulator()
    site.start_door()
    site.wait_for("device.up", at="room-301-co2")
    done = site.command_line("write", "room-301-co2", "abc_period", "90", *PERSON)
    assert "is told" in done.stdout
    site.wait_for("device.written", at="room-301-co2", write="abc_period")
    ordered = site.wait_for("command.done", command="write")["data"]
    assert (ordered["claimed"], ordered["why"], ordered["value"]) == ("Li Na", "as agreed", 90)


def test_what_the_profile_does_not_allow_is_not_written(site_of):
    site = site_of(settings=SETTINGS)
    site.start_simulator()
    site.start_door()
    site.wait_for("device.up", at="room-301-co2")
    for order, why in [
        (("abc_period", "90"), "--who and --why"),
        (("abc_period", "181", *PERSON), "no such value"),
        (("abc_period", *PERSON), "no such value"),
        (("acknowledgement", "1", *PERSON), "no such value"),
        (("abc", "90", *PERSON), "abc_period"),
    ]:
        refused = site.command_line("write", "room-301-co2", *order, check=False)
        assert refused.returncode == 1 and why in refused.stderr, order
    assert not site.events("--type", "gatehouse.device.written")
