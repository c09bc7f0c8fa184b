#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""mock_qmp - a monitor of a QEMU that is not there, for what a real one never says.

usage: mock_qmp SOCKET LOG WHAT

WHAT it is like: good; noslot; keeps (the guest refuses to let go); deaf (says
nothing about it); fails (device_add is refused); second (the second one is);
silent, garbage, other, endless, closes (no monitor at all). LOG gets a line for
every command. Serves one connection.
"""

import json
import os
import socket
import sys
import time

PORTS = [
    {"qdev_id": "", "pci_bridge": {"bus": {}}},
    {"qdev_id": "full", "pci_bridge": {"devices": [{"qdev_id": "x"}]}},
    {"qdev_id": "dmi", "pci_bridge": {"devices": []}},
    {"qdev_id": "rp0", "pci_bridge": {"bus": {}}},
]


def main():
    path, log, what = sys.argv[1:]
    server = socket.socket(socket.AF_UNIX)
    server.bind(path + ".new")
    server.listen()
    os.rename(path + ".new", path)
    conn, _ = server.accept()
    out = open(log, "w", buffering=1)
    plugged = {"anon": "0000:03:00.0"}

    def say(obj):
        conn.sendall(json.dumps(obj).encode() + b"\r\n")

    if what == "silent":
        time.sleep(30)
    if what == "closes":
        return
    if what == "garbage":
        conn.sendall(b"SSH-2.0-nothing\r\n")
    if what == "other":
        say({"hello": 1})
    while what == "endless":
        conn.sendall(b"x" * 65536)
    say({"QMP": {"version": {}, "capabilities": []}})
    for line in conn.makefile("rb"):
        msg = json.loads(line)
        command, args = msg["execute"], msg.get("arguments", {})
        out.write(command + " " + json.dumps(args) + "\n")
        say({"event": "NOISE", "data": {}})
        if command == "query-pci":
            say({"return": [{"bus": 0, "devices": PORTS[:3 if what == "noslot" else 4]}]})
        elif command == "device_add":
            if args["bus"] == "dmi":
                say({"error": {"desc": "Bus 'dmi' does not support hotplugging"}})
            elif what == "fails" or what == "second" and len(plugged) == 2:
                say({"error": {"class": "GenericError", "desc": "vfio: no way"}})
            else:
                plugged[args["id"]] = args["host"]
                say({"return": {}})
        elif command == "qom-list":
            anon = args["path"].endswith("anon")
            say({"return": [{"name": "type", "type": "string"}] + [
                {"name": name, "type": "child<vfio-pci>"}
                for name in plugged if (name == "anon") == anon]})
        elif command == "qom-get":
            host = plugged[args["path"].split("/")[-1]]
            by_path = what == "bypath"
            if args["property"] == "sysfsdev":
                say({"return": "/sys/bus/pci/devices/" + host if by_path else ""})
            else:
                say({"return": "ffff:ff:1f.7" if by_path else host})
        elif command == "device_del":
            say({"return": {}})
            if what == "keeps":
                say({"event": "DEVICE_UNPLUG_GUEST_ERROR", "data": {"path": args["id"]}})
            elif what != "deaf":
                say({"event": "DEVICE_DELETED", "data": {"path": "/machine/other"}})
                time.sleep(0.05)
                plugged.pop(args["id"].split("/")[-1])
                say({"event": "DEVICE_DELETED", "data": {"path": args["id"]}})
        else:
            say({"return": {}})


main()
