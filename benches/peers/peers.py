"""Times hotloop beside NumPy, numexpr, Numba with SVML and JAX; `run` prepares what it needs.

For each number of threads a process times all contenders of a workload in interleaved, shuffled
rounds, after it has compared their results with NumPy's. The parent prints medians of 1 / 2 threads,
and the medians of hotloop's ratios to the best of the others, round by round.
"""

import argparse
import gc
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ["hotloop strict", "hotloop fast", "numba strict", "numba fastmath", "numpy", "numexpr", "jax"]
clock = time.perf_counter
median = statistics.median


def inputs_of(workload, rng, np, dtypes):
    arrays = {}
    for name, (dtype, shape, low, high, *layout) in workload.inputs.items():
        if dtype[0] == "f":
            array = rng.uniform(low, high, shape).astype(dtypes[dtype])
        else:
            array = rng.integers(low, high, shape).astype(dtypes[dtype])
        if layout == ["second"]:
            array = np.repeat(array, 2)[::2]
        elif layout == ["F"]:
            array = np.asfortranarray(array)
        arrays[name] = array
    return arrays


def agrees(np, workload, results, expected):
    results = results if isinstance(results, (tuple, list)) else [results]
    for x, y in zip(results, expected):
        x, y = (np.asarray(v).astype("f8") for v in (x, y))
        if x.shape != y.shape or not np.allclose(x, y, rtol=workload.tolerance, atol=workload.tolerance):
            return False
    return True


def prepared(contender, workload, inputs, outputs, expected, np):
    """The calls of a contender that give the right results."""
    calls = []
    try:
        for label, call in contender.calls(workload, inputs, outputs):
            for out in outputs:
                out[...] = 0
            if agrees(np, workload, call(), expected):
                calls.append((f"{contender.name} {label}".strip(), call))
            else:
                print(f"WRONG: {workload.title}: {contender.name} {label}", file=sys.stderr)
    except Exception as error:
        print(f"{workload.title}: {contender.name}: {str(error)[:300]}", file=sys.stderr)
    return calls


def timed(call, count):
    start = clock()
    for _ in range(count):
        call()
    return (clock() - start) / count


def worker(options):
    """Measures each workload; writes a line of JSON for it."""
    import numpy as np
    from contenders import CONTENDERS, DTYPES
    from workloads import workloads
    threads, out = options.worker, os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    contenders = [c(threads) for c in CONTENDERS if c.name in options.peers or c.name == "hotloop"]
    known = {c.name: c for c in contenders}
    facts = {"isa": known["hotloop"].isa, "svml": "numba" in known and known["numba"].svml}
    print(json.dumps(facts), file=out, flush=True)
    gc.disable()
    for workload in workloads(options.only):
        if not sys.stdin.readline():
            return
        inputs = inputs_of(workload, np.random.default_rng(1), np, DTYPES)
        from contenders import Numpy
        expected = next(iter(Numpy(1).calls(workload, inputs, [])))[1]()
        expected = expected if isinstance(expected, tuple) else (expected,)
        shape = expected[0].shape if workload.shape is None else workload.shape
        outputs = [np.zeros(shape, DTYPES[dtype]) for dtype in workload.outputs]
        calls = []
        for contender in contenders:
            calls += prepared(contender, workload, inputs, outputs, expected, np)
        enough = 1e-3 if options.quick else 5e-3
        counts = []
        for _, call in calls:
            call()
            once = timed(call, 1)
            if once < enough:
                once = timed(call, max(1, int(enough / 4 / once)))
            counts.append(max(1, int(enough / once)))
        rounds, times = 0, {name: [] for name, _ in calls}
        order, start = list(range(len(calls))), clock()
        while rounds < (3 if options.quick else 9) or (rounds < 101 and clock() - start < options.seconds):
            random.Random(rounds).shuffle(order)
            for at in order:
                name, call = calls[at]
                call()
                times[name].append(timed(call, counts[at]))
                if threads > 1 and name.split()[0] in ("numba", "jax"):
                    time.sleep(.01)  # Their threads spin for a while.
            rounds += 1
        print(json.dumps(times), file=out, flush=True)
        for contender in contenders:
            contender.forget()
        gc.collect()


def merged(times):
    """The better of the calls that are shown in one column."""
    columns = {}
    for name, values in times.items():
        column = name.split(",")[0]
        if column not in columns or median(values) < median(columns[column]):
            columns[column] = values
    return columns


def digits(x):
    return f"{x:.3g}" if x < 1000 else f"{x:.0f}"


def row(workload, runs):
    """A row of the table, and the ratio by which it is sorted among the worst."""
    n = workload.n
    unit, scale = ("ms", 1e3) if n > 200_000 else ("µs", 1e6)
    runs = [merged(times) for times in runs]

    def joined(cell):
        cells = [cell(run) for run in runs]
        return " / ".join(c or "-" for c in cells) if any(cells) else ""
    cells = [joined(lambda run, c=c: c in run and digits(median(run[c]) * scale)) for c in COLUMNS]
    ratios, worst = [], 0.0
    for ours in COLUMNS[:2]:
        values = []
        for run in runs:
            peers = {k: v for k, v in run.items() if not k.startswith("hotloop")}
            best = min(peers, key=lambda k: median(peers[k]), default=None)
            ok = best and ours in run
            ratio = ok and median(a / b for a, b in zip(run[ours], peers[best]))
            values.append(f"{ratio:.2f}" if ok else "-")
            worst = max(worst, ratio if ok and ours == "hotloop strict" else 0.0)
        ratios.append(" / ".join(values))
    title = workload.title.strip()
    title = f"`{title}`" if title == workload.program.strip() else title
    return worst, f"| {title} | {n:.3g} | {unit} | " + " | ".join(cells + ratios) + " |"


def processor():
    with open("/proc/cpuinfo") as file:
        for text in file:
            if text.startswith("model name"):
                return text.split(":", 1)[1].strip()
    return platform.processor()


def environment(isa, threads):
    """Holds every contender to the instruction set and the number of threads."""
    env = dict(os.environ, JAX_PLATFORMS="cpu", PYTHONDONTWRITEBYTECODE="1")
    for name in "NUMEXPR_NUM_THREADS NUMEXPR_MAX_THREADS NUMBA_NUM_THREADS OMP_NUM_THREADS OPENBLAS_NUM_THREADS".split():
        env[name] = str(threads)
    # Numba finds SVML there.
    libraries = [os.path.join(sys.prefix, "lib"), env.get("LD_LIBRARY_PATH", "")]
    env["LD_LIBRARY_PATH"] = ":".join(filter(None, libraries))
    if isa == "avx2":
        env |= {"HOTLOOP_ISA": "avx2", "NUMBA_CPU_NAME": "haswell", "OPENBLAS_CORETYPE": "Haswell",
                "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
                "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"}
    elif isa == "baseline":
        env |= {"HOTLOOP_ISA": "baseline", "NUMBA_CPU_NAME": "x86-64", "OPENBLAS_CORETYPE": "Nehalem",
                "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
                "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"}
    return env


def start(options, threads):
    command = [sys.executable, os.path.join(HERE, "peers.py"), *options.passed, "--worker", str(threads)]

    def pinned():
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pinned,
                            env=environment(options.isa, threads))


def main(options):
    from importlib.metadata import version
    from workloads import workloads
    counts = [t for t in options.threads if t <= len(os.sched_getaffinity(0))]
    processes = [start(options, threads) for threads in counts]
    facts = [json.loads(p.stdout.readline()) for p in processes]
    versions = ", ".join(f"{name} {version(name)}" for name in options.peers)
    head = (f"{processor()}, {facts[0]['isa']}, {time.strftime('%Y-%m-%d')}; Python {platform.python_version()}, "
            f"{versions}, SVML {'on' if facts[0]['svml'] else 'OFF'}. Medians on "
            f"{' / '.join(map(str, counts))} threads; ratios of hotloop's time to that of the best of the others.\n")
    print(head)
    print("| program | n | | " + " | ".join(COLUMNS) + " | strict to best | fast to best |")
    print("|" + "---|" * (len(COLUMNS) + 5), flush=True)
    rows = []
    for workload in workloads(options.only):
        runs = []
        for p in processes:
            # One process waits while the other measures.
            p.stdin.write("next\n")
            p.stdin.flush()
            text = p.stdout.readline()
            if not text:
                raise SystemExit("a worker ended early")
            runs.append(json.loads(text))
        rows.append(row(workload, runs))
        print(rows[-1][1], flush=True)
    for p in processes:
        p.stdin.close()
        p.wait()
    behind = sorted((r for r in rows if r[0] > 1), key=lambda r: -r[0])
    print(f"\nBehind the best in {len(behind)} of {len(rows)} (strict), the worst first:")
    for ratio, text in behind[:15]:
        print(f"  {ratio:.2f}  {text.split('|')[1].strip()}, n = {text.split('|')[2].strip()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--isa", choices=["avx512", "avx2", "baseline"], help="a lower instruction set for all")
    parser.add_argument("--only", type=lambda s: s.split(","), help="groups: first, small, images, bands, ...")
    parser.add_argument("--peers", type=lambda s: s.split(","), default=["numpy", "numexpr", "numba", "jax"])
    parser.add_argument("--threads", type=lambda s: [int(t) for t in s.split(",")], default=[1, 2])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each workload and number of threads")
    parser.add_argument("--quick", action="store_true", help="few rounds: a test, not for quoting")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.passed = sys.argv[1:]
    worker(options) if options.worker else main(options)
