"""Plays a relay board and a CO2 probe over Modbus TCP, and another pair over Modbus RTU, with pymodbus, and prints every
coil that is written. Usage: foreign_devices.py TCP_PORT LINK (the link will name the pseudo-terminal of the RTU bus)."""

import asyncio
import os
import pty
import sys
import tty

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusSerialServer, ModbusTcpServer

# IEEE 754, and the probe sends its low word first: 987.5 ppm is 4476 E000, 612.25 ppm is 4419 1000.
CO2 = {"rtu": [0xE000, 0x4476], "tcp": [0x1000, 0x4419]}


def say_writes(wire):
    def trace(sending, pdu):
        if not sending and pdu.function_code == 5:
            print(f"{wire} coil {pdu.address} {'on' if pdu.bits[0] else 'off'}", flush=True)
        return pdu

    return trace


def devices(wire):
    # pymodbus counts its blocks from 1: address 0 on the wire is the second entry here.
    coils = ModbusSequentialDataBlock(1, [False] * 0x500)
    inputs = ModbusSequentialDataBlock(1, [False] * 8)
    registers = [0] * 0x900
    registers[0:2] = CO2[wire]
    return ModbusServerContext(
        devices={
            1: ModbusDeviceContext(co=coils, di=inputs),
            31: ModbusDeviceContext(hr=ModbusSequentialDataBlock(1, registers)),
        },
        single=False)


async def main(tcp_port, link):
    # The server gets one end of a pseudo-terminal, the door finds the other through the link.
    master, slave = pty.openpty()
    far_master, far_slave = pty.openpty()
    for end in (master, slave, far_master, far_slave):
        tty.setraw(end)
    os.symlink(os.ttyname(far_slave), link)
    os.close(far_slave)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, lambda: os.write(far_master, os.read(master, 4096)))

    def to_server():
        try:
            os.write(master, os.read(far_master, 4096))
        except OSError:
            pass  # Nobody has the far end open just now.

    loop.add_reader(far_master, to_server)
    serial = ModbusSerialServer(
        devices("rtu"), port=os.ttyname(slave), baudrate=19200, stopbits=2, trace_pdu=say_writes("rtu"))
    tcp = ModbusTcpServer(devices("tcp"), address=("127.0.0.1", tcp_port), trace_pdu=say_writes("tcp"))
    await serial.serve_forever(background=True)
    await tcp.serve_forever(background=True)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
