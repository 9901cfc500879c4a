"""A room is ventilated, by the command line: sessions, somebody's word, the hour that is owed."""

import signal

POLICY = """\
policy:
  air: { ventilation_min: 5, bridge_min: 1, next_session: hold }
"""


def order(site, *words, check=True):
    return site.command_line(*words, "--who", "Li Na", check=check)


def test_the_next_session_waits_until_the_room_was_ventilated(site_of):
    site = site_of(policy=POLICY).start()
    site.follow()
    order(site, "session", "start", "room-301")
    assert site.wait_for("session.began")["source"].endswith("/room-301")
    assert "a session is on" in order(site, "session", "start", "room-301", check=False).stderr
    order(site, "session", "end", "room-301")
    site.wait_for("session.ended")
    room = {r["name"]: r for r in site.status()["rooms"]}["room-301"]
    assert not room["in_session"] and 290 < room["missing_s"] <= 300
    refused = order(site, "session", "start", "room-301", check=False)
    assert refused.returncode == 1
    assert "5 min of the ventilation after the last session are missing" in refused.stderr
    told = site.wait_for("command.refused", command="session_start", reason="ventilation_incomplete")
    assert told["data"]["missing"] == "5 min" and told["data"]["room"] == "room-301"


def test_a_ventilation_is_somebodys(site_of):
    site = site_of(policy=POLICY).start()
    site.follow()
    assert site.command_line("ventilation", "begin", "room-301", check=False).returncode == 64
    order(site, "ventilation", "begin", "room-301")
    assert site.wait_for("ventilation.began")["data"]["method"] == "declared"
    order(site, "ventilation", "end", "room-301")
    ended = site.wait_for("ventilation.ended")["data"]
    assert ended["effect"] == "not_verified" and ended["minutes"] < 1
    assert "nobody has said" in order(site, "ventilation", "end", "room-301", check=False).stderr
    assert "there is no room" in order(site, "occupants", "room-999", "3", check=False).stderr
    order(site, "occupants", "room-301", "3")


def test_a_door_that_is_killed_keeps_what_is_owed(site_of):
    site = site_of(policy=POLICY).start()
    site.follow()
    order(site, "session", "start", "room-301")
    order(site, "session", "end", "room-301")
    site.wait_for("session.ended")
    site.door.end(signal.SIGKILL)
    site.start_door()
    refused = order(site, "session", "start", "room-301", check=False)
    assert "are missing" in refused.stderr, refused.stderr
