"""HID devices that `gatehouse-sim run` plays, one that is asked in reports and one in features: what the door must see of them, by
the kernel's uhid in the guest (`test_guest.py`), and without one by umockdev (`test_usb.py`).
"""

SETTINGS = """\
buses:
  air: {{ hid: {{ usb: "413d:2107", serial_number: A7 }} }}
  io: {{ hid: {{}} }}
  door-ir: {{ serial: {run}/door-ir }}
devices:
  stick: {{ profile: temper-hid, bus: air, warm_up_s: 1 }}
  board: {{ profile: usb-hid-relay, bus: io }}
  eye: {{ profile: gy-mcu90614, bus: door-ir }}
lanes:
  north-door:
    thermometer: {{ device: eye, site_offset_c: 1.6 }}
    lamp: {{ device: board, relay: 2 }}
    buzzer: {{ device: board, relay: 3 }}
"""


def reads(site, celsius, within):
    """The stick is asked who it is, and then for its temperature."""
    site.ask_simulator(f"field stick internal_temperature {celsius}")
    site.wait_for("port.opened", at="air", within=within)
    site.wait_for("reading", device="stick", field="internal_temperature", quality="good", value=celsius, within=within)


def found(site, within):
    reads(site, 23.75, within)


def switched(site, within):
    site.wait_for("device.up", at="board", within=within)
    site.command_line("prove", "north-door")
    for relay in [2, 3]:
        site.ask_simulator(f"wait relay board {relay} on for={within}")


def found_again(site, within):
    site.ask_simulator("unplug air")
    site.wait_for("port.lost", at="air", within=within)
    site.wait_for("device.down", at="stick", reason="port_lost", within=within)
    site.ask_simulator("replug air")
    reads(site, 24.5, within)


# In this order.
CHECKS = {
    "a HID stick that is simulated is found and read": found,
    "a HID board that is simulated is switched": switched,
    "a HID stick that is simulated is lost and found again": found_again,
}
