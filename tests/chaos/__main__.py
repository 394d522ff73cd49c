"""Hurt loads until it has hit so often, print what came of it, and fail if a row was lost or doubled."""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="SIGKILLs of an attempt that copies")
    parser.add_argument(
        "--server-kills", type=int, default=10, help="of the destination, while an attempt copies"
    )
    parser.add_argument("--cuts", type=int, default=27, help="of connections, while an attempt copies")
    parser.add_argument("--zombies", type=int, default=27, help="frozen, replaced, and woken up")
    parser.add_argument("--rows", type=int, default=50_000, help="in each load")
    parser.add_argument("--batch-size", type=int, default=500)
    parser.add_argument(
        "--sample", action="store_true", help="one key for each path and mode, not all of them"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="of the random moments")
    parser.add_argument("--json", type=Path, help="the file to write the figures to")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="airflow_checkpoint_chaos_home_") as home:
        # Before Airflow is imported: its own home.
        os.environ["AIRFLOW_HOME"] = home
        from tests.chaos.campaign import Campaign
        from tests.chaos.cases import CASES, sample
        from tests.chaos.figures import Figures, totals
        from tests.chaos.harm import HARMS
        from tests.chaos.report import as_json, table
        from tests.chaos.servers import running_servers

        print(f"seed {options.seed}: the same kinds of load, at the same random delays")
        began, hurt = time.monotonic(), 0

        def observe(figures: Figures) -> None:
            nonlocal hurt
            hurt += 1
            line = f"{hurt} loads, {time.monotonic() - began:,.0f} s: {figures.case}"
            if sys.stdout.isatty():
                print(f"\r{line:60}", end="\r", flush=True)
            elif hurt % 50 == 0:
                print(line, flush=True)

        cases = sample(random.Random(options.seed)) if options.sample else CASES
        wanted = {name: getattr(options, name) for name in HARMS}
        with (
            running_servers() as servers,
            Campaign(*servers, Path(home), options.seed, options.rows, options.batch_size) as campaign,
        ):
            results = campaign.run(cases, wanted, observe)
    seconds = round(time.monotonic() - began)
    total = totals(results)
    print(f"{table(results)}\n")
    print(
        f"{total['kills'] + total['other_kills']} kills of processes ({total['kills']} of them while copying), "
        f"{total['server_kills']} of the destination's server, {total['cuts']} cuts of connections and "
        f"{total['zombies']} zombies in {total['loads']} loads, {seconds} s: "
        f"{total['rejected']} bad rows put aside, {total['lost']} rows lost, {total['doubled']} doubled."
    )
    for figures in results:
        for fault in figures.faults:
            print(f"FAULT in {figures.case}: {fault}")
    if options.json:
        about = {
            "seed": options.seed,
            "rows": options.rows,
            "batch_size": options.batch_size,
            "seconds": seconds,
        }
        options.json.write_text(json.dumps(as_json(results, **about), indent=2, default=str) + "\n")
    return 1 if total["lost"] or total["doubled"] or total["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
