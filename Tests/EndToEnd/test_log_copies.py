"""The log exported, backed up while the door writes it, and restored for a door that goes on from there."""

import csv
import io
import json
import subprocess

from site_under_test import BIN


def test_a_backup_of_a_running_door_is_restored_and_goes_on(site, tmp_path):
    site.ask_simulator("people on every=1")
    site.wait_for("screening.passed")
    backup = tmp_path / "backup"
    said = site.command_line("log", "backup", backup).stdout
    assert "verified" in said
    site.wait_for("screening.passed")
    assert site.command_line("log", "verify", "--folder", backup).returncode == 0
    held = [json.loads(line) for line in site.command_line("log", "--json", "--folder", backup).stdout.splitlines()]
    assert f": {len(held)} events in 1 files" in said
    of_log = {event["id"]: event for event in site.events()}
    assert all(of_log[event["id"]] == event for event in held), "the backup says what the log says"
    assert "not empty" in site.command_line("log", "backup", backup, check=False).stderr

    exported = tmp_path / "records.csv"
    site.command_line("log", "export", "--format", "csv", "--type", "screening", "--output", exported)
    rows = list(csv.DictReader(io.StringIO(exported.read_text(), newline="")))
    assert any(row["type"] == "gatehouse.screening.passed" for row in rows)
    assert exported.stat().st_mode & 0o137 == 0
    assert "surface_c" not in exported.read_text() and "estimate_c" not in exported.read_text()
    with_values = site.command_line("log", "export", "--personal")
    assert "estimate_c" in with_values.stdout and "personal" in with_values.stderr
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [BIN / "gatehouse", "log", "export", "--folder", backup], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "can't be written" in done.stderr and "No space left" in done.stderr, done.stderr

    refused = site.command_line("log", "restore", backup, "--replace", check=False)
    assert refused.returncode == 1 and "a door runs on" in refused.stderr
    site.door.end()
    refused = site.command_line("log", "restore", backup, check=False)
    assert refused.returncode == 1 and "--replace" in refused.stderr
    site.command_line("log", "restore", backup, "--replace")
    newest = max(event["seq"] for event in held if event["stream"] == "records")
    site.start_door()
    after = site.events("--stream", "records")
    assert [event["seq"] for event in after] == list(range(1, len(after) + 1))
    began = [event for event in after if event["seq"] > newest and event["type"] == "gatehouse.system.started"]
    assert len(began) == 1 and began[0]["data"]["restored"], "it takes up the state as of the backup"
    assert site.command_line("log", "verify").returncode == 0

    segment = next(backup.glob("*.sqlite"))
    content = bytearray(segment.read_bytes())
    content[content.index(b"system.started") + 3] ^= 1
    segment.write_bytes(content)
    damaged = site.command_line("log", "restore", backup, "--folder", tmp_path / "new", check=False)
    assert damaged.returncode == 1 and segment.name in damaged.stderr and "is damaged" in damaged.stderr
