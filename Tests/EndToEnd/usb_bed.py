"""Plays the USB side of a machine with umockdev: run by /usr/bin/python3 under umockdev-wrapper, told what to do in lines of
JSON on standard input, each answered with one on standard output. What is started under the same wrapper with the same
UMOCKDEV_DIR sees what is plugged in here, gets its udev events, and opens its ttys.
"""

import json
import os
import sys
import tempfile

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402

bed = UMockdev.Testbed.new()
plugged = {}
scripts = []


def plug(path, vid, pid, serial, product, name, interface=0):
    """A USB serial adapter in socket `path`, whose tty is /dev/`name`."""
    usb = f"/sys/devices/usb1/{path}"
    serial_line = f"A: serial={serial}\\n\n" if serial else ""
    bed.add_from_string(
        f"P: /devices/usb1/{path}\nE: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\nA: idVendor={vid}\\n\nA: idProduct={pid}\\n\n"
        f"{serial_line}A: product={product}\\n\n\n"
        f"P: /devices/usb1/{path}/{path}:1.{interface}\nE: DEVTYPE=usb_interface\nE: SUBSYSTEM=usb\n"
        f"A: bInterfaceNumber={interface:02d}\\n\n")
    tty = f"{usb}/{path}:1.{interface}/{name}/tty/{name}"
    bed.add_from_string(
        f"P: {tty[4:]}\nN: {name}\nE: DEVNAME=/dev/{name}\nE: SUBSYSTEM=tty\nE: MAJOR=188\nE: MINOR={len(plugged)}\n")
    plugged[name] = (usb, tty, bed.get_dev_fd(f"/dev/{name}"))
    bed.uevent(tty, "add")


def plug_hid(path, vid, pid, product, name, descriptor, feature, reports, is_usb=True):
    """A HID device whose node is /dev/`name`: it takes the feature report `feature`, and sends `reports`, 50 ms apart. One that
    is not on USB is known to the kernel's HID layer only."""
    if is_usb:
        usb = f"/sys/devices/usb1/{path}"
        bed.add_from_string(
            f"P: /devices/usb1/{path}\nE: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\nA: idVendor={vid}\\n\nA: idProduct={pid}\\n\n"
            f"A: product={product}\\n\n\n"
            f"P: /devices/usb1/{path}/{path}:1.0\nE: DEVTYPE=usb_interface\nE: SUBSYSTEM=usb\nA: bInterfaceNumber=00\\n\n")
        node = f"{usb}/{path}:1.0/0003:{vid}:{pid}.0001/hidraw/{name}"
    else:
        hid = f"/devices/virtual/misc/uhid/0005:{vid.upper()}:{pid.upper()}.0001"
        bed.add_from_string(
            f"P: {hid}\nE: SUBSYSTEM=hid\nE: HID_ID=0005:0000{vid.upper()}:0000{pid.upper()}\nE: HID_NAME={product}\n"
            f"E: HID_PHYS={path}\nE: HID_UNIQ=A7\n")
        node = f"/sys{hid}/hidraw/{name}"
    bed.add_from_string(f"P: {node[4:]}\nN: {name}\nE: DEVNAME=/dev/{name}\nE: SUBSYSTEM=hidraw\nE: MAJOR=240\nE: MINOR=0\n")
    size = (len(descriptor) // 2).to_bytes(4, "little").hex().upper()
    with tempfile.NamedTemporaryFile("w") as ioctls:
        padding = "0" * (8192 - len(descriptor))
        ioctls.write(
            f"@DEV /dev/{name}\nHIDIOCGRDESCSIZE 0 {size}\nHIDIOCGRDESC 0 {size}{descriptor.upper()}{padding}\n"
            f"HIDIOCSFEATURE {len(feature) // 2} {len(feature) // 2} {feature.upper()}\n")
        ioctls.flush()
        bed.load_ioctl(f"/dev/{name}", ioctls.name)
    script = tempfile.NamedTemporaryFile("w", encoding="latin-1")
    script.write(f"d 0 /dev/{name}\n" + "".join(f"r 50 {shown(bytes.fromhex(report))}\n" for report in reports))
    script.flush()
    bed.load_script(f"/dev/{name}", script.name)
    scripts.append(script)
    bed.uevent(node, "add")


def shown(data):
    """As umockdev's scripts write bytes."""
    return "".join("^`" if byte == ord("^") else f"^{chr(byte + 64)}" if byte < 32 else chr(byte) for byte in data)


def unplug(name):
    usb, tty, master = plugged.pop(name)
    bed.uevent(tty, "remove")
    bed.remove_device(tty)
    bed.remove_device(usb)
    os.close(master)


def send(name, hex):
    os.write(plugged[name][2], bytes.fromhex(hex))


print(json.dumps({"folder": bed.get_root_dir()}), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    {"plug": plug, "plug_hid": plug_hid, "unplug": unplug, "send": send}[command.pop("do")](**command)
    print(json.dumps({"done": True}), flush=True)
