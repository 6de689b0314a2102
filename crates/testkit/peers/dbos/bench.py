"""Durable steps a second of DBOS Transact for Python, for `agentops bench engine … -- python bench.py DATABASE`.

Says its name, then reads lines of "CONCURRENCY SECONDS" and answers each with the steps a second that it
managed. A run is a workflow of four steps that do nothing, each recorded by the library before the next
begins: the load that it stands beside. Runs are called from threads; calling them from asyncio was measured
too and gave no more (80 and 360 steps a second at 1 and 16 runs at once against 240 and 320).
"""

import os
import sys
import threading
import time

from dbos import DBOS

STEPS = 4
WARM_UP = 3


@DBOS.step()
def step(n: int) -> int:
    return n


@DBOS.workflow()
def run() -> int:
    total = 0
    for n in range(STEPS):
        total += step(n)
    return total


def load(concurrency: int, seconds: float) -> float:
    """Keeps so many runs going for so long."""
    done = [0] * concurrency

    def work(index: int, goes_on) -> None:
        while goes_on(done[index]):
            run()
            done[index] += 1

    def all_do(goes_on) -> None:
        threads = [threading.Thread(target=work, args=(index, goes_on)) for index in range(concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    all_do(lambda count: count < WARM_UP)
    done[:] = [0] * concurrency
    began = time.perf_counter()
    all_do(lambda _: time.perf_counter() < began + seconds)
    return sum(done) * STEPS / (time.perf_counter() - began)


def main() -> None:
    DBOS(
        config={
            "name": "bench",
            "system_database_url": sys.argv[1].replace("postgres://", "postgresql://", 1),
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    print("peer DBOS Transact 3.4.0", flush=True)
    for line in sys.stdin:
        concurrency, seconds = line.split()
        print(f"steps {load(int(concurrency), float(seconds)):.3f}", flush=True)
    # Its own threads would be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
