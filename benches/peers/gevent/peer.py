"""gevent's side of the comparison: `CASE N` performs N operations once to warm up and BENCH_REPS times (5) measured and
prints one line of JSON, as greenroom's `micro` does; `echo PORT` and `http PORT` are servers."""

import json
import os
import resource
import socket
import statistics
import sys
import time

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from gevent.pywsgi import WSGIServer
from gevent.queue import SimpleQueue
from gevent.server import StreamServer

FAR = 30
OTHERS = 100_000
SPREAD = 0.1
CONTENDERS = 8
ROOM = 128


def together(members, work):
    """Seconds from the moment the last member begins to the moment the last one ends."""
    not_begun, not_ended, began, ended = members, members, 0, 0

    def member():
        nonlocal not_begun, not_ended, began, ended
        not_begun -= 1
        if not not_begun:
            began = time.perf_counter()
        work()
        not_ended -= 1
        if not not_ended:
            ended = time.perf_counter()

    gevent.joinall([gevent.spawn(member) for _ in range(members)], raise_error=True)
    return ended - began


def round_robin(members):
    def run(yields):
        def work(sleep=gevent.sleep):
            for _ in range(yields // members):
                sleep(0)

        return together(members, work)

    return run


def batches(batch):
    def run(spawns):
        start = time.perf_counter()
        for _ in range(spawns // batch):
            for greenlet in [gevent.spawn(nothing) for _ in range(batch)]:
                greenlet.join()
        return time.perf_counter() - start

    return run


def nothing():
    pass


def parked(greenlets):
    before, start, release = footprint(), time.perf_counter(), Event()
    waiting = [gevent.spawn(release.wait) for _ in range(greenlets)]
    gevent.sleep(0)
    took, after = time.perf_counter() - start, footprint()
    release.set()
    gevent.joinall(waiting)
    return took, [now - then for now, then in zip(after, before)]


def ping_pong(messages):
    there, back = SimpleQueue(1), SimpleQueue(1)

    def echo():
        for _ in range(messages // 2):
            back.put(there.get())

    def play():
        start = time.perf_counter()
        for message in range(messages // 2):
            there.put(message)
            back.get()
        return time.perf_counter() - start

    answering, playing = gevent.spawn(echo), gevent.spawn(play)
    gevent.joinall([answering, playing], raise_error=True)
    return playing.value


def stream(messages):
    queue = SimpleQueue(ROOM)

    def produce():
        for message in range(messages):
            queue.put(message)

    def consume():
        start = time.perf_counter()
        for _ in range(messages):
            queue.get()
        return time.perf_counter() - start

    producing, consuming = gevent.spawn(produce), gevent.spawn(consume)
    gevent.joinall([producing, consuming], raise_error=True)
    return consuming.value


def uncontended(locks):
    lock, n = BoundedSemaphore(), 0
    start = time.perf_counter()
    for _ in range(locks):
        with lock:
            n += 1
    return time.perf_counter() - start


def contended(locks):
    lock, n = BoundedSemaphore(), 0

    def work():
        nonlocal n
        for _ in range(locks // CONTENDERS):
            with lock:
                gevent.sleep(0)
                n += 1

    return together(CONTENDERS, work)


def among_many(timers):
    others = [gevent.Timeout.start_new(FAR) for _ in range(OTHERS)]
    start = time.perf_counter()
    for _ in range(timers):
        gevent.Timeout.start_new(FAR).close()
    took = time.perf_counter() - start
    for timeout in others:
        timeout.close()
    return took


def fire(sleepers):
    """CPU time: greenlets that sleep once each, spread over 0 to 100 ms, their start included."""
    start = time.process_time()

    def sleeper(number):
        # The same delays in every run, in no order (Fibonacci hashing).
        gevent.sleep(SPREAD * ((((number + 1) * 0x9E3779B97F4A7C15) & (1 << 64) - 1) >> 32) / (1 << 32))

    gevent.joinall([gevent.spawn(sleeper, number) for number in range(sleepers)])
    return time.process_time() - start


def footprint():
    """This process's bytes in memory and bytes of page tables: proc_pid_status(5)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        fields = dict(line.split(":", 1) for line in status)
    return [int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmPTE")]


# The group that operations come in, and the function that performs them.
CASES = {
    "yield2": (2, round_robin(2)),
    "yield1000": (1_000, round_robin(1_000)),
    "spawn_join": (1, batches(1)),
    "spawn_10k": (10_000, batches(10_000)),
    "mem_parked": (1, parked),
    "queue_pingpong": (2, ping_pong),
    "queue_stream": (1, stream),
    "lock_uncontended": (1, uncontended),
    "lock_contended8": (CONTENDERS, contended),
    "timer_cancel": (1, among_many),
    "timer_fire": (1, fire),
}


def answer(case, operations):
    group, perform = CASES[case]
    operations = -(-operations // group) * group
    repetitions = max(int(os.environ.get("BENCH_REPS", 5)), 1)
    line = {"case": case, "peer": "gevent", "n": operations}
    # The first run, which is not timed, is the one whose memory counts: later ones find the memory of earlier ones.
    first, figures = perform(operations), []
    for _ in range(repetitions):
        outcome = perform(operations)
        took = outcome[0] if isinstance(outcome, tuple) else outcome
        figures.append(took * 1e9 / operations)
    line["ns_per_op"] = round(statistics.median(figures), 3)
    line["min_ns_per_op"] = round(min(figures), 3)
    if isinstance(first, tuple):
        line["bytes_per_task"], line["page_table_bytes_per_task"] = (
            round(grown / operations, 1) for grown in first[1]
        )
    line["reps"] = repetitions
    return json.dumps(line, separators=(",", ":"))


def listen(port):
    """A listening socket; prints `ready`, with port 0 `ready` and the port that it got."""
    listener = gevent.socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(4096)
    print("ready" if port else f"ready {listener.getsockname()[1]}", flush=True)
    return listener


def echo(port):
    def converse(stream, _):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := stream.recv(1024):
            stream.sendall(data)

    StreamServer(listen(port), converse).serve_forever()


def greet(port):
    def application(_, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
        return [b"Hello, World!"]

    WSGIServer(listen(port), application, log=None).serve_forever()


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        sys.exit("peer.py CASE N, or echo PORT, or http PORT")
    name, number = sys.argv[1], int(sys.argv[2])
    if name in ("echo", "http"):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        (echo if name == "echo" else greet)(number)
    elif name in CASES:
        print(answer(name, number))
    else:
        print(json.dumps({"case": name, "peer": "gevent", "error": "unsupported"}, separators=(",", ":")))
        sys.exit(3)


if __name__ == "__main__":
    main()
