"""Who comes, at a whole door: a scanner on a serial line of the test's own, tokens in the log, a roster that only printing joins, and
of what was shown, or is named, no trace in anything that the door or its programs wrote.
"""

import csv
import io
import json
import os

import pytest

from foreign_devices import open_line
from site_under_test import SETTINGS

LI, WANG, STRANGER, FEVERISH = "11010519491231002X", "320311770706001", "A7393481008232", "440524188001010014"
SERVED = [word for bus in ("door-ir", "door-io", "rooms") for word in ("--serve", bus)]


class Scanner:
    """A code scanner as a serial device: an end of line after each code."""

    def __init__(self, link):
        self.near, self.far = open_line(link)

    def show(self, code):
        os.write(self.near, f"{code}\r\n".encode())

    def close(self):
        os.close(self.near)
        os.close(self.far)


def settings(required, roster):
    lane = f"    identity: {{ device: scanner, required: {required}, roster: {roster} }}\n"
    files = "identity_secret_file: key, " + ("roster_tokens_file: roster.tokens, " if roster == "required" else "")
    return (SETTINGS.replace("site: {{ ", "site: {{ " + files)
            .replace("buses:\n", "buses:\n  codes: {{ serial: {run}/codes }}\n")
            .replace("devices:\n", "devices:\n  scanner: {{ profile: cdc-scanner, bus: codes }}\n")
            .replace("  north-door:\n", "  north-door:\n" + lane.replace("{", "{{").replace("}", "}}")))


@pytest.fixture
def entrance(site_of):
    """Makes a site with a scanner, not started: its key is there, its roster is not."""
    scanners = []

    def make(required="true", roster="required", folder="."):
        site = site_of(
            folder, settings=settings(required, roster), policy="policy: { fever: { cold_wait_s: 0, try_s: 2 } }\n",
            log="{ folder: log, reading_interval_s: 60 }")
        key = site.folder / "key"
        key.write_bytes(b"the key of a site under test, that nobody is to see")
        key.chmod(0o400)
        site.scanner = Scanner(site.run / "codes")
        scanners.append(site.scanner)
        return site

    yield make
    for scanner in scanners:
        scanner.close()


def open_door(site):
    site.start(*SERVED)
    site.wait_for("port.opened", at="codes")
    return site


def import_roster(site, *lines):
    people = site.folder / "people.csv"
    people.write_text("\n".join(["identity,name,role,session", *lines]) + "\n", encoding="utf-8")
    done = site.command_line("roster", "import", people, check=False)
    people.unlink()
    return done


def step_up(site, body=36.6, show=None, **more):
    """Somebody stands at the thermometer, and shows a code there, if any: what was shown before the door has seen the one before
    leave is not theirs."""
    words = " ".join(f"{name}={value}" for name, value in more.items())
    site.ask_simulator(f"person north-door body={body} {words}")
    site.wait_for("screening.began")
    if show:
        site.scanner.show(show)


def written(site):
    """Everything that is in the site's folder now, by name; sockets and lines have no content."""
    return {path: path.read_bytes() for path in site.folder.rglob("*") if path.is_file() and not path.is_symlink()}


def test_a_day_with_a_roster(entrance):
    site = entrance()
    imported = import_roster(site, f"{LI},李娜,candidate,written", f" {WANG} ,王芳,staff,")
    assert "2 entries" in imported.stdout and "roster.tokens is written" in imported.stdout
    assert "no problems" in site.command_line("check").stdout
    open_door(site)

    # On the roster: measured, and passes. Cold skin first: the same screening goes on when the code is shown again.
    step_up(site, show=LI, skin=33.0, stay=4)
    cold = site.wait_for("screening.denied", reason="low")
    site.ask_simulator("wait lane north-door empty")
    step_up(site, show=LI)
    assert site.wait_for("screening.resumed")["data"]["ticket"] == cold["data"]["ticket"]
    passed = site.wait_for("screening.passed")
    assert passed["data"]["ticket"] == cold["data"]["ticket"] and len(passed["data"]["token"]) == 32
    site.wait_for("gate.shut")

    # Shows nothing: no result.
    step_up(site, stay=9)
    site.wait_for("screening.denied", reason="no_identity", next="no_result")
    site.ask_simulator("wait lane north-door empty")

    # Not on the roster: staff, and by their word the same measurement as everybody's.
    step_up(site, show=STRANGER, stay=3)
    unknown = site.wait_for("screening.denied", reason="not_on_roster", next="no_result")
    ticket = unknown["data"]["ticket"]
    site.ask_simulator("wait lane north-door empty")
    refused = site.command_line("contact", ticket, "36.5", "--who", "Zhao", "--why", "by hand", check=False)
    assert refused.returncode == 1 and "not on the roster" in refused.stderr
    assert site.command_line("allow", ticket, check=False).returncode == 64
    site.command_line("allow", ticket, "--who", "Zhao", "--why", "came with an invitation")
    step_up(site, show=STRANGER)
    assert site.wait_for("screening.passed")["data"]["ticket"] == ticket
    site.wait_for("gate.shut")

    # A fever, which freezes what the buses said: of a scanner's, nothing that tells who it was.
    step_up(site, 38.6, show=FEVERISH, stay=3)
    site.wait_for("screening.denied", reason="not_on_roster")
    site.ask_simulator("wait lane north-door empty")
    step_up(site, 38.6, stay=4, show=LI)
    site.wait_for("alarm.raised", kind="suspected_fever")

    # Names join where they are printed.
    day = passed["time"][:10]
    ledger = json.loads(site.command_line("report", "ledger", "--names", "--day", day, "--format", "json").stdout)["tables"]["ledger"]
    named = {row.get("token"): row.get("name") for row in ledger if row.get("token")}
    assert named[passed["data"]["token"]] == "李娜" and named[unknown["data"]["token"]] is None
    absent = list(csv.reader(io.StringIO(site.command_line("report", "absentees", "--day", day).stdout)))
    assert any("王芳" in row for row in absent) and not any("李娜" in row for row in absent)

    # And nowhere else, while the door runs and when it has ended.
    said = "\n".join(site.door.seen) + json.dumps(site.status()) + site.command_line("log", "--json").stdout + imported.stdout
    files = written(site)
    assert site.door.end() == 0
    after = written(site)
    assert any(path.name.endswith("-wal") for path in files)
    assert any("recorder" in str(path.parent) for path in after)
    while not site.door.lines.empty():
        said += site.door.lines.get() or ""
    for secret in (LI, WANG, STRANGER, FEVERISH, "李娜", "王芳", "that nobody is to see"):
        for form in (secret.encode(), secret.encode("utf-16-le"), secret.encode().hex().encode()):
            holders = [path.name for content in (files, after) for path, bytes in content.items() if form in bytes and path.name != "key"]
            assert not holders, f"{secret} is in {holders}"
            assert form.decode(errors="replace") not in said, secret


def test_where_it_is_optional_nobody_has_to_show(entrance):
    site = open_door(entrance(required="false", roster="optional"))
    step_up(site)
    assert "token" not in site.wait_for("screening.passed")["data"]
    site.wait_for("gate.shut")
    step_up(site, show=STRANGER)
    assert len(site.wait_for("screening.passed")["data"]["token"]) == 32


def test_a_roster_that_is_missing_damaged_or_of_another_key_is_told(entrance):
    site = entrance()
    tokens, key = site.folder / "roster.tokens", site.folder / "key"

    def told(words):
        checked = site.command_line("check", check=False)
        assert checked.returncode == 1 and words in checked.stderr and "nobody is to see" not in checked.stderr
        with pytest.raises(AssertionError, match="gatehoused ended with 1"):
            site.start_door()
        assert words in "\n".join(site.door.seen if site.door else site.processes[-1].seen)

    told("there is no such file; write it anew with: gatehouse roster import")
    import_roster(site, f"{LI},李娜,candidate,")
    whole = tokens.read_bytes()
    tokens.write_bytes(whole[:-20])
    told("it was cut off or changed")
    tokens.write_bytes(whole)
    key.chmod(0o600)
    key.write_bytes(b"another key of the same site, that nobody is to see")
    told("found tokens of another key")
    key.chmod(0o644)
    told(f"found mode 644, expected one that only its owner can read: chmod 400 {key}")
    key.chmod(0o400)
    key.unlink()
    told("there is no such file; make it with: head -c 32 /dev/urandom")


def test_who_is_forgotten_is_not_expected_any_more(entrance):
    site = entrance()
    import_roster(site, f"{LI},李娜,candidate,", f"{WANG},王芳,staff,")
    tokens = site.folder / "roster.tokens"
    assert tokens.stat().st_mode & 0o777 == 0o600 and len(tokens.read_text().splitlines()) == 5
    token = tokens.read_text().splitlines()[2].split()[0]
    site.command_line("roster", "forget", token)
    assert token not in tokens.read_text() and len(tokens.read_text().splitlines()) == 4
    site.command_line("roster", "forget", "--all")
    assert len(tokens.read_text().splitlines()) == 3
    done = import_roster(site, f"{LI},李娜,candidate,", f"{LI},王芳,staff,")
    assert done.returncode == 1 and "people.csv:3:1  found the identity of line 2 again" in done.stderr and LI not in done.stderr
