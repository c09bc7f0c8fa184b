#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""mock_ch - the API of a Cloud Hypervisor that is not there, and what a real one never says.

usage: mock_ch SOCKET LOG WHAT

WHAT it is like. As to plugging: good; cold (204, not 200); fails, plain, mute, wordy
(refused, in different words); second (the second one is); breaks-off, gone (in the
middle of the answer, before it). As to unplugging: slow (the guest takes its time);
deaf (it never does it); half (not the second one); keeps (refused); vanishes (refused,
but it has gone); again, again-refused (it was asked for before); stuck, dies (before the
guest did it); no-vm, no-info. As to its answers: chunked; unsized; odd (all that the
standard allows). Or a key of RAW, what it says to a ping; or silent, drip, busy.
LOG gets a line for every request.
"""

import json
import os
import socket
import sys
import time

OK = b"HTTP/1.1 200 OK\r\n"
PONG = json.dumps({"build_version": "v1", "version": "1", "pid": 1, "features": []}).encode()
SIZE = b"Content-Length: %d\r\n" % len(PONG)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNK = b"%x\r\n%s\r\n" % (len(PONG), PONG)

# Each is a right answer but for one thing.
RAW = {
    "garbage": b"SSH-2.0-nothing\r\n\r\n" + PONG,
    "other": b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
    "no-version": OK + b"Content-Length: 2\r\n\r\n{}",
    "no-object": OK + b"Content-Length: 4\r\n\r\n\"v1\"",
    "no-json": OK + b"Content-Length: %d\r\n\r\n%s}" % (len(PONG) + 1, PONG),
    "zero": OK + b"Content-Length: %d\r\n\r\n%s\0x" % (len(PONG) + 2, PONG),
    "endless": (b"", b"x" * 65536),
    "endless-headers": (OK, b"X-A: b\r\n" * 4096),
    "endless-body": (OK + b"\r\n", b" " * 65536),
    "endless-chunks": (OK + CHUNKED + b"\r\n", b"1;" + b"x" * 4000 + b"\r\n \r\n"),
    "long-line": OK + b"X-A: " + b"b" * 9000 + b"\r\n" + SIZE + b"\r\n" + PONG,
    "huge": (OK + b"Content-Length: 999999999\r\n\r\n" + PONG, b" " * 65536),
    "two-lengths": OK + SIZE + SIZE + b"\r\n" + PONG,
    "two-encodings": OK + CHUNKED + CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "both": OK + CHUNKED + SIZE + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "negative": OK + b"Content-Length: -1\r\n\r\n" + PONG,
    "signed": OK + SIZE.replace(b": ", b": +") + b"\r\n" + PONG,
    "no-length": OK + b"Content-Length: \r\n\r\n",
    "long-length": OK + SIZE.replace(b": ", b": 0000000000") + b"\r\n" + PONG,
    "words": OK + SIZE.replace(b"\r", b" bytes\r") + b"\r\n" + PONG,
    "gzip": OK + CHUNKED.replace(b"ch", b"gzip, ch") + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "deflate": OK + CHUNKED.replace(b"chunked", b"deflate") + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "bad-chunk": OK + CHUNKED + b"\r\n0x" + CHUNK + b"0\r\n\r\n",
    "long-chunk": OK + CHUNKED + b"\r\n0000000" + CHUNK + b"0\r\n\r\n",
    "short-chunk": OK + CHUNKED + b"\r\n1\r\n" + PONG + b"\r\n0\r\n\r\n",
    "chunk-end": OK + CHUNKED + b"\r\n" + CHUNK[:-2] + b"xx0\r\n\r\n",
    "unended-chunk": OK + CHUNKED + b"\r\n" + CHUNK + b"0\r\n",
    "short": OK + b"Content-Length: %d\r\n\r\n" % (len(PONG) + 1) + PONG,
    "empty": OK + b"Content-Length: 0\r\n\r\n",
    "bare-lf": OK + SIZE.replace(b"\r", b" ") + b"\r\n" + PONG,
    "bare-cr": OK + b"X-A: b\rX-C: d\r\n" + SIZE + b"\r\n" + PONG,
    "folded": OK + b"X-A: b\r\n " + SIZE + b"\r\n" + PONG,
    "no-colon": OK + b"X-A\r\n" + SIZE + b"\r\n" + PONG,
    "space": OK + b"X-A : b\r\n" + SIZE + b"\r\n" + PONG,
    "more": OK + SIZE + b"\r\n" + PONG + OK,
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + SIZE + b"\r\n" + PONG,
    "old": b"HTTP/1.0 200 OK\r\n" + SIZE + b"\r\n" + PONG,
    "bad-status": b"HTTP/1.1 2x0 OK\r\n" + SIZE + b"\r\n" + PONG,
    "content-204": b"HTTP/1.1 204 No Content\r\n" + SIZE + b"\r\n" + PONG,
    "no-body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "closes": b"",
}

REFUSALS = {
    "fails": b'["Error from API", "Cannot open it"]',
    "plain": b"no \x1b[31mway",
    "mute": b"",
    "wordy": b'["' + b"x" * 100000 + b'", "y"]',
}


class Vm:
    """What is in the VM: the configuration, and the tree that the guest has a say in."""

    def __init__(self, what):
        self.what = what
        self.config = {}
        self.tree = {"_pci0": 0}
        self.leaving = {}
        if what.startswith("again"):
            self.tree["ptx-0000-03-00.0"] = 0
        else:
            self.add("_vfio3", "/sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0")
        if what == "half":
            self.add("a", "/sys/bus/pci/devices/0000:04:00.0/")
            self.add("b", "/sys/bus/pci/devices/0000:05:00.0")

    def add(self, name, path):
        self.config[name] = path
        self.tree[name] = 0

    def info(self):
        now = time.monotonic()
        for name in [n for n, at in self.leaving.items() if at <= now]:
            self.leaving.pop(name)
            self.tree.pop(name, None)
        devices = [{"path": None}, None, 3, {"id": "x"}, {"id": 3, "path": "/0000:03:00.0"}]
        devices += [{"id": n, "path": p, "iommu": False} for n, p in self.config.items()]
        return {"config": {"cpus": {}, "devices": devices}, "state": "Running",
                "device_tree": {n: {"id": n, "children": []} for n in self.tree}}

    def remove(self, name):
        """The status of the answer."""
        known = self.config.pop(name, None)
        if self.what == "vanishes":
            self.tree.pop(name)
            return 404
        if not known and self.what != "again":
            self.leaving[name] = time.monotonic() + 0.3
            return 404
        if self.what == "keeps":
            self.config[name] = known
            return 500
        wait = {"deaf": 60, "stuck": 60, "dies": 60, "slow": 0.5}.get(self.what, 0.05)
        self.leaving[name] = time.monotonic() + (60 if (self.what, name) == ("half", "b") else wait)
        return 204


def answer(what, status, body):
    head = b"HTTP/1.1 %d \r\nServer: Cloud Hypervisor API\r\n" % status
    if status == 204:
        return head + b"Connection: keep-alive\r\n\r\n"
    if what == "chunked":
        half = len(body) // 2
        return (head + CHUNKED + b"\r\n%X;a=b\r\n%s\r\n" % (half, body[:half]) +
                b"0%x\r\n%s\r\n000\r\nX-T: u\r\n\r\n" % (len(body) - half, body[half:]))
    if what == "unsized":
        return head + b"\r\n" + body
    if what == "odd":
        return head + b"content-LENGTH:\t %d \t\r\nX-Empty:\r\n\r\n%s" % (len(body), body)
    return head + b"Connection: keep-alive\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def read_request(conn):
    reader = conn.makefile("rb")
    first = reader.readline().decode().split()
    length = 0
    for line in iter(reader.readline, b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return first[0], first[1], reader.read(length).decode()


def serve(conn, what, vm, log):
    """One request; False when that was the last."""
    method, target, body = read_request(conn)
    log.write(f"{method} {target} {body}".rstrip() + "\n")
    args = json.loads(body) if body else {}
    verb = target.split("/")[-1]
    status, out = 200, b""
    if verb == "vmm.ping" and method == "GET":
        if what == "drip":
            conn.sendall(OK + b"\r\n")
            for _ in range(15000):
                conn.sendall(b" ")
                time.sleep(0.001)
        if what in RAW:
            first, rest = RAW[what] if isinstance(RAW[what], tuple) else (RAW[what], b"")
            conn.sendall(first)
            while rest:
                conn.sendall(rest)
            return True
        out = PONG
    elif verb == "vm.add-device" and method == "PUT":
        if what in REFUSALS or what == "second" and len(vm.config) == 2:
            status, out = 500, REFUSALS.get(what, REFUSALS["fails"])
        elif what == "gone":
            return False
        else:
            vm.add(args["id"], args["path"])
            out = json.dumps({"id": args["id"], "bdf": "0000:00:06.0"}).encode()
            status = 204 if what == "cold" else 200
        if what == "breaks-off":
            conn.sendall(answer(what, status, out)[:-4])
            return False
    elif verb == "vm.remove-device" and method == "PUT":
        status = vm.remove(args["id"])
        out = b'["Error from API", "busy"]'
        if what == "dies":
            conn.sendall(answer(what, status, out))
            return False
    elif verb == "vm.info" and method == "GET":
        if what == "stuck" and vm.leaving:
            time.sleep(30)
        out = json.dumps(vm.info()).encode()
        if what == "no-vm":
            status, out = 404, b'["VM is not created"]'
        if what == "no-info":
            out = b"[]"
    else:
        status = 404
    conn.sendall(answer(what, status, out))
    return True


def main():
    path, log, what = sys.argv[1:]
    server = socket.socket(socket.AF_UNIX)
    server.bind(path + ".new")
    server.listen(0 if what == "busy" else 8)
    os.rename(path + ".new", path)
    # Should nobody end it.
    server.settimeout(60)
    waiting = []
    while what == "busy" and len(waiting) < 3:
        waiting.append(socket.socket(socket.AF_UNIX))
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(path)
    if what in ("busy", "silent"):
        time.sleep(30)
    vm = Vm(what)
    with open(log, "w", buffering=1) as out:
        again = True
        while again:
            conn, _ = server.accept()
            try:
                again = serve(conn, what, vm, out)
            except BrokenPipeError:
                pass
            conn.close()


main()
