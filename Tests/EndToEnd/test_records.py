"""Records of a real door's log: everybody is in the ledger, what was deleted is called so, and spreadsheets and paper take it."""

import csv
import datetime
import html.parser
import io
import json
import signal
import sqlite3

import pytest


@pytest.fixture
def day(site):
    """A person who passes, one with a fever who is isolated, one let through by staff, and an alarm that somebody saw."""
    site.follow()
    site.ask_simulator("person north-door body=36.6")
    site.wait_for("gate.shut")
    site.ask_simulator("person north-door body=38.6 stay=4")
    denied = site.wait_for("screening.denied")
    alarm = site.wait_for("alarm.raised", kind="suspected_fever")
    ticket = str(denied["data"]["ticket"])
    site.command_line("alarms", "acknowledge", str(alarm["data"]["occurrence"]), "--who", "Li Na")
    site.wait_for("lane.changed", state="free")
    site.command_when_free("contact", ticket, "38.4", "--who", "Li Na")
    site.wait_for("screening.isolated")
    site.command_when_free("override", "north-door", "--who", "=HYPERLINK(1)", "--why", "<i>wheelchair</i>, 轮椅")
    site.wait_for("gate.opened", ticket=0)
    site.date = denied["time"][:10]
    return site


def report(site, record, *arguments):
    return site.command_line("report", record, "--day", site.date, *arguments).stdout


def rows(site, record, table):
    return json.loads(report(site, record, "--format", "json"))["tables"][table]


def test_everybody_is_in_the_ledger(day):
    ledger = rows(day, "ledger", "ledger")
    assert [row["verdict"] for row in ledger] == ["passed", "denied", "isolated", "override"]
    assert ledger[0]["estimate_c"] == pytest.approx(36.6, abs=0.4) and ledger[0]["surface_c"] < ledger[0]["estimate_c"]
    assert ledger[2]["operator"] == "Li Na" and ledger[2]["estimate_c"] == 38.4
    assert ledger[3]["operator"] == "=HYPERLINK(1)" and ledger[3]["lane"] == "north-door"


def test_a_spreadsheet_in_chinese(day):
    text = report(day, "ledger", "--language", "zh")
    assert text.startswith("\ufeff时间,通道,")
    # Below the table, what a reader must know.
    text, notes = text.removeprefix("\ufeff").split("\n\n")
    assert "“已删除”不等于未测量" in notes and "当日尚未结束" in notes
    table = list(csv.reader(io.StringIO(text, newline="")))
    assert len({len(row) for row in table}) == 1 and len(table) == 5
    # A name that is a formula stays a name.
    assert "'=HYPERLINK(1)" in table[4] and "<i>wheelchair</i>, 轮椅" in table[4]
    assert "通过" in table[1] and "隔离" in table[3]


def test_paper(day):
    for record in ("ledger", "availability", "alarms", "daily"):
        for language in ("en", "zh"):
            page = report(day, record, "--format", "html", "--language", language)
            html.parser.HTMLParser().feed(page)
            assert page.startswith("<!DOCTYPE html>") and "@page" in page and "<i>wheelchair" not in page


def test_what_was_deleted_on_time_is_called_forgotten(day):
    assert day.door.end() == 0
    for segment in (day.folder / "log").glob("*.sqlite"):
        with sqlite3.connect(segment) as log:
            log.execute("DELETE FROM personal WHERE kind = 'day'")
    ledger = rows(day, "ledger", "ledger")
    assert "surface_c" in ledger[0]["forgotten"] and "surface_c" not in ledger[0]
    assert "estimate_c" not in ledger[0]["forgotten"] and ledger[0]["estimate_c"] > 36
    # The override measured nothing: there was nothing to forget.
    assert "forgotten" not in ledger[3]
    assert "forgotten" in report(day, "ledger") and "已删除" in report(day, "ledger", "--language", "zh")


def test_the_day_as_a_whole(day):
    report_of_day = json.loads(report(day, "daily", "--format", "json"))["tables"]
    (lane,) = report_of_day["lanes"]
    assert (lane["screened"], lane["passed"], lane["elevated"], lane["isolated"], lane["overrides"]) == (2, 1, 1, 1, 1)
    fever = [alarm for alarm in report_of_day["alarms"] if alarm["kind"] == "suspected_fever"]
    assert fever and fever[0]["acknowledged_by"] == "Li Na" and fever[0]["answered_s"] >= 0
    assert [order["command"] for order in report_of_day["commands"]] == ["acknowledge", "contact_reading", "override"]


def test_devices_and_their_gaps(day):
    day.simulator.end()
    day.wait_for("device.down")
    day.start_simulator()
    day.wait_for("device.up")
    day.door.end()
    tables = json.loads(report(day, "availability", "--format", "json"))["tables"]
    devices = {device["device"]: device for device in tables["devices"]}
    assert {"door-thermometer", "door-relays"} <= set(devices)
    assert all(0 < device["available_percent"] <= 100 for device in devices.values() if device["gaps"])
    assert [entry["what"] for entry in tables["door"]][0] == "started" and tables["door"][-1]["what"] == "stopped"
    assert all(gap["length_s"] >= 0 and gap["reason"] for gap in tables["gaps"])


def test_another_day_is_empty(day):
    assert json.loads(day.command_line("report", "ledger", "--day", "2020-01-01", "--format", "json").stdout)["tables"]["ledger"] == []
    done = day.command_line("report", "ledger", "--day", "23.11.2026", check=False)
    assert done.returncode == 64 and "--day takes a day such as 2026-11-23" in done.stderr


def test_names_are_sealed_and_join_when_printed(day):
    people = day.folder / "people.csv"
    one, two = "a1" * 16, "b2" * 16
    people.write_text(
        f"\ufefftoken;name;role;session\r\n{one};李娜;candidate;written\r\n{two};\"Wang; Fang\";staff;\r\n", encoding="utf-8")
    assert "2 entries" in day.command_line("roster", "import", people, "--keep-days", "7").stdout
    store, key = day.folder / "roster.sealed", day.folder / "roster.key"
    assert store.stat().st_mode & 0o777 == key.stat().st_mode & 0o777 == 0o600
    assert "李娜".encode() not in store.read_bytes()
    assert "李娜" in day.command_line("roster", "list").stdout
    # Nobody of the list came: the lane knows no tokens.
    absent = rows(day, "absentees", "absentees")
    assert [person["name"] for person in absent] == ["Wang; Fang", "李娜"]
    assert report(day, "ledger", "--names", "--language", "zh").startswith("\ufeff时间,通道,候测号,人员标识,姓名,身份,")
    assert "姓名" not in report(day, "ledger", "--language", "zh")
    day.command_line("roster", "forget", one)
    assert "李娜" not in day.command_line("roster", "list").stdout
    key.chmod(0o644)
    done = day.command_line("roster", "list", check=False)
    assert done.returncode == 1 and "found permissions 644, expected 600" in done.stderr
    people.write_text(f"token,name\n{one},x\n{one},y\n")
    key.chmod(0o600)
    done = day.command_line("roster", "import", people, check=False)
    assert done.returncode == 1 and f"{people}:3:1  found the token of line 2 again" in done.stderr


def test_a_door_that_was_killed_was_not_watching(day):
    """Nobody has started it again, days ago: its devices are not called available since, and every record says so."""
    day.door.end(signal.SIGKILL)
    old = (datetime.date.fromisoformat(day.date) - datetime.timedelta(days=5)).isoformat()
    for segment in (day.folder / "log").glob("*.sqlite"):
        with sqlite3.connect(segment) as log:
            bodies = log.execute("SELECT stream, seq, body FROM events").fetchall()
            for stream, seq, body in bodies:
                log.execute(
                    "UPDATE events SET body = ?, time_ns = time_ns - ? WHERE stream = ? AND seq = ?",
                    (body.replace(day.date.encode(), old.encode()), 5 * 86_400 * 10**9, stream, seq))
    def tables(*arguments):
        return json.loads(day.command_line("report", "availability", "--format", "json", *arguments).stdout)
    first = tables("--day", old)
    gaps = [gap for gap in first["tables"]["gaps"] if gap["device"] == "door-relays"]
    # Before it was first heard of nothing is known, and after its last word nothing either.
    assert [gap["reason"] for gap in gaps] == ["no_record", "no_record"] and "to" not in gaps[-1]
    assert any("Nothing was watched from" in note for note in first["notes"])
    (relays,) = [device for device in first["tables"]["devices"] if device["device"] == "door-relays"]
    assert relays["state"] == "down" and relays["up_s"] + relays["down_s"] == 86_400
    next_day = (datetime.date.fromisoformat(old) + datetime.timedelta(days=1)).isoformat()
    assert {device["available_percent"] for device in tables("--day", next_day)["tables"]["devices"]} == {0}
    # Without the settings a copy of the log is read by its own clock.
    copied = tables("--day", old, "--folder", day.folder / "log", "--settings", "/nowhere.yaml")
    assert copied["tables"]["devices"] == first["tables"]["devices"]
