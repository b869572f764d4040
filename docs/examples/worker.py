"""One of several workers who share the alerts: what one had when it ended, another gets.

Usage: python worker.py redis://127.0.0.1:6379 NAME
"""

import asyncio
import sys

from alerts.client import subscribe


async def main(url: str, name: str) -> None:
    async for alert in subscribe(url, group="printers", worker=name, since="0"):
        print(f"{alert.stream} {alert.kind}/{alert.label} {alert.state}: {alert.reason}", flush=True)
        # asking for the next one says that this one is done


asyncio.run(main(*sys.argv[1:]))
