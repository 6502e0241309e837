"""The peers' end of a measurement (bench/lib/answer.ts has ours): one JSON argument, one line of JSON per line of input."""
import json
import sys
import time


def given_work():
    return json.loads(sys.argv[1])


def answer(version, unit):
    """`unit` does a piece of work and returns how much that was."""
    unit()
    print(json.dumps({"version": version}), flush=True)
    for line in sys.stdin:
        seconds = json.loads(line)["seconds"]
        started, done = time.perf_counter(), 0
        while True:
            done += unit()
            spent = time.perf_counter() - started
            if spent >= seconds:
                break
        print(json.dumps({"rate": done / spent}), flush=True)
