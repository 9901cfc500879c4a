"""What somebody copies who tests their own installation: the example repository with its workflow, and the commands of the manual for
shell and Python, run as they stand there.
"""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import yaml

from site_under_test import BIN, PROFILES, ROOT, Process

EXAMPLE = ROOT / "Simulators" / "example"
WORKFLOW = EXAMPLE / ".github" / "workflows" / "scenarios.yml"
MANUAL = (ROOT / "docs" / "testing-with-simulators.md").read_text()


def steps():
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["scenarios"]
    return {step["name"]: step for step in job["steps"]}


def shell(script, folder, **options):
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "GATEHOUSE_PROFILES": str(PROFILES)}, **options)


def test_the_workflow_is_one():
    text = yaml.safe_load(WORKFLOW.read_text())
    # YAML 1.1 takes the key `on` for true.
    assert set(text[True]) == {"push", "pull_request", "workflow_dispatch"}
    used = {step["uses"] for step in steps().values() if "uses" in step}
    assert used == {"actions/checkout@v4", "actions/cache@v4", "actions/upload-artifact@v4"}
    assert all("run" in step or "uses" in step for step in steps().values())
    assert "scripts/packages" in steps()["Build the simulators"]["run"] and (ROOT / "scripts" / "packages").exists()


def test_the_workflow_tests_the_example(tmp_path):
    """Its steps on a copy of the example, with the program that was built here in place of the one that it builds."""
    folder = tmp_path / "installation"
    shutil.copytree(EXAMPLE, folder)
    release = folder / ".gatehouse" / ".build" / "release"
    release.mkdir(parents=True)
    (release / "gatehouse-sim").symlink_to(BIN / "gatehouse-sim")
    (folder / ".gatehouse" / "DeviceProfiles").symlink_to(PROFILES)

    def step(name):
        return subprocess.run(["bash", "-e", "-c", steps()[name]["run"]], cwd=folder, capture_output=True, text=True, timeout=300)

    installed = step("Install the simulators")
    assert installed.returncode == 0, installed.stderr
    done = step("Test the scenarios")
    assert done.returncode == 0, done.stdout + done.stderr
    suites = ElementTree.parse(folder / "results.xml").getroot().findall("testsuite")
    assert sorted(suite.get("name") for suite in suites) == ["gateway-is-lost", "somebody-with-a-fever"]
    assert all(suite.get("failures") == "0" for suite in suites)
    assert {path.name for path in (folder / "logs").iterdir()} == {"gateway-is-lost", "somebody-with-a-fever"}

    # What does not come fails the step, and leaves the results and the logs.
    shutil.rmtree(folder / "logs")
    fever = folder / "scenarios" / "somebody-with-a-fever.yaml"
    fever.write_text(fever.read_text().replace("body: 38.4", "body: 36.4"))
    done = step("Test the scenarios")
    assert done.returncode == 1
    suites = ElementTree.parse(folder / "results.xml").getroot().findall("testsuite")
    assert {suite.get("name"): suite.get("failures") != "0" for suite in suites}["somebody-with-a-fever"]
    assert (folder / "logs" / "somebody-with-a-fever").is_dir()


def example(language):
    """The manual's one block of a language that speaks to a command socket."""
    blocks = [block for block in re.findall(rf"```{language}\n(.*?)```", MANUAL, re.S) if "commands" in block]
    assert len(blocks) == 1
    return blocks[0]


def test_the_manuals_shell_example_runs(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    done = shell(example("sh"), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-4:] == ["ok", "ok", "ok", "ok"], done.stdout


def test_the_manuals_python_example_runs(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    simulator = Process(
        "gatehouse-sim",
        [BIN / "gatehouse-sim", "run", tmp_path / "gatehouse.yaml", "--profiles", PROFILES, "--in", tmp_path / "site", "--commands",
         tmp_path / "site" / "commands"])
    try:
        simulator.wait_for_line(lambda line: "ready" in line)
        done = subprocess.run(["python3", "-c", example("python")], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines() == ["people in room 101: 30", "ok"]
        assert simulator.popen.wait(timeout=20) == 0
    finally:
        simulator.end()
