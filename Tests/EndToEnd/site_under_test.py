"""A whole site in a temporary folder: settings, simulated devices, the door, and the eyes of a test on all three.

Nothing here sleeps to wait: a test waits for a line of the log (`gatehouse log --follow`), an answer of the simulator, or
the end of a process, each with a deadline.
"""

import datetime
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("GATEHOUSE_BIN", ROOT / ".build" / "debug"))
PROFILES = ROOT / "DeviceProfiles"
# The sizes of a night: `make torture`.
TORTURE = os.environ.get("GATEHOUSE_TORTURE") == "1"

# One door with everything it needs, on simulated buses. Delays of the air rules are seconds here.
SETTINGS = """\
site: {{ id: test-site, name: Test site, time_zone: Asia/Shanghai }}
desk: none
log: {log}
buses:
  door-ir: {{ serial: {run}/door-ir }}
  door-io: {{ modbus_tcp: "127.0.0.1:{io_port}" }}
  rooms: {{ modbus_rtu: {run}/rooms }}
devices:
  door-thermometer: {thermometer}
  door-relays: {{ profile: modbus-relay-8ch, bus: door-io, unit: 1 }}
  room-301-co2: {{ profile: vaisala-gmp25x, bus: rooms, unit: 31 }}
lanes:
  north-door:
    thermometer: {{ device: door-thermometer, site_offset_c: {offset} }}
    gate: {{ device: door-relays, relay: 1, open_s: {open_s}, read_back: input 1, on_failure: {on_failure} }}
    lamp: {{ device: door-relays, relay: 2 }}
    buzzer: {{ device: door-relays, relay: 3 }}
    passage: {{ device: door-relays, input: 2 }}
    fire_release: {{ device: door-relays, input: 7 }}
    staff_button: {{ device: door-relays, input: 8 }}
rooms:
  room-301: {{ volume_m3: 180, seats: 30, co2: [room-301-co2], windows: openable }}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def moment(event):
    """When it happened, to the microsecond."""
    return datetime.datetime.fromisoformat(event["time"][:26] + event["time"][29:])


class Process:
    """A program whose lines are queued as they come."""

    def __init__(self, name, arguments, **options):
        self.name = name
        self.lines = queue.Queue()
        self.seen = []
        self.popen = subprocess.Popen(
            [str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with self.popen.stdout:
            for line in self.popen.stdout:
                self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def wait_for_line(self, matches, within=20.0):
        """The first line not yet looked at that `matches`; fails loudly with all lines when none comes."""
        deadline = time.monotonic() + within
        while True:
            line = self.next_line(deadline)
            if line is None:
                raise AssertionError(f"{self.name}: no such line within {within} s; seen:\n" + "\n".join(self.seen[-60:]))
            if matches(line):
                return line

    def next_line(self, deadline):
        """The next line; `None` when the deadline has come. Fails when the program has ended."""
        try:
            line = self.lines.get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            return None
        if line is None:
            raise AssertionError(f"{self.name} ended with {self.popen.wait()}; seen:\n" + "\n".join(self.seen[-60:]))
        self.seen.append(line)
        return line

    def end(self, how=signal.SIGTERM, within=20.0):
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        return self.popen.wait(timeout=within)


class Site:
    """Settings, simulator and door in one folder."""

    def __init__(self, folder, offset=1.6, open_s=1, on_failure="shut", settings=None, policy="",
                 thermometer="{ profile: gy-mcu90614, bus: door-ir }", log="{ folder: log, reading_interval_s: 1 }",
                 extra_thermometers=0, profiles=PROFILES):
        self.folder = pathlib.Path(folder)
        self.profiles = profiles
        self.run = self.folder / "run"
        self.run.mkdir(parents=True, exist_ok=True)
        self.io_port = free_port()
        text = (settings or SETTINGS).format(
            run=self.run, io_port=self.io_port, offset=offset, open_s=open_s, on_failure=on_failure,
            thermometer=thermometer, log=log)
        for number in range(extra_thermometers):
            text = text.replace("buses:\n", f"buses:\n  extra-{number}: {{ serial: {self.run}/extra-{number} }}\n")
            text = text.replace(
                "devices:\n", f"devices:\n  extra-{number}: {{ profile: gy-mcu90614, bus: extra-{number} }}\n")
        self.settings = self.folder / "gatehouse.yaml"
        self.settings.write_text(text + policy)
        self.processes = []
        self.simulator = None
        self.door = None
        self._follow = None
        self._untaken = []

    # Programs

    def start(self, *simulator_arguments):
        self.start_simulator(*simulator_arguments)
        self.start_door()
        self.await_free_lane()
        return self

    def await_free_lane(self):
        """Nobody is judged before the door has seen an empty lane for a second."""
        self.wait_for("lane.changed", state="free")

    def start_simulator(self, *arguments):
        self.sim_socket = self.run / "sim.sock"
        self.simulator = self._start(
            "gatehouse-sim", BIN / "gatehouse-sim", self.settings, "--profiles", self.profiles, "--seed", "7", "--commands",
            self.sim_socket, *arguments)
        self.simulator.wait_for_line(lambda line: "ready" in line)

    def start_door(self, *arguments, environment=None, before=(), **options):
        """Starts the door; `before` it on the command line stands what is to start it."""
        self.door = self._start(
            "gatehoused", *before, BIN / "gatehoused", "--settings", self.settings, "--profiles", self.profiles, *arguments,
            env={**os.environ, **(environment or {})}, **options)
        self.door.wait_for_line(lambda line: "ready" in line)
        return self.door

    def _start(self, name, *arguments, **options):
        process = Process(name, arguments, **options)
        self.processes.append(process)
        return process

    def command_line(self, *arguments, check=True, within=30, **options):
        """Runs `gatehouse …` for this site and returns what it printed."""
        done = subprocess.run(
            [str(BIN / "gatehouse"), *map(str, arguments), "--settings", str(self.settings), "--profiles", str(self.profiles)],
            capture_output=True, text=True, timeout=within, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"gatehouse {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def command_when_free(self, *arguments, within=10):
        """A command for a lane, repeated while the one before has not left the thermometer for long enough."""
        deadline = time.monotonic() + within
        while True:
            done = self.command_line(*arguments, "--json", check=False)
            if done.returncode == 0 or "being measured" not in done.stderr or time.monotonic() > deadline:
                return json.loads(done.stdout)

    def close(self):
        for process in reversed(self.processes):
            if process.popen.poll() is None:
                process.popen.terminate()
                try:
                    process.popen.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.popen.kill()
                    process.popen.wait()

    # Eyes

    def events(self, *arguments):
        """All events in the log now, as CloudEvents; a slow machine reads 100,000 of them for minutes."""
        text = self.command_line("log", "--json", *arguments, within=300).stdout
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def follow(self):
        if self._follow is None:
            self._follow = self._start(
                "gatehouse log", BIN / "gatehouse", "log", "--json", "--follow", "--settings", self.settings, "--profiles",
                self.profiles)
        return self._follow

    def wait_for(self, event, /, within=20.0, at=None, **data):
        """The first event of this type, at the place `at`, whose data hold these values and that no earlier call has
        returned: what happens in one turn comes in an order that no test should know."""

        def matches(found):
            return (found["type"] == f"gatehouse.{event}" and (at is None or found["source"].endswith(f"/{at}"))
                    and all(found["data"].get(k) == v for k, v in data.items()))

        follow = self.follow()
        for index, found in enumerate(self._untaken):
            if matches(found):
                return self._untaken.pop(index)
        deadline = time.monotonic() + within
        while True:
            line = follow.next_line(deadline)
            if line is None:
                what = " ".join([event, *([f"at {at}"] if at else []), *(f"{k}={v}" for k, v in data.items())])
                raise AssertionError(f"no {what} within {within} s; the records:\n" + "\n".join(self.records()))
            if not line.startswith("{"):
                continue
            found = json.loads(line)
            if matches(found):
                return found
            if found["stream"] == "records":
                self._untaken.append(found)

    def records(self):
        """What the log holds for people, a line an event."""
        return self.command_line("log", "--limit", "60", check=False).stdout.splitlines()

    def status(self):
        return json.loads(self.command_line("status", "--json").stdout)

    def ask_simulator(self, command):
        """Sends one line to the simulator and returns its answer."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(self.sim_socket))
            client.sendall((command + "\n").encode())
            answer = client.makefile().readline().strip()
        if answer.startswith("error"):
            raise AssertionError(f"{command}: {answer}")
        return answer

    def simulator_state(self):
        return json.loads(self.ask_simulator("state"))
