"""The kit for applications of ASGI: FastAPI, Starlette, Django and others, on uvicorn or hypercorn."""

import asyncio
import inspect
import os
import signal
import time

from .request import DRAIN_HEADER, Request, Result, checks_of, document


class Kit:
    """`app = Kit(app, checks={"database": ping})`. `notice`: seconds between SIGTERM and the end of the listener."""

    def __init__(self, app, name=None, version=None, checks=None, health="/healthz", ready="/readyz", notice=None):
        self.app = app
        self.name = name
        self.version = version
        self.checks = checks_of(checks)
        self.health = health
        self.ready = ready
        # Candor sends no requests to an instance that it ends; other gateways have to find out.
        self.notice = (0.0 if "CANDOR_START" in os.environ else 5.0) if notice is None else notice
        self.draining = None

    def decline_requests(self, why="the application wants no new requests"):
        """Tells gateways to send no new requests, and goes on to answer those that come."""
        self.draining = why

    def want_requests(self):
        self.draining = None

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            self._watch_signal()
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        with Request(headers.get):
            if scope["type"] == "http" and scope["path"] in (self.health, self.ready):
                if scope["method"] in ("GET", "HEAD"):
                    return await self._answer(scope, send)
            await self.app(scope, receive, self._announcing(send))

    def _watch_signal(self):
        """In the main thread of a server that handles SIGTERM as SIGINT: SIGTERM begins the notice, SIGINT ends the server after it."""
        if self.notice <= 0:
            return
        loop = asyncio.get_running_loop()

        def begin():
            if self.draining == "the application ends":
                return
            self.draining = "the application ends"
            loop.call_later(self.notice, os.kill, os.getpid(), signal.SIGINT)

        try:
            loop.add_signal_handler(signal.SIGTERM, begin)
        except (NotImplementedError, RuntimeError, ValueError):
            pass  # Windows, or a thread: the server ends without a notice.

    def _announcing(self, send):
        async def announce(message):
            if self.draining is not None and message["type"] == "http.response.start":
                extra = [(b"connection", b"close"), (DRAIN_HEADER.lower().encode(), b"true")]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        return announce

    async def _answer(self, scope, send):
        is_readiness = scope["path"] == self.ready
        results = {}
        if self.draining is None or not is_readiness:
            asked = {name: check for name, check in self.checks.items() if check.readiness or not is_readiness}
            found = await asyncio.gather(*(_result(check) for check in asked.values()))
            results = dict(zip(asked, found))
        code, body = document(self.name, self.version, self.draining, results)
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/health+json"), (b"cache-control", b"no-store")]
        head = {"type": "http.response.start", "status": code, "headers": [*headers, (b"content-length", length)]}
        await self._announcing(send)(head)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _result(check):
    """One run at a time, whoever asks; its result is kept for a moment."""
    loop = asyncio.get_running_loop()
    if check.running is None:
        if check.last is not None and time.monotonic() - check.last.ended < check.cache:
            return check.last
        check.running = (asyncio.ensure_future(_run(check)), loop.time())
    task, begun = check.running
    left = begun + check.timeout - loop.time()
    if left > 0:
        await asyncio.wait([task], timeout=left)
    if task.done() and not task.cancelled():
        return task.result()
    # It stays the running one until it has ended: a check that ignores that it is cancelled is not started again.
    task.cancel()
    return Result(check, f"no result within {check.timeout} s", loop.time() - begun)


async def _run(check):
    loop = asyncio.get_running_loop()
    begun = loop.time()
    result = Result(check, f"no result within {check.timeout} s", check.timeout)
    try:
        # A function that waits without `await` would stop all requests meanwhile: it has a thread.
        is_async = inspect.iscoroutinefunction(check.run)
        value = check.run() if is_async else await loop.run_in_executor(None, check.run)
        if inspect.isawaitable(value):
            await value
        result = Result(check, None, loop.time() - begun)
    except Exception as error:
        result = Result(check, error, loop.time() - begun)
    finally:
        check.running = None
        check.last = result
    return result
