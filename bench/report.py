"""The results for people: tables for the terminal and for docs/PERFORMANCE.md."""

import pathlib
import statistics

import chart

ONE_CLIENT = "milky, one client"
PEER = "uWebSockets.js"

TITLES = {
    "http-1": "HTTP call, kept alive",
    "http-16": "HTTP call, 16 pipelined",
    "ws-1": "WebSocket call, 1 in flight",
    "ws-16": "WebSocket call, 16 in flight",
    "one": "one busy connection",
    "growth": "WebSocket call, alone and beside idle clients",
    "durable": "durable `send_group_message`, 64 clients",
    "event": "one event at a time, on disk before it leaves",
    "latency": "latency at half of the saturating rate",
}


def title_of(key):
    if key in TITLES:
        return TITLES[key]
    kind, *numbers = key.split("-")
    if kind == "webhook":
        return f"webhook delivery to {numbers[0]} URLs"
    if kind == "deflate":
        return f"compressed event to {int(numbers[0]):,} WebSocket clients"
    receivers = "SSE" if kind == "sse" else "WebSocket"
    return f"event frame to {int(numbers[0]):,} {receivers} clients, {numbers[1]} at once"


def median(numbers):
    return statistics.median(numbers)


def ratio(workload, name, base="floor"):
    """The median of the rounds' ratios: each round is a fair comparison, a machine's day is not."""
    if name not in workload or base not in workload:
        return None
    return median([a / b for a, b in zip(workload[name]["cpu_us"], workload[base]["cpu_us"])])


def show(number, digits=2):
    return "–" if number is None else f"{number:,.{digits}f}"


def rows_of(workload):
    """[server, CPU in µs, times the floor, operations a second] for each server."""
    rows = []
    for name, figures in workload.items():
        rows.append(
            [
                name,
                show(median(figures["cpu_us"]), 3),
                show(ratio(workload, name)),
                show(median(figures["per_second"]), 0),
            ]
        )
    return rows


def timed(results):
    """The workloads that have a CPU time per operation."""
    return {
        key: workload
        for key, workload in results.items()
        if any("cpu_us" in figures for figures in workload.values())
    }


# --- the goals ---


def frame_costs(workload, clients):
    """Per frame in µs and round, what making the events took left out, as far as it was measured."""
    costs = workload["milky"]["cpu_us"]
    making = workload.get(ONE_CLIENT, {}).get("cpu_us")
    return [cost - made / clients for cost, made in zip(costs, making)] if making else costs


def per_frame_growth(results):
    """The cost of a frame at most clients over that at ten, making included."""
    most, ten = (figure(results, f"fanout-{clients}-1", "milky", "cpu_us") for clients in (10000, 10))
    return quotient(most, ten)


def per_frame_growth_without_making(results):
    """The same over that at a hundred: with ten nearly all is making."""
    costs = []
    for clients in (100, 10000):
        workload = results.get(f"fanout-{clients}-1", {})
        if ONE_CLIENT not in workload or "milky" not in workload or "floor" not in workload:
            return None
        costs.append(median(frame_costs(workload, clients)))
    return costs[1] / costs[0]


def floor_growth(results):
    a, b = (figure(results, f"fanout-{clients}-1", "floor", "cpu_us") for clients in (10000, 100))
    return quotient(a, b)


def without_making(results, clients, burst):
    """Times the floor, what making the events took left out."""
    workload = results.get(f"fanout-{clients}-{burst}", {})
    if ONE_CLIENT not in workload or "milky" not in workload or "floor" not in workload:
        return None
    pairs = zip(frame_costs(workload, clients), workload["floor"]["cpu_us"])
    return median([milky / floor for milky, floor in pairs])


def figure(results, key, server, name):
    figures = results.get(key, {}).get(server, {})
    return median(figures[name]) if name in figures else None


def quotient(a, b):
    return a / b if a and b else None


def goals(results):
    """[figure, goal, measured] for each goal; measured is None where it was not."""

    def times(key):
        return ratio(results[key], "milky") if key in results else None

    watchful = figure(results, "one", "milky, busy_poll_us 50", "per_second")
    watchful_floor = figure(results, "one", "floor, looking for 50 µs", "per_second")
    durable = figure(results, "durable", "milky", "cpu_us")
    growth = results.get("growth", {})
    beside = [name for name in growth if name.startswith("milky") and name != "milky, alone"]
    rows = [
        ["`get_login_info` over HTTP, kept alive, × floor", 1.15, times("http-1")],
        ["the same, 16 pipelined, × floor", 2.0, times("http-16")],
        ["over WebSocket, 1 in flight, × floor", 1.15, times("ws-1")],
        ["over WebSocket, 16 in flight, × floor", 2.0, times("ws-16")],
    ]
    for clients in (1000, 10000):
        for burst, goal in ((1, 1.05), (16, 1.1), (64, 1.1)):
            key = f"fanout-{clients}-{burst}"
            name = f"frame to {clients:,} clients, {burst} at once, × floor"
            rows.append([f"{name}, making the events included", goal, times(key)])
            rows.append([f"{name}, without", goal, without_making(results, clients, burst)])
    for key, name in (
        ("http-1", "`get_login_info` over HTTP, kept alive"),
        ("fanout-1000-16", "frame to 1,000 clients, 16 at once, making the events included"),
        ("fanout-1000-64", "frame to 1,000 clients, 64 at once, making the events included"),
    ):
        rows.append([f"{name}, × uWebSockets.js", 1.0, ratio(results.get(key, {}), "milky", PEER)])
    rows += [
        [
            "one busy connection, `busy_poll_us` 50: × calls per second without",
            -3.0,
            quotient(watchful, figure(results, "one", "milky", "per_second")),
        ],
        [
            "the same of the floor",
            None,
            quotient(watchful_floor, figure(results, "one", "floor", "per_second")),
        ],
        [
            "durable `send_group_message`, per second of one core",
            -30000,
            1e6 / durable if durable else None,
        ],
        [
            "memory per idle WebSocket client, bytes",
            1024,
            figure(results, "memory", "milky", "bytes_per_client"),
        ],
        ["start to first answer, ms", 15, figure(results, "starting", "milky", "old_world_ms")],
        ["the same, making a new world, ms", 15, figure(results, "starting", "milky", "new_world_ms")],
        [
            "resident, MiB",
            8,
            quotient(figure(results, "memory", "milky", "resident_kib"), 1024),
        ],
        [
            "cost of a WebSocket call" + "".join(name[5:] for name in beside) + ", × alone",
            1.15,
            ratio(growth, beside[0], "milky, alone") if beside else None,
        ],
        ["cost of a frame, 10,000 clients, × 10 clients", 1.15, per_frame_growth(results)],
        [
            "cost of a frame without making, 10,000 clients, × 100 clients",
            1.15,
            per_frame_growth_without_making(results),
        ],
        ["the same of the floor", None, floor_growth(results)],
    ]
    return [[name, goal, measured] for name, goal, measured in rows if measured is not None]


def goal_rows(results):
    rows = []
    for name, goal, measured in goals(results):
        if goal is None:
            rows.append([name, "", show(measured), ""])
            continue
        met = measured >= -goal if goal < 0 else measured <= goal
        bound = f"≥ {-goal:,g}" if goal < 0 else f"≤ {goal:,g}"
        digits = 0 if abs(goal) > 100 else 2
        rows.append([name, bound, show(measured, digits), "yes" if met else "no"])
    return rows


# --- tables ---

EVENT_HEAD = ["server", "CPU µs per event", "per second", "writes to files", "KiB written"]
CALL_HEAD = ["server", "CPU µs per operation", "× floor", "per second"]
GOAL_HEAD = ["figure", "goal", "measured", "met"]


def event_rows(workload):
    return [
        [
            name,
            show(median(f["cpu_us"]), 1),
            show(median(f["per_second"]), 0),
            show(median(f["writes"]), 1),
            show(median(f["written"]) / 1024, 1),
        ]
        for name, f in workload.items()
    ]


def other_tables(results):
    """(title, head, rows) of what is not a CPU time per operation."""
    if "latency" in results:
        rows = []
        for name, figures in results["latency"].items():
            numbers = [show(median(figures[key]), 0) for key in ("p50", "p99", "p999")]
            rows.append([name, show(median(figures["per_second"]), 0), *numbers])
        yield title_of("latency"), ["server", "calls per second", "p50 µs", "p99 µs", "p99.9 µs"], rows
    if "event" in results:
        yield title_of("event"), EVENT_HEAD, event_rows(results["event"])
    if "memory" in results:
        rows = [
            [name, show(median(f["resident_kib"]) / 1024, 1), show(median(f["bytes_per_client"]), 0)]
            for name, f in results["memory"].items()
        ]
        yield "memory", ["server", "resident MiB", "bytes per idle WebSocket client"], rows
    if "starting" in results:
        f = results["starting"]["milky"]
        rows = [
            ["fork to first answer, a world that is there, ms", show(median(f["old_world_ms"]), 1)],
            ["CPU time of it, ms", show(median(f["cpu_ms"]), 1)],
            ["fork to first answer, a new world, ms", show(median(f["new_world_ms"]), 1)],
            ["the program, stripped, KiB", show(f["stripped_kib"][0], 0)],
        ]
        yield "starting", ["figure", "milky"], rows


def text_table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [str(cell).ljust(w) if i == 0 else str(cell).rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths))]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown_table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def tables(results):
    for key, workload in timed(results).items():
        if key not in ("latency", "event"):
            yield title_of(key), CALL_HEAD, rows_of(workload)
    yield from other_tables(results)


def about_text(about):
    return (
        f"{about['processor']}, {about['processors']} processors, Linux {about['kernel']}, "
        f"{about['date']}: {about['repeats']} rounds of {about['seconds']} s, "
        f"{about['minutes']} minutes in all; load average {about['load']}."
    )


def as_text(everything):
    results = everything["results"]
    parts = [about_text(everything["about"])]
    parts += [f"{title}\n{text_table(head, rows)}" for title, head, rows in tables(results)]
    parts.append(f"goals\n{text_table(GOAL_HEAD, goal_rows(results))}")
    return "\n\n".join(parts).replace("`", "")


# --- docs/PERFORMANCE.md ---


def compact(results, prefix):
    """One table of many workloads: a row per workload, a column per server: CPU µs (× floor)."""
    chosen = {key: w for key, w in timed(results).items() if key.startswith(prefix + "-")}
    if not chosen:
        return f"({prefix}: not measured.)"
    names = []
    for workload in chosen.values():
        names += [name for name in workload if name not in names]
    rows = []
    for key, workload in chosen.items():
        cells = []
        for name in names:
            if name not in workload:
                cells.append("–")
                continue
            times = ratio(workload, name)
            cost = show(median(workload[name]["cpu_us"]))
            cells.append(cost if times is None or name == "floor" else f"{cost} (× {times:.2f})")
        rows.append([title_of(key), *cells])
    return markdown_table(["CPU µs (× floor)", *names], rows)


def charts(results, folder):
    """Draws what was measured into `folder`; returns the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []

    def save(name, text):
        (folder / f"{name}.svg").write_text(text)
        drawn.append(name)

    for key in ("http-1", "http-16", "ws-1", "ws-16"):
        if key in results:
            bars = [(name, median(f["cpu_us"])) for name, f in results[key].items()]
            save(key, chart.bars(f"{title_of(key)}: server CPU, µs", bars))
    for burst in (1, 16, 64):
        lines = {}
        for key in results:
            if key.startswith("fanout-") and key.endswith(f"-{burst}"):
                clients = int(key.split("-")[1])
                for name, f in results[key].items():
                    if name == ONE_CLIENT:
                        continue
                    lines.setdefault(name, []).append((clients, median(f["cpu_us"])))
        if lines:
            title = f"event frame, {burst} at once: server CPU per frame, µs, by clients"
            save(f"fanout-{burst}", chart.lines(title, lines))
    if "latency" in results:
        groups = {
            name: [median(f["p50"]), median(f["p99"]), median(f["p999"])]
            for name, f in results["latency"].items()
        }
        bars = [(f"{name}, {p}", v) for name, values in groups.items()
                for p, v in zip(("p50", "p99", "p99.9"), values)]
        save("latency", chart.bars(f"{title_of('latency')}, µs", bars))
    return drawn


def write(everything, docs):
    """Fills bench/PERFORMANCE.in.md: {{about}}, {{goals}}, {{table PREFIX}}, {{rows KEY}},
    {{chart NAME}} and {{others}} are replaced by what was measured."""
    results = everything["results"]
    drawn = charts(results, docs / "performance")
    template = (pathlib.Path(__file__).parent / "PERFORMANCE.in.md").read_text()
    lines = []
    for line in template.splitlines():
        word, _, argument = line.strip("{}").partition(" ") if line.startswith("{{") else ("", "", "")
        if word == "about":
            lines.append(about_text(everything["about"]))
        elif word == "goals":
            lines.append(markdown_table(GOAL_HEAD, goal_rows(results)))
        elif word == "table":
            lines.append(compact(results, argument))
        elif word == "rows":
            measured = argument in results
            lines.append(
                markdown_table(CALL_HEAD, rows_of(results[argument])) if measured else "(Not measured.)"
            )
        elif word == "chart":
            lines += [f"![{argument}](performance/{argument}.svg)"] if argument in drawn else []
        elif word == "others":
            for title, head, rows in other_tables(results):
                lines += [f"**{title}**", "", markdown_table(head, rows), ""]
        else:
            lines.append(line)
    (docs / "PERFORMANCE.md").write_text("\n".join(lines).rstrip() + "\n")
