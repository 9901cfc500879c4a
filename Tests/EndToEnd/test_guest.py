"""USB devices as a real kernel has them: usbcore, usbhid, hidraw, ftdi_sio and udev in a guest, and the door among them.

What runs in the guest is `guest/checks.py`. It goes through all of its checks once; each test here looks at one of them.
"""

import platform

import pytest

import simulated_sticks
from guest_machine import Guest

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the guest's kernel is one for amd64")


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    guest = Guest(tmp_path_factory.mktemp("guest"))
    print("guest under", "KVM" if guest.is_fast else "TCG, which emulates: nothing there is as fast as it should be")
    yield guest
    guest.close()


def test_a_hid_meter_is_found_started_and_read(guest):
    saw = guest.result("a HID meter is found, started and read")
    assert saw["started_with"] == "00" * 8, "SET_REPORT of its profile's start, without the number that it does not have"
    assert saw["co2"] == 954
    assert saw["temperature"] == pytest.approx(24.725)


def test_a_hid_meter_is_lost_and_found_again(guest):
    guest.result("a HID meter is lost and found again")


@pytest.mark.parametrize("check", simulated_sticks.CHECKS)
def test_simulated_sticks(guest, check):
    guest.result(check)


def test_an_ftdi_adapter_is_found_by_its_numbers(guest):
    guest.result("an FTDI adapter is found by its numbers")


def test_an_ftdi_adapter_holds_bytes_for_1_ms(guest):
    assert guest.result("an FTDI adapter holds bytes for 1 ms") == {"latency_timer": 1}


def test_bytes_behind_an_ftdi_adapter_become_readings(guest):
    assert guest.result("bytes behind an FTDI adapter become readings") == {"value": 31.25}


def test_an_ftdi_adapter_that_is_pulled_out_is_lost(guest):
    assert guest.result("an FTDI adapter that is pulled out is lost") == {"reason": "hung_up"}


def test_an_ftdi_adapter_is_found_again_under_another_name(guest, record_property):
    saw = guest.result("an FTDI adapter is found again under another name")
    record_property("saw", saw)
    print(f"opened {saw['opened_after_udev_s']:.3f} s after udev told of it, {saw['opened_after_kernel_s']:.3f} s after the kernel did")
    first, _, again = saw["nodes"]
    assert again != first
    # Emulated, what udev and the driver do takes several times as long.
    assert saw["opened_after_kernel_s"] <= (2 if guest.is_fast else 6)


def test_an_ftdi_line_is_set_as_settings_say(guest):
    """Parity, stop bits and modem lines, which no pseudo-terminal has."""
    slow, usual = guest.result("an FTDI line is set as settings say")["lines"]
    assert slow == {"format": "7E2", "baud": 4800, "rts": True, "dtr": False}
    assert (usual["format"], usual["rts"], usual["dtr"]) == ("8O1", False, True)


def test_a_driver_that_cannot_switch_rs485_says_so(guest):
    saw = guest.result("a driver that cannot switch RS-485 says so")
    assert saw["reason"] == "refused" and "leave rs485 out" in saw["told"]


def test_a_hid_board_that_never_answers_holds_up_no_other_port(guest):
    saw = guest.result("a HID board that never answers holds up no other port")
    assert saw["frames"] == 200
    assert saw["decided_after_s"] < saw["given_up_after_s"], "all of them while the request was in the kernel"
    assert saw["given_up_after_s"] >= 4, "the kernel's own time-out, 5 s, ended it"
    assert saw["lost"] == "stuck"


def test_a_hid_board_that_never_answers_holds_up_no_adapter_that_comes(guest, record_property):
    saw = guest.result("a HID board that never answers holds up no adapter that comes")
    record_property("saw", saw)
    print(f"opened {saw['opened_after_s']:.3f} s after the kernel told of it")
    assert saw["opened_after_s"] <= (2 if guest.is_fast else 4)


def test_a_hid_board_that_never_answers_slows_down_no_other_port(guest, record_property, capsys):
    saw = guest.result("a HID board that never answers slows down no other port")
    record_property("ratios", saw["ratios"])
    with capsys.disabled():
        print(f"\np99 of the decision {saw['quiet_us']:.0f} us beside a board that answers, {saw['silent_us']:.0f} us beside one "
              f"that does not; ratio {', '.join(f'{ratio:.2f}' for ratio in saw['ratios'])}")
    # Emulated, it says nothing.
    if guest.is_fast:
        assert min(saw["ratios"]) <= 1.5
