"""What is measured: each workload runs its servers in turns, several times over, and gives for each
of them a list of numbers per figure, in the order of the rounds."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from servers import (
    CALL,
    EVENT_BYTES,
    Load,
    Servers,
    Wrk,
    free_port,
    message,
    start,
    stop,
    writes_of,
)


ONE_CLIENT = "milky, one client"


def say(text):
    print(text, file=sys.stderr, flush=True)


def note(results, name, window):
    figures = results.setdefault(name, {"cpu_us": [], "per_second": []})
    figures["cpu_us"].append(window["cpu_ns"] / window["operations"] / 1000)
    figures["per_second"].append(window["operations"] / window["wall_ns"] * 1e9)
    for more in ("p50", "p99", "p999", "events", "bytes", "operations", "writes", "written"):
        if more in window:
            figures.setdefault(more, []).append(window[more])


def in_turns(options, title, loads):
    """Interleaved: what disturbs the machine disturbs all of them."""
    say(f"  {title}: {', '.join(load.server.name for load in loads)}")
    results = {}
    for number in range(options.repeats):
        for load in loads[number % len(loads) :] + loads[: number % len(loads)]:
            try:
                note(results, load.server.name, load.measure(options.seconds))
            except RuntimeError as error:
                say(f"  left out: {error}")
                loads.remove(load)
                results.pop(load.server.name, None)
    for load in loads:
        load.stop()
    return results


def running(makers):
    """Servers whose program is there."""
    servers = [maker() for maker in makers]
    return [server for server in servers if server]


def finish(servers):
    for server in servers:
        server.stop()


# --- calls ---


def http_calls(make, options):
    servers = running(
        [
            lambda: make.floor("http"),
            make.milky,
            make.nginx,
            make.uws,
            lambda: make.lws("http"),
            lambda: make.node("http", "node:http"),
            lambda: make.node("express", "express"),
        ]
    )
    results = {"http-1": in_turns(options, "HTTP, kept alive", [Wrk(s, 1) for s in servers])}
    pipelining = [server for server in servers if server.name != "libwebsockets"]
    results["http-16"] = in_turns(options, "HTTP, 16 pipelined", [Wrk(s, 16) for s in pipelining])
    finish(servers)
    return results


def websocket_calls(make, options):
    results = {}
    servers = running(
        [
            lambda: make.floor("ws"),
            make.milky,
            make.uws,
            lambda: make.lws("ws"),
            lambda: make.node("ws", "ws on Node"),
        ]
    )
    for depth in (1, 16):
        loads = [Load(make, s, "calls", clients=64, in_flight=depth, message=CALL) for s in servers]
        results[f"ws-{depth}"] = in_turns(options, f"WebSocket, {depth} in flight", loads)
    finish(servers)
    return results


def one_connection(make, options):
    def watchful():
        try:
            return make.milky("milky, busy_poll_us 50", busy_poll_us=50)
        except RuntimeError:
            return None  # a build without it

    servers = running(
        [
            make.milky,
            watchful,
            lambda: make.floor("ws"),
            lambda: make.floor("ws", "floor, looking for 50 µs", 50),
        ]
    )
    loads = [Load(make, s, "calls", clients=1, in_flight=1, message=CALL) for s in servers]
    results = in_turns(options, "one connection", loads)
    finish(servers)
    return {"one": results}


def durable(make, options):
    server = make.milky()
    load = Load(make, server, "calls", clients=64, message=message("durable"))
    results = in_turns(options, "durable send_group_message", [load])
    finish([server])
    return {"durable": results}


class Written:
    """A load, and what its server writes to files meanwhile."""

    def __init__(self, load):
        self.load = load
        self.server = load.server

    def measure(self, seconds):
        calls, size = writes_of(self.server.pid)
        window = self.load.measure(seconds)
        calls_after, size_after = writes_of(self.server.pid)
        window["writes"] = (calls_after - calls) / window["operations"]
        window["written"] = (size_after - size) / window["operations"]
        return window

    def stop(self):
        self.load.stop()


def lone_event(make, options):
    """One event after the other, to one client: nothing shares its commit. Beside it another build's."""
    servers = [make.milky()]
    if options.beside:
        servers.append(Servers(options.beside).milky(f"milky of {options.beside}"))
    loads = [Written(fanout_load(make, server, 1, 1)) for server in servers]
    results = in_turns(options, "one event at a time", loads)
    finish(servers)
    return {"event": results}


# --- events ---


def padding(make):
    """The text that makes an event as long as those of the floor."""
    server = make.milky()
    load = fanout_load(make, server, 1, 1)
    length = load.measure(0.1)["bytes"]
    load.stop()
    server.stop()
    return "x" * max(1, 1 + EVENT_BYTES + 4 - int(length))


def fanout_load(make, server, clients, burst, **more):
    return Load(
        make,
        server,
        "fanout",
        clients=clients,
        burst=burst,
        trigger_port=server.trigger_port,
        trigger_path=server.trigger_path,
        message=server.trigger,
        **more,
    )


def fanout(make, options):
    """Beside it the same events for one client: what they cost before they are delivered."""
    text = padding(make)
    results = {}
    for clients in options.clients:
        for burst in options.bursts:
            kind = "single" if burst == 1 else "block"
            makers = [
                lambda: make.floor("fanout", "floor", kind),
                lambda: make.milky(text=text),
            ]
            makers.append(make.uws)
            if burst == 1 or clients == 1000:  # they take their time
                makers += [lambda: make.lws("ws"), lambda: make.node("ws", "ws on Node")]
            servers = running(makers)
            loads = [fanout_load(make, server, clients, burst) for server in servers]
            if clients >= 100:
                servers.append(make.milky(ONE_CLIENT, text=text))
                loads.append(fanout_load(make, servers[-1], 1, burst))
            title = f"{burst} events at once to {clients} WebSocket clients"
            results[f"fanout-{clients}-{burst}"] = in_turns(options, title, loads)
            finish(servers)
    return results


def sse(make, options):
    text = padding(make)
    results = {}
    for clients in [count for count in options.clients if count >= 100]:
        for burst in (1, 16):
            server = make.milky(text=text)
            load = fanout_load(make, server, clients, burst, kind="sse", path="/event")
            title = f"{burst} events at once to {clients} SSE clients"
            results[f"sse-{clients}-{burst}"] = in_turns(options, title, [load])
            server.stop()
    return results


def deflate(make, options):
    """The same with permessage-deflate, where the server has it. Says so by being empty."""
    results = {}
    text = "牛奶 milk " * 40
    for clients in [count for count in options.clients if count >= 100]:
        server = make.milky(text=text)
        try:
            load = fanout_load(make, server, clients, 1, kind="deflate")
        except RuntimeError:
            server.stop()
            return {}
        plain = make.milky("milky, not compressed", text=text)
        loads = [load, fanout_load(make, plain, clients, 1)]
        title = f"events to {clients} WebSocket clients, compressed"
        results[f"deflate-{clients}"] = in_turns(options, title, loads)
        finish([server, plain])
    return results


def webhooks(make, options):
    results = {}
    for count in (1, 100):
        servers, loads = [], []
        for maker in ("milky", "node"):
            port = free_port()
            urls = [f"http://127.0.0.1:{port}/hook/{i}" for i in range(count)]
            if maker == "milky":
                server = make.milky(webhooks=urls)
            else:
                server = make.node("webhook", "fetch on Node", *urls)
            if not server:
                continue
            servers.append(server)
            loads.append(fanout_load(make, server, count, 1, kind="hook", port=port))
        results[f"webhook-{count}"] = in_turns(options, f"webhooks to {count} URLs", loads)
        finish(servers)
    return results


# --- how it grows ---


def growth(make, options):
    """Calls of 64 busy connections alone, and beside many that do nothing."""
    servers, loads = [], []
    for idle in (0, max(options.clients)):
        beside = f"{idle:,} idle clients beside" if idle else "alone"
        for server in (make.milky(f"milky, {beside}"), make.floor("ws", f"floor, {beside}")):
            servers.append(server)
            loads.append(Load(make, server, "calls", clients=64, idle=idle, message=CALL))
    results = in_turns(options, "calls beside idle clients", loads)
    finish(servers)
    return {"growth": results}


def shorter(options):
    """Many short windows: a shared machine pauses for some ms now and then."""
    return argparse.Namespace(repeats=options.repeats * 5, seconds=options.seconds / 2.5)


def latency(make, options):
    """At half of the rate that each server can do, but no more than half of milky's; all clients are
    connected and call in turns."""
    clients = max(options.clients)
    results = {}
    servers = running(
        [
            make.milky,
            lambda: make.floor("ws"),
            lambda: make.lws("ws"),
            lambda: make.node("ws", "ws on Node"),
        ]
    )
    loads, most = [], None
    for server in servers:
        full = Load(make, server, "calls", clients=64, idle=clients - 64, message=CALL)
        window = full.measure(options.seconds * 2)
        full.stop()
        rate = window["operations"] / window["wall_ns"] * 1e9 / 2
        if server.name == "milky":
            most = rate
        if most:  # the floor could do more than a load can ask for
            rate = min(rate, most)
        loads.append(Load(make, server, "rate", clients=clients, rate=rate, message=CALL))
    results["latency"] = in_turns(shorter(options), f"latency with {clients} clients", loads)
    finish(servers)
    return results


# --- what it takes ---


def resident_kib(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def memory(make, options):
    say("  memory")
    clients = max(options.clients)
    results = {}
    for server in running(
        [make.milky, lambda: make.lws("ws"), lambda: make.node("ws", "ws on Node")]
    ):
        resident = resident_kib(server.pid)
        command = [make.program("load"), "idle", f"pid={server.pid}"]
        command += [f"port={server.port}", f"clients={clients}"]
        out = subprocess.run([str(word) for word in command], capture_output=True, check=True)
        window = json.loads(out.stdout)
        results[server.name] = {
            "resident_kib": [resident],
            "bytes_per_client": [window["bytes"] / window["clients"]],
        }
        server.stop()
    return {"memory": results}


def starting(make, options):
    """From fork to the first answer: a world that is there already, and one that is made."""
    say("  starting")
    results = {"milky": {"old_world_ms": [], "new_world_ms": [], "cpu_ms": []}}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="milky-bench-"))
    port = free_port()
    file = folder / "milky.jsonc"
    file.write_text(json.dumps(make.config(folder, port, free_port())))
    command = [make.program("load"), "start", f"port={port}", "path=/get_login_info", "--"]
    command += [make.milky_program, "serve", "-c", file]

    def once():
        child = start(command, None, stderr=subprocess.DEVNULL)
        lines = child.stdout.read().decode().strip().splitlines()
        stop(child)
        return json.loads(lines[-1])

    for _ in range(options.repeats * 3):
        shutil.rmtree(folder / "data", ignore_errors=True)
        results["milky"]["new_world_ms"].append(once()["wall_ns"] / 1e6)
        again = once()
        results["milky"]["old_world_ms"].append(again["wall_ns"] / 1e6)
        results["milky"]["cpu_ms"].append(again["cpu_ns"] / 1e6)
    stripped = folder / "stripped"
    subprocess.run(["strip", "-o", stripped, make.milky_program], check=True)
    results["milky"]["stripped_kib"] = [os.path.getsize(stripped) / 1024]
    shutil.rmtree(folder)
    return {"starting": results}


ALL = {
    "http": http_calls,
    "websocket": websocket_calls,
    "one": one_connection,
    "durable": durable,
    "event": lone_event,
    "fanout": fanout,
    "sse": sse,
    "deflate": deflate,
    "webhook": webhooks,
    "growth": growth,
    "latency": latency,
    "memory": memory,
    "starting": starting,
}
