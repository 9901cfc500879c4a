"""Plugs pulled and put back a thousand times under one running door: each is told once, and nothing is left behind.

Serial lines and buses at once, as fast as the door tells that it has them again, beside gateways that take each connection
and hang up. GATEHOUSE_TORTURE=1 makes it a hundred thousand times.
"""

import collections
import datetime
import json
import os
import pathlib
import pty
import socket
import sqlite3
import threading
import time
import tty

from site_under_test import TORTURE, Site, moment

CYCLES = int(os.environ.get("GATEHOUSE_CYCLES", 100_000 if TORTURE else 1_000))
# The door's rings have 4,096 places, each of which takes memory when it is first used: two a cycle.
WARM_UP = 2_500
HALF_A_FRAME = b"\x5a\x5a\x45\x04\x0c"


class Adapter:
    """A serial adapter: at each plugging another pseudo-terminal. Every other time it is back before the door can have told
    that it was gone, and the link never was."""

    def __init__(self, link):
        self.place = link
        self.cycles = 0
        self.back_at = None
        self._plug()

    def pull(self):
        os.write(self._near, HALF_A_FRAME)
        gone, self._near = self._near, None
        if self.cycles % 2:
            self._plug()
        else:
            self.place.unlink()
        os.close(gone)

    def told_lost(self):
        if self._near is None:
            self._plug()

    def close(self):
        if self._near is not None:
            os.close(self._near)

    def _plug(self):
        self._near, far = pty.openpty()
        tty.setraw(far)
        new = self.place.with_suffix(".new")
        new.symlink_to(os.ttyname(far))
        os.close(far)
        self.back_at = datetime.datetime.now().astimezone()
        new.rename(self.place)


class Server:
    """A Modbus gateway that hangs up: it is there all the time, and the door calls again when its back-off is over. That is one
    outage, however often."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = self._listener.getsockname()[1]
        self.hang_ups = 0

    def hang_up(self):
        threading.Thread(target=self._hang_up, daemon=True).start()

    def _hang_up(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.close()
            self.hang_ups += 1

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Plugs(Site):
    """A door whose plugs can be pulled, and all that it `told` of each port."""

    def __init__(self, folder):
        self.plugs = {}
        self.servers = {}
        self.buses = []
        self.devices = []
        self.told = collections.defaultdict(list)
        self.slowest = (0.0, None)
        for number in range(12):
            line, bus = f"line-{number}", f"bus-{number}"
            self.add(line, Adapter(folder / line), "serial: {}", "gy-mcu90614")
            self.add(bus, Adapter(folder / bus), "modbus_rtu: {}", "vaisala-gmp25x")
        for number in range(16):
            self.servers[f"tcp-{number}"] = server = Server()
            self.configure(f"tcp-{number}", server, 'modbus_tcp: "127.0.0.1:{}"', "modbus-relay-8ch")
        text = "\n".join([
            "site: { id: test-site, name: Test site, time_zone: Asia/Shanghai }", "desk: none", "log: { folder: log }",
            "buses:", *self.buses, "devices:", *self.devices, ""])
        super().__init__(folder, settings=text.replace("{", "{{").replace("}", "}}"))

    def add(self, name, plug, bus, profile):
        self.plugs[name] = plug
        self.configure(name, plug, bus, profile)

    def configure(self, name, plug, bus, profile):
        self.buses.append(f"  {name}: {{ {bus.format(plug.place)} }}")
        self.devices.append(f"  {name}-device: {{ profile: {profile}, bus: {name} }}")

    def open(self):
        self.start_door()
        self.follow()
        for _ in [*self.plugs, *self.servers]:
            assert self.next_change()[0] == "port.opened"
        for server in self.servers.values():
            server.hang_up()
        return self

    def cycle(self, times, names):
        """Pulls plugs, all of these at once, until so many are in again as the door tells it."""
        away = set()

        def pull(name):
            nonlocal times
            if times:
                times -= 1
                away.add(name)
                self.plugs[name].pull()

        for name in names:
            pull(name)
        while away:
            event, name = self.next_change()
            if name in self.servers:
                continue
            if event == "port.lost":
                self.plugs[name].told_lost()
            else:
                self.plugs[name].cycles += 1
                away.remove(name)
                pull(name)
        assert times == 0

    def next_change(self, within=60):
        """The next port that the door tells to be lost or opened; of those opened, keeps the slowest."""
        deadline = time.monotonic() + within
        while line := self.follow().next_line(deadline):
            event = json.loads(line) if line.startswith("{") else {}
            name = event.get("source", "").rpartition("/")[2]
            if not event.get("durable") or not {name} & {*self.plugs, *self.servers} or ".port." not in event["type"]:
                continue
            change = event["type"].removeprefix("gatehouse.")
            self.told[name].append(change)
            if change == "port.opened" and name in self.plugs and self.plugs[name].back_at:
                took = moment(event) - self.plugs[name].back_at
                self.slowest = max(self.slowest, (took.total_seconds(), f"{name}, cycle {self.plugs[name].cycles}"))
            return change, name
        raise AssertionError(f"no port was lost or opened within {within} s")

    def logged(self):
        """How many events of each type the log's files hold."""
        found = collections.Counter()
        for segment in (self.folder / "log").glob("*.sqlite"):
            with sqlite3.connect(segment) as log:
                found.update(dict(log.execute("SELECT type, count(*) FROM events GROUP BY type")))
        return found

    def belongings(self):
        """The door's open files and its threads, but for those that the runtime keeps for a while for itself."""
        process = pathlib.Path(f"/proc/{self.door.popen.pid}")
        names = sorted((thread / "comm").read_text().strip() for thread in (process / "task").iterdir())
        return len(os.listdir(process / "fd")), [name for name in names if not name.endswith("qos")]

    def belongings_at_rest(self):
        """The same in five looks: a file that is being written is open for less than one."""
        looks = [self.belongings()]
        while looks[-5:] != 5 * [looks[-1]]:
            assert len(looks) < 100, looks
            self.status()
            looks.append(self.belongings())
        return looks[-1]

    def memory(self):
        """Of the door's own, in kB: without the pages of its files."""
        rollup = pathlib.Path(f"/proc/{self.door.popen.pid}/smaps_rollup").read_text()
        return int(next(line for line in rollup.splitlines() if line.startswith("Anonymous:")).split()[1])

    def close(self):
        super().close()
        for plug in [*self.plugs.values(), *self.servers.values()]:
            plug.close()


def test_plugs_pulled_and_put_back_leave_nothing_behind(tmp_path):
    """Every loss and every return is told once, in turn; a path that returns is opened within 2 s, whatever the back-off; and
    descriptors, threads and memory are what they were."""
    site = Plugs(tmp_path)
    try:
        site.open()
        site.cycle(WARM_UP, site.plugs)
        start = site.belongings_at_rest()
        memory = site.memory()
        site.cycle(CYCLES, site.plugs)
        grown = site.memory() - memory
        print(f"slowest {site.slowest}, grown by {grown} kB, {len(start[1])} threads and {start[0]} descriptors")
        assert site.slowest[0] < 2, site.slowest
        assert grown < 1024, f"{memory} kB and {grown} more"
        end = site.belongings_at_rest()
        assert end == start, (start, end)
        for name, plug in site.plugs.items():
            assert plug.cycles >= 3
            assert site.told[name] == ["port.opened", *["port.lost", "port.opened"] * plug.cycles], name
        for port in site.status()["ports"]:
            if port["name"] in site.plugs:
                cycles = site.plugs[port["name"]].cycles
                assert (port["opens"], port["losses"]) == (cycles + 1, cycles), port
                continue
            # Counted each time, told once.
            assert port["losses"] >= 3 and 0 <= port["opens"] - port["losses"] <= 1, port
            assert site.told[port["name"]] == ["port.opened", "port.lost"], port
        done = WARM_UP + CYCLES
        logged = site.logged()
        opened, lost = len(site.plugs) + done + len(site.servers), done + len(site.servers)
        assert (logged["gatehouse.port.opened"], logged["gatehouse.port.lost"]) == (opened, lost)
        assert site.command_line("log", "verify", within=300).returncode == 0
    finally:
        site.close()
