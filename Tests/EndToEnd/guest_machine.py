"""A guest under qemu with Debian's own kernel, for what needs real kernel parts: hidraw, usbhid, ftdi_sio, udev.

It has no disk: an initramfs with busybox and the modules mounts this machine's root folder over 9p, read-only, so that the guest
has this machine's Python, Swift's runtime and the programs under test. The program `guest/checks.py` runs in it as its first
process and talks to us in lines of JSON over a virtio port: what became of each check, and what it asks of the hardware.
"""

import contextlib
import gzip
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading

from site_under_test import BIN, ROOT

HERE = pathlib.Path(__file__).resolve().parent
KERNEL = ROOT / ".guest"
MODULES = ["virtio_pci", "9pnet_virtio", "9p", "virtio_console", "xhci_pci", "ftdi_sio", "usbhid", "hid_generic", "vhci_hcd", "uhid"]
WIRES = ["wire0", "wire1"]


def ordered_modules():
    """The files of `MODULES` and of what they depend on, each behind what it needs; the kernel has no list of them unpacked."""
    files = {file.stem.replace("-", "_"): file for file in (KERNEL / "modules").rglob("*.ko")}
    ordered = {}

    def add(name):
        if name in ordered or name not in files:  # What is no file is built in.
            return
        needs = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())[1].decode()
        for needed in filter(None, needs.split(",")):
            add(needed.replace("-", "_"))
        ordered[name] = files[name]

    for name in MODULES:
        assert name in files, f"{name} is not in {KERNEL}: run scripts/guest-kernel"
        add(name)
    return ordered


def archive(files):
    """A cpio archive of the form `newc`, as the kernel wants it: names to (mode, content)."""
    parts = []
    for number, (name, (mode, content)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))], start=1):
        name = name.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        parts += [head, b"\0" * (-len(head) % 4), content, b"\0" * (-len(content) % 4)]
    return b"".join(parts)


def initramfs(environment):
    """The first files of the guest, packed."""
    modules = ordered_modules()
    folder, program, text = 0o040755, 0o100755, 0o100644
    exports = "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in environment.items())
    files = {"bin": (folder, b""), "modules": (folder, b""),
             "init": (program, (HERE / "guest" / "init").read_bytes()),
             "bin/busybox": (program, pathlib.Path(shutil.which("busybox")).read_bytes()),
             "environment": (text, exports.encode()),
             "modules/order": (text, "".join(f"{name}\n" for name in modules).encode())}
    files |= {f"modules/{name}.ko": (text, file.read_bytes()) for name, file in modules.items()}
    return gzip.compress(archive(files), compresslevel=1)


class Lines:
    """JSON lines to and from one character device of qemu, which inherits the other end."""

    def __init__(self, name):
        self.socket, self.far_end = socket.socketpair()
        self.device = ["-chardev", f"socket,id={name},fd={self.far_end.fileno()}"]
        self.file = self.socket.makefile("r")

    def send(self, value):
        self.socket.sendall(json.dumps(value).encode() + b"\n")

    def read(self):
        """The next one; an error when there is none any more."""
        line = self.file.readline()
        if not line:
            raise ConnectionError("qemu has ended")
        return json.loads(line)

    def close(self):
        self.file.close()
        self.socket.close()


class Guest:
    """One guest, from its boot to its end; `result` waits for a check by name."""

    def __init__(self, folder):
        self.folder = folder
        self.results = {}
        self.changed = threading.Condition()
        self.over = False
        # Some machines have a /dev/kvm under which no kernel of Debian's gets anywhere: hence a deadline for the first sign of life.
        self.is_fast = os.access("/dev/kvm", os.R_OK | os.W_OK) and os.environ.get("GATEHOUSE_GUEST") != "tcg"
        if not self.is_fast or not self._boot("kvm", within=10):
            self.is_fast = False
            assert self._boot("tcg", within=90), f"the guest does not boot:\n{self._console()}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _boot(self, way, within):
        """Starts the guest; whether it says within so many seconds that it is there."""
        folder = self.folder / way
        folder.mkdir()
        image = folder / "initramfs.gz"
        image.write_bytes(initramfs({
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/dev/shm", "TMPDIR": "/dev/shm", "LC_ALL": "C.UTF-8",
            "GATEHOUSE_BIN": BIN.resolve(), "GUEST_PYTHON": sys.executable, "GUEST_PROGRAM": HERE / "guest" / "checks.py",
            "GUEST_IS_FAST": int(way == "kvm")}))
        self.output = [folder / "qemu", folder / "console"]
        # An adapter is there only while somebody holds the other end of its wire: `wires`.
        self.lines = {name: Lines(name) for name in ["qmp", "checks", *WIRES]}
        self.qmp, self.checks, *self.wires = self.lines.values()
        with open(self.output[0], "wb") as output:
            self.qemu = subprocess.Popen(
                # However the tests end, the guest does.
                ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
                 "-machine", f"q35,accel={way}", "-smp", "2", "-m", "1024", "-cpu", "max,arch-capabilities=off", "-kernel", KERNEL / "vmlinuz", "-initrd", image,
                 "-append", "console=ttyS0 quiet panic=-1", "-serial", f"file:{self.output[1]}",
                 "-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap",
                 *(part for line in self.lines.values() for part in line.device), "-mon", "chardev=qmp,mode=control",
                 "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=checks,name=checks",
                 "-device", "qemu-xhci,id=usb"],
                stdout=output, stderr=subprocess.STDOUT, pass_fds=[line.far_end.fileno() for line in self.lines.values()])
        for line in self.lines.values():
            line.far_end.close()
        try:
            self.qmp.read()
            self.ask_qemu("qmp_capabilities")
            self.checks.socket.settimeout(within)
            self.checks.read()
            self.checks.socket.settimeout(None)
            return True
        except OSError:
            self.close()
            return False

    def _console(self):
        return "".join(file.read_text(errors="replace") for file in self.output if file.exists())[-4000:]

    def ask_qemu(self, command, **arguments):
        """Carries out a QMP command; events in between are nobody's."""
        self.qmp.send({"execute": command, "arguments": arguments})
        while not ((answer := self.qmp.read()).keys() & {"return", "error"}):
            pass
        assert "error" not in answer, answer
        return answer["return"]

    # What the guest asks for

    def plug(self, line, serial):
        """An FTDI adapter, as qemu plays one; `line` is the wire behind it."""
        self.ask_qemu("device_add", driver="usb-serial", id=f"adapter{line}", bus="usb.0", chardev=WIRES[line], serial=serial)

    def unplug(self, line):
        self.ask_qemu("device_del", id=f"adapter{line}")

    def send(self, line, hex):
        self.wires[line].socket.sendall(bytes.fromhex(hex))

    def _do(self, what, **more):
        try:
            {"plug": self.plug, "unplug": self.unplug, "send": self.send}[what](**more)
            self.checks.send({"done": True})
        except AssertionError as error:
            self.checks.send({"failed": str(error)})

    # What became of the checks

    def _listen(self):
        with contextlib.suppress(OSError, ValueError):
            while line := self.checks.read():
                if "do" in line:
                    self._do(line.pop("do"), **line)
                    continue
                with self.changed:
                    self.results[line["check"]] = line
                    self.changed.notify_all()
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def result(self, check, within=240):
        """What the guest saw in this check; fails as it failed there."""
        with self.changed:
            self.changed.wait_for(lambda: check in self.results or self.over, within)
            found = self.results.get(check)
        if found is None:
            failed = [line["failed"] for line in self.results.values() if "failed" in line]
            raise AssertionError("\n".join([f"the guest did not come to this check: {check}", *failed, self._console()]))
        assert "failed" not in found, found["failed"]
        return found["saw"]

    def close(self):
        self.qemu.kill()
        self.qemu.wait()
        for line in self.lines.values():
            line.socket.shutdown(socket.SHUT_RDWR)  # Ends who reads it, too.
            line.close()
