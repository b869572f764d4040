"""Prints each alert: those that Redis keeps, then those that come.

Usage: python follow.py redis://127.0.0.1:6379 [SINCE]
"""

import asyncio
import sys

from alerts.client import subscribe


async def main(url: str, since: str = "0") -> None:
    async for alert in subscribe(url, streams="*", kinds="*", since=since):
        if alert.missed:
            print(f"{alert.missed} messages of {alert.stream} are lost", file=sys.stderr)
        print(f"{alert.stream} {alert.kind}/{alert.label} {alert.state}: {alert.reason}", flush=True)


asyncio.run(main(*sys.argv[1:]))
