"""The small web server: /metrics for Prometheus, /healthz for whoever restarts things, /status for people."""

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_IDLE = 30.0  # seconds that a connection may ask for nothing, or not finish asking
Health = Callable[[], tuple[bool, dict[str, Any]]]
Overview = Callable[[], dict[str, Any]]


class ListenError(Exception):
    """The address cannot be listened on; says which and what to do."""


class Web:
    """Serves until closed."""

    def __init__(
        self,
        listen: str,
        registry: CollectorRegistry,
        health: Health,
        overview: Overview,
        more: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        host, _, port = listen.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._registry = registry
        self._health = health
        self._overview = overview
        self._more = more
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "Web":
        """Starts listening. Raises ListenError where the address is taken or not ours."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/status", self._status)
        app.router.add_routes(self._more)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, keepalive_timeout=_IDLE)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ListenError(
                f"service.listen: cannot listen on {self._host}:{self._port} ({error.strerror or error}); "
                "end what uses it, set another port, or 'listen: null' to serve nothing"
            ) from error
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        well, details = self._health()
        return web.json_response(details, status=200 if well else 503)

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response(self._overview())
