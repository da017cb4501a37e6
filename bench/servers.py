"""Starts what is measured: milky and its peers, each on the processor of servers, and the loads on
that of loads. Everything that was started is ended with this process, whatever becomes of it."""

import atexit
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
GROUP = 700000001
BOT, OTHER = 10001000, 10002000
EVENT_BYTES = 350

CALL = '{"action":"get_login_info","params":{},"echo":"12345678"}'


def message(text):
    return json.dumps(
        {
            "action": "send_group_message",
            "params": {"group_id": GROUP, "message": [{"type": "text", "data": {"text": text}}]},
        }
    )


def processors():
    """One for servers, one for loads; the same where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[-1], mine[0]


SERVER_CPU, LOAD_CPU = processors()
libc = ctypes.CDLL(None)
children = []


def start(command, cpu, **more):
    def prepare():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing is left behind

    child = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=prepare,
        **more,
    )
    children.append(child)
    return child


def stop(child):
    child.stdin.close()
    child.kill()
    child.wait()
    child.stdout.close()
    children.remove(child)


@atexit.register
def stop_all():
    for child in list(children):
        stop(child)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_ns(pid):
    """The CPU time of a process so far: its CPU clock (clock_getcpuclockid(3))."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def writes_of(pid):
    """How often a process has written to files so far, and how many bytes: what it sends is not in it."""
    lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    io = dict(line.split(": ") for line in lines)
    return int(io["syscw"]), int(io["wchar"])


class Server:
    """One running server. `port` takes calls and clients of events; events are made by a message to
    `trigger_port` at `trigger_path`."""

    def __init__(self, name, command, port, trigger_port=None, trigger="{}", folder=None):
        self.name = name
        self.port = port
        self.trigger_port = trigger_port or port
        self.trigger_path = "/" if trigger_port else "/trigger"
        self.trigger = trigger
        self.folder = folder
        log = open(pathlib.Path(folder or tempfile.gettempdir()) / "log", "w") if folder else None
        self.process = start(command, SERVER_CPU, stderr=log or subprocess.DEVNULL)
        self.pid = self.process.pid
        try:
            self.wait()
        except RuntimeError:
            self.stop()
            raise

    def wait(self):
        if self.name == "nginx":  # says nothing
            for _ in range(500):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                        return
                time.sleep(0.01)
        for line in self.process.stdout:
            if line.strip() == b"ready":
                return
        raise RuntimeError(f"{self.name} does not start")

    def stop(self):
        stop(self.process)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Servers:
    """Makes servers out of what was built in `build`."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.milky_program = self.build / "milky"

    def program(self, name):
        return self.build / "bench" / name

    def nginx_program(self):
        unpacked = ROOT / "build/deps/usr/sbin/nginx"
        return unpacked if unpacked.exists() else shutil.which("nginx")

    def config(self, folder, port, other, webhooks=(), **more):
        """A small world: one bot that is measured, another that writes to it."""
        listen = [{"listen": f"127.0.0.1:{port}"}]
        return {
            "data_dir": str(pathlib.Path(folder) / "data"),
            "bots": [
                {
                    "self_id": BOT,
                    "http_server": listen,
                    "websocket_server": listen,
                    "webhook": [{"url": url} for url in webhooks],
                },
                {"self_id": OTHER, "websocket_server": [{"listen": f"127.0.0.1:{other}"}]},
            ],
            **more,
        }

    def milky(self, name="milky", text="x", webhooks=(), **more):
        folder = tempfile.mkdtemp(prefix="milky-bench-")
        port, other = free_port(), free_port()
        file = pathlib.Path(folder) / "milky.jsonc"
        file.write_text(json.dumps(self.config(folder, port, other, webhooks, **more)))
        command = [self.milky_program, "serve", "-c", file]
        return Server(name, command, port, other, message(text), folder)

    def floor(self, kind, name="floor", *arguments):
        port = free_port()
        return Server(name, [self.program(f"floor_{kind}"), port, *arguments], port)

    def lws(self, kind):
        if not self.program("lws").exists():
            return None
        port = free_port()
        return Server("libwebsockets", [self.program("lws"), port, kind], port)

    def node(self, kind, name, *arguments):
        if not shutil.which("node") or not (BENCH / "node_modules").exists():
            return None
        port = free_port()
        script = BENCH / "peers/node.mjs"
        return Server(name, ["node", script, kind, port, *arguments], port)

    def uws(self):
        """It is in no registry: `npm install --no-save uNetworking/uWebSockets.js#v20.52.0` in bench."""
        if not (BENCH / "node_modules/uWebSockets.js").exists():
            return None
        return self.node("uws", "uWebSockets.js")

    def nginx(self):
        if not self.nginx_program():
            return None
        port = free_port()
        folder = tempfile.mkdtemp(prefix="milky-bench-")
        file = pathlib.Path(folder) / "nginx.conf"
        file.write_text((BENCH / "peers/nginx.conf").read_text().format(port=port, dir=folder))
        return Server("nginx", [self.nginx_program(), "-c", file, "-p", folder], port, folder=folder)


class Load:
    """One running load generator (bench/load.c), connected to a server."""

    def __init__(self, servers, server, mode, **options):
        self.server = server
        command = [servers.program("load"), mode, f"pid={server.pid}"]
        options.setdefault("port", server.port)
        command += [f"{name}={value}" for name, value in options.items()]
        self.process = start(command, LOAD_CPU)
        if self.process.stdout.readline().strip() != b"ready":
            raise RuntimeError(f"no load on {server.name}")

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n".encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.server.name} broke down under load")
        return json.loads(line)

    def stop(self):
        stop(self.process)


class Wrk:
    """wrk, with the same interface: each measurement is a run of it."""

    def __init__(self, server, pipelined):
        self.server = server
        self.script = BENCH / "wrk.lua"
        self.pipelined = pipelined

    def measure(self, seconds):
        url = f"http://127.0.0.1:{self.server.port}/get_login_info"
        seconds = max(1, round(seconds))
        command = ["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", self.script, url, "--", self.pipelined]
        started, cpu = time.monotonic_ns(), cpu_ns(self.server.pid)
        child = start(command, LOAD_CPU)
        out = child.stdout.read().decode()
        child.wait()
        cpu, wall = cpu_ns(self.server.pid) - cpu, time.monotonic_ns() - started
        stop(child)
        requests = [line.split()[0] for line in out.splitlines() if "requests in" in line]
        if not requests or "Non-2xx" in out or "Socket errors" in out:
            raise RuntimeError(f"wrk on {self.server.name}: {out}")
        return {"operations": int(requests[0]), "cpu_ns": cpu, "wall_ns": wall}

    def stop(self):
        pass
