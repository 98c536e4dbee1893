"""The kit for applications of WSGI: Django, Flask and others, on gunicorn or another server."""

import os
import signal
import threading
import time

from .request import DRAIN_HEADER, Readiness, Request, Result, document

_REASONS = {200: "200 OK", 503: "503 Service Unavailable"}


class Kit(Readiness):
    """`app = Kit(app, checks={"database": ping})`: see `Readiness` for what else it takes."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._lock = threading.Lock()
        self._watch_signal()

    def __call__(self, environ, start_response):
        request = Request(lambda name: environ.get("HTTP_" + name.upper().replace("-", "_")))
        path = environ.get("PATH_INFO", "")
        if path in (self.health, self.ready) and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._answer(path == self.ready, environ["REQUEST_METHOD"], start_response)
        # Until the body has been sent: generators run after this call.
        request.__enter__()
        try:
            return _Body(self.app(environ, self._announcing(start_response)), request)
        except BaseException:
            request.__exit__()
            raise

    def _watch_signal(self):
        """The first SIGTERM begins the notice; after it the signal goes to the server, which has set its handler before."""
        if self.notice <= 0 or threading.current_thread() is not threading.main_thread():
            return
        server = signal.getsignal(signal.SIGTERM)

        def begin(number, _):
            signalled = self._signalled()
            if signalled == "first":
                timer = threading.Timer(self.notice, os.kill, (os.getpid(), number))
                timer.daemon = True
                timer.start()
            elif signalled == "second":
                signal.signal(number, signal.SIG_DFL if server is None else server)
                os.kill(os.getpid(), number)

        signal.signal(signal.SIGTERM, begin)

    def _announcing(self, start_response):
        def announce(status, headers, *rest):
            # `Connection` belongs to the server: WSGI lets no application write it.
            extra = [] if self.draining is None else [(DRAIN_HEADER, "true")]
            return start_response(status, [*headers, *extra], *rest)

        return announce

    def _answer(self, is_readiness, method, start_response):
        results = {}
        if self.draining is None or not is_readiness:
            asked = {name: check for name, check in self.checks.items() if check.readiness or not is_readiness}
            waits = {name: self._begin(check) for name, check in asked.items()}
            results = {name: self._result(asked[name], wait) for name, wait in waits.items()}
        code, body = document(self.name, self.version, self.draining, results)
        headers = [("Content-Type", "application/health+json"), ("Cache-Control", "no-store")]
        self._announcing(start_response)(_REASONS[code], [*headers, ("Content-Length", str(len(body)))])
        return [] if method == "HEAD" else [body]

    def _begin(self, check):
        """The running run, or a new one; None where the last result is fresh. One run at a time, whoever asks."""
        with self._lock:
            if check.running is not None:
                return check.running
            if check.last is not None and time.monotonic() - check.last.ended < check.cache:
                return None
            check.running = _Run(self, check)
            check.running.start()
            return check.running

    def _result(self, check, run):
        if run is None:
            return check.last
        run.join(max(0.0, run.begun + check.timeout - time.monotonic()))
        if not run.is_alive():
            return check.last
        # A thread cannot be cancelled: it stays the running one until it has ended.
        return Result(check, f"no result within {check.timeout} s", time.monotonic() - run.begun)

    def _ended(self, check, result):
        with self._lock:
            check.running = None
            check.last = result


class _Run(threading.Thread):
    def __init__(self, kit, check):
        super().__init__(daemon=True)
        self.kit = kit
        self.check = check
        self.begun = time.monotonic()

    def run(self):
        error = None
        try:
            self.check.run()
        except Exception as thrown:
            error = thrown
        self.kit._ended(self.check, Result(self.check, error, time.monotonic() - self.begun))


class _Body:
    def __init__(self, parts, request):
        self._parts = parts
        self._iterator = iter(parts)
        self._request = request

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._iterator)

    def close(self):
        try:
            if hasattr(self._parts, "close"):
                self._parts.close()
        finally:
            self._request.__exit__()
