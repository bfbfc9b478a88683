"""A rule on the payments of many accounts, in batches as they arrive: `python risk_rule.py [ROWS]`.

The usual way groups all payments so far by account with pandas, again for each batch; here each account
has a state, and a stopped process goes on from a snapshot.
"""

import sys

import numpy as np
from timing import compare

import hotloop

rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
batch = max(rows // 20, 1)
rng = np.random.default_rng(5)
account = rng.integers(0, max(rows // 50, 2), rows)
amount = np.round(rng.lognormal(3, 1.5, rows), 2)
time = rng.exponential(2, rows).cumsum()

# A large payment within a minute of a small one, or one far above the account's usual.
program = hotloop.compile(
    """
    small  = amount <= 5
    tested = shift(small, 1, fill=False) and amount > 50 and time - shift(time, 1) <= 60
    large  = amount > 8 * shift(rolling_mean(amount, 10, 3), 1)
    tested or large
    """
)


def stream():
    rule, found = program.stream(), []
    for at in range(0, rows, batch):
        if at == rows // 2 // batch * batch and at:
            # As if the process had been stopped here.
            state = rule.snapshot()
            rule = program.stream(amount=amount, time=time)
            rule.restore(state)
        part = slice(at, at + batch)
        found.append(rule.push_keyed(account[part], amount=amount[part], time=time[part]))
    return np.concatenate(found)


def with_pandas():
    import pandas

    seen, found = pandas.DataFrame(), []
    for at in range(0, rows, batch):
        part = slice(at, at + batch)
        new = pandas.DataFrame({"account": account[part], "amount": amount[part], "time": time[part]})
        seen = pandas.concat([seen, new], ignore_index=True)
        by = seen.groupby("account")
        before = by[["amount", "time"]].shift(1)
        mean = by["amount"].transform(lambda a: a.rolling(10, min_periods=3).mean().shift(1))
        tested = (before.amount <= 5) & (seen.amount > 50) & (seen.time - before.time <= 60)
        found.append((tested | (seen.amount > 8 * mean)).to_numpy()[part])
    return np.concatenate(found)


def with_lists():
    """What one writes without pandas: a loop over the payments."""
    past, found = {}, np.zeros(rows, bool)
    for i in range(rows):
        paid, last = past.setdefault(int(account[i]), ([], []))
        if paid:
            tested = paid[-1] <= 5 and amount[i] > 50 and time[i] - last[-1] <= 60
            large = len(paid) >= 3 and amount[i] > 8 * np.mean(paid[-10:])
            found[i] = tested or large
        paid.append(amount[i])
        last.append(time[i])
    return found


ways = {"python": with_lists}
try:
    import pandas  # noqa: F401
except ImportError:
    pass
else:
    ways["pandas"] = with_pandas
results = compare(**ways, stream=stream)
assert results["stream"].any()
for way in ways:
    np.testing.assert_array_equal(results["stream"], results[way])
