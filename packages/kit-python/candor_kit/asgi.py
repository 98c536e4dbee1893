"""The kit for applications of ASGI: FastAPI, Starlette, Django and others, on uvicorn or hypercorn."""

import asyncio
import inspect
import os
import signal
import threading
import time

from .request import DRAIN_HEADER, Readiness, Request, Result, document


class Kit(Readiness):
    """`app = Kit(app, checks={"database": ping})`: see `Readiness` for what else it takes."""

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
            await self.app(scope, receive, self._announcing(scope, send))

    def _watch_signal(self):
        """In the main thread of a server that handles SIGTERM as SIGINT: SIGTERM begins the notice, SIGINT ends the server after it."""
        if self.notice <= 0:
            return
        loop = asyncio.get_running_loop()

        def begin():
            signalled = self._signalled()
            if signalled != "same":
                loop.call_later(self.notice if signalled == "first" else 0, os.kill, os.getpid(), signal.SIGINT)

        try:
            loop.add_signal_handler(signal.SIGTERM, begin)
        except (NotImplementedError, RuntimeError, ValueError):
            pass  # Windows, or a thread: the server ends without a notice.

    def _announcing(self, scope, send):
        # HTTP/2 forbids `Connection`.
        is_http1 = scope.get("http_version", "1.1").startswith("1")

        async def announce(message):
            if self.draining is not None and message["type"] == "http.response.start":
                extra = [(DRAIN_HEADER.lower().encode(), b"true")]
                if is_http1:
                    extra.append((b"connection", b"close"))
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
        await self._announcing(scope, send)(head)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _result(check):
    """One run at a time, whoever asks; its result is kept for a moment."""
    loop = asyncio.get_running_loop()
    if check.running is None:
        if check.last is not None and time.monotonic() - check.last.ended < check.cache:
            return check.last
        # A function that waits without `await` would stop all requests meanwhile: it has a thread.
        is_async = inspect.iscoroutinefunction(check.run)
        check.running = (asyncio.ensure_future(_run(check, check.run())) if is_async else _run_in_thread(check), loop.time())
    task, begun = check.running
    left = begun + check.timeout - loop.time()
    if left > 0:
        await asyncio.wait([task], timeout=left)
    if task.done() and not task.cancelled():
        return task.result()
    # It stays the running one until it has ended: a check that ignores that it is cancelled, or a thread, is not started again.
    if isinstance(task, asyncio.Task):
        task.cancel()
    return Result(check, f"no result within {check.timeout} s", loop.time() - begun)


async def _run(check, work):
    loop = asyncio.get_running_loop()
    begun = loop.time()
    result = Result(check, f"no result within {check.timeout} s", check.timeout)
    try:
        await work
        result = Result(check, None, loop.time() - begun)
    except Exception as error:
        result = Result(check, error, loop.time() - begun)
    finally:
        check.running = None
        check.last = result
    return result


def _run_in_thread(check):
    """A thread of its own, which ends with the process: those of the loop are waited for at its end."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    ended = loop.create_future()

    def end(value, error):
        if inspect.isawaitable(value):
            rest = asyncio.ensure_future(_run(check, value))
            rest.add_done_callback(lambda _: ended.set_result(check.last))
            return
        check.running = None
        check.last = Result(check, error, loop.time() - begun)
        ended.set_result(check.last)

    def work():
        value = error = None
        try:
            value = check.run()
        except Exception as thrown:
            error = thrown
        try:
            loop.call_soon_threadsafe(end, value, error)
        except RuntimeError:
            pass  # The loop has ended.

    threading.Thread(target=work, daemon=True).start()
    return ended
