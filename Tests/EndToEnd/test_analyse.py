"""Other people's files through the program: measured rooms and people come out as others found them, and a bad file is said so."""

import csv
import json
import math
import subprocess

import pytest

from site_under_test import BIN, ROOT

MEASURED = ROOT / "Tests" / "Measured"


def analyse(*arguments, check=True):
    done = subprocess.run(
        [str(BIN / "gatehouse"), "analyse", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, done.stderr
    return done


def report(*arguments):
    return json.loads(analyse(*arguments, "--json").stdout)


# Where CERN knows that windows were opened and closed.
@pytest.mark.parametrize("room, changes", [
    ("office-1", [14.78, 15.1, 15.53, 15.87, 16.52, 16.83]), ("meeting-1", [10.37, 11.07])])
def test_windows_of_measured_rooms_are_found(room, changes):
    found = report("air", MEASURED / f"{room}.csv")["ventilation_changes"]
    assert found == [pytest.approx(change, rel=0.01) for change in changes]


def test_a_measured_office_is_fitted(tmp_path):
    found = report("air", MEASURED / "office-1.csv", "--volume-m3", 102, "--outdoor-ppm", 440.44, "--occupants", 4)
    air = found["fresh_air"]
    assert len(air) == 7 and all(one["accepted"] and one["error_percent"] <= 10 for one in air)
    # Shut and open in turn.
    flows = [one["lps_per_person"] for one in air]
    assert [b > a for a, b in zip(flows, flows[1:])] == [True, False] * 3
    assert found["quality"]["fail"] == 0 and found["rows"]["missing"] == 0


def test_a_decay_is_fitted_as_published(tmp_path):
    """Around 2.5 air changes an hour from 1,500 ppm at 420 outdoors, with noise."""
    ppm = [1506.0, 1288.9, 1135.0, 1008.1, 884.4, 799.1, 736.4, 662.2, 628.0, 585.6, 548.5, 537.2, 505.7]
    file = tmp_path / "decay.csv"
    file.write_text("".join(
        f"2026-11-23T{8 + minute // 60:02}:{minute % 60:02}:00+08:00;{str(value).replace('.', ',')}\r\n"
        for minute, value in zip(range(0, 65, 5), ppm)))
    file.write_bytes(b"\xef\xbb\xbfTime;CO2 (ppm)\r\n" + file.read_bytes())
    found = report("air", file, "--outdoor-ppm", 420, "--response-s", 0, "--fit-down-to-ppm", 0)
    (decay,) = found["decays"]
    assert decay["air_changes_per_h"] == pytest.approx(2.503845, abs=2e-6)
    assert decay["standard_error_per_h"] == pytest.approx(0.0281247, abs=2e-6)
    assert decay["high95_per_h"] - decay["air_changes_per_h"] == pytest.approx(0.061902, abs=2e-6)
    assert decay["r2"] == pytest.approx(0.998614, abs=1e-6) and decay["accepted"]
    assert decay["start"] == "2026-11-23T08:00:00+08:00"


def room_of_people(tmp_path, rates, exhaled):
    """CERN's room: 75 m3, two people, one from 12 to 13; a value a minute."""
    people = lambda hours: 1 if 12 <= hours < 13 else 2
    file = tmp_path / "room.csv"
    ppm = 440.44
    with open(file, "w") as lines:
        lines.write("time_h,co2_ppm,occupants\n")
        for minute in range(8 * 60, 17 * 60 + 1):
            lines.write(f"{minute / 60:.6f},{ppm:.4f},{people(minute / 60)}\n")
            for part in range(100):
                hours = minute / 60 + (part + 0.5) / 6000
                rate = [rate for start, rate in rates if start <= hours][-1]
                ppm += (rate * (440.44 - ppm) + people(hours) * exhaled * 0.042 * 1e6 / 75) / 6000
    return file


def test_what_made_a_trace_is_found_in_it(tmp_path):
    """The air changes of CERN's own test, through windows that the program finds itself."""
    file = room_of_people(tmp_path, [(8, 0.25), (12, 2.45), (13, 0.25)], 0.51)
    found = report("air", file, "--volume-m3", 75, "--outdoor-ppm", 440.44, "--generation-lps", 0.51 * 0.042 / 3.6)
    air = found["fresh_air"]
    assert [one["air_changes_per_h"] for one in air] == [pytest.approx(rate, rel=0.03) for rate in (0.25, 2.45, 0.25)]
    assert [one["people"] for one in air] == [pytest.approx(n, abs=0.05) for n in (2, 1, 2)]


def test_an_hour_is_scored_against_its_slots(tmp_path):
    file = tmp_path / "day.csv"
    with open(file, "w") as lines:
        lines.write("time,co2_ppm,occupants,window\n")
        ppm = 420.0
        for minute in range(8 * 60, 18 * 60):
            opened = 600 <= minute < 662 or 810 <= minute < 850
            people = 20 if minute < 600 or 690 <= minute < 810 else 0
            lines.write(f"2026-11-23 {minute // 60:02}:{minute % 60:02},{ppm:.1f},{people},{'open' if opened else 'closed'}\n")
            rate = 5 if opened else 0.2
            rest = 420 + people * 5000 / (rate * 150 / 3.6)
            ppm = rest + (ppm - rest) * math.exp(-rate / 60)
    found = report("air", file, "--volume-m3", 150)
    slots = {(slot["slot"], slot["start"]): slot for slot in found["slots"]}
    assert slots["morning", "2026-11-23T08:00:00"]["verdict"] == "met"
    # From 13:30, forty minutes.
    assert slots["afternoon", "2026-11-23T12:00:00"]["verdict"] == "short"
    assert slots["afternoon", "2026-11-23T12:00:00"]["short_minutes"] == pytest.approx(20, abs=1.5)
    sessions = [slot for slot in found["slots"] if slot["slot"] == "after session"]
    assert [slot["verdict"] for slot in sessions] == ["met", "short"]
    # Behind the second, CO2 still fell for a while; it alone shows no effect, and counts for nothing.
    assert [(one["method"], one["effective"]) for one in found["ventilations"]] == [("contact", True), ("contact", True), ("co2", False)]
    words = analyse("air", file, "--volume-m3", 150).stdout
    assert "short by" in words and max(map(len, words.splitlines())) <= 100


def people_of_a_trial(tmp_path, feature="canthiMax"):
    """1,020 people, inner canthus and mouth."""
    file = tmp_path / "people.csv"
    with open(MEASURED / "FLIR_groups1and2.csv", encoding="utf-8-sig") as rows, open(file, "w") as out:
        out.write("surface_c,reference_c,ambient_c\n")
        for row in csv.DictReader(rows):
            rounds = [float(row[f"{feature}{number}"]) for number in range(1, 5) if row[f"{feature}{number}"].strip()]
            out.write(f"{sum(rounds) / len(rounds)},{row['aveOralM']},{row['T_atm']}\n")
    return file


@pytest.mark.parametrize("feature, area, cutoff, sensitivity, specificity, difference", [
    ("canthiMax", 0.9679, 36.180, 0.901, 0.934, 1.241), ("T_Max", 0.9731, 36.453, 0.937, 0.943, 0.944),
    ("T_FH_Max", 0.8759, 35.692, 0.811, 0.827, 1.607), ("T_FHCC", 0.8251, 35.045, 0.721, 0.867, 2.455)])
def test_people_of_a_trial(tmp_path, feature, area, cutoff, sensitivity, specificity, difference):
    found = report("screening", people_of_a_trial(tmp_path, feature), "--fever-from-c", 37.5)["reference"][0]
    assert found["people"] == 1020 and found["febrile"] == 111
    assert found["roc_area"] == pytest.approx(area, abs=6e-5)
    assert found["cutoff_surface_c"] == pytest.approx(cutoff, abs=6e-4)
    assert found["cutoff_sensitivity"] == pytest.approx(sensitivity, abs=6e-4)
    assert found["cutoff_specificity"] == pytest.approx(specificity, abs=6e-4)
    assert found["suggested_site_offset_c"] == pytest.approx(difference, abs=6e-4)


# Of the last so many, trimmed, above by so much: found, missed, false alarms, others.
@pytest.mark.parametrize("people, deviation, adds, counts", [
    (10, 1.0, "true", (51, 60, 2, 907)), (10, 0.6, "true", (81, 30, 34, 875)), (10, 0.6, "false", (91, 20, 55, 854)),
    (20, 0.6, "false", (93, 18, 45, 864))])
def test_the_relative_rule_by_a_policy_file(tmp_path, people, deviation, adds, counts):
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "fever:\n  threshold_c: 42\n  high_c: 42\n  low_guard_c: 25\n"
        f"  relative: {{ enabled: true, people: {people}, deviation_c: {deviation}, add_elevated: {adds}, floor_c: 30, step_c: 5 }}\n")
    found = report("screening", people_of_a_trial(tmp_path), "--policy", policy, "--site-offset-c", 0, "--fever-from-c", 37.5)
    first = found["reference"][0]
    assert (first["true_positive"], first["false_negative"], first["false_positive"], first["true_negative"]) == counts
    assert len(found["rows"]) == 1020 and {row["verdict"] for row in found["rows"]} <= {"passed", "retake", "suspect"}


def test_a_bad_file_is_told_with_its_place(tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("time,co2_ppm\n2026-11-23 08:00,700\n23.11.2026 08:01,x\n")
    done = analyse("air", file, check=False)
    assert done.returncode == 1
    assert f"{file}:3:1  found the time \"23.11.2026 08:01\", expected" in done.stderr
    assert "1 problem" in done.stderr
    file.write_text("surface_c\n35.1\n")
    done = analyse("screening", file, check=False)
    assert done.returncode == 1 and "--site-offset-c" in done.stderr


def test_a_long_file_takes_little_memory(tmp_path):
    """A second a row for ten days, 20 MB: columns, not text, are kept."""
    file = tmp_path / "long.csv"
    with open(file, "w") as lines:
        lines.write("time_s,co2_ppm\n")
        for second in range(864_000):
            lines.write(f"{1795392000 + second},{700 + 200 * math.sin(second / 7000):.1f}\n")
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c",
         "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
         "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
         str(BIN / "gatehouse"), "analyse", "air", str(file), "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    # KB; what is kept of a row is some numbers of 8 bytes.
    assert int(done.stdout) < 400_000
