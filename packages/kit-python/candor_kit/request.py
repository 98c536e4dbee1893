"""The request that the running code works for, and the health document: what ASGI and WSGI have in common."""

import contextvars
import json
import logging
import os
import re
import time
import uuid
from datetime import datetime, timezone

_current = contextvars.ContextVar("candor_kit_request", default=None)

# What may stand in a line of a log: no spaces, no control characters, no quotes.
_ID = re.compile(r"[\w.~:+/=@-]{1,128}", re.ASCII)
_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_WAITED = re.compile(r"[0-9]{1,15}")

# By it an application tells Envoy and Candor (`drain_signal`) that it wants no new requests.
DRAIN_HEADER = "X-Envoy-Immediate-Health-Check-Fail"


class Request:
    """`id` is X-Request-Id of the gateway; a new one where none came."""

    def __init__(self, header):
        given = header("x-request-id") or ""
        self.id = given if _ID.fullmatch(given) else str(uuid.uuid4())
        trace = _TRACE.fullmatch(header("traceparent") or "")
        self.traceparent = trace.group(0) if trace else None
        self.trace_id = trace.group(1) if trace else None
        self.tracestate = (header("tracestate") or None) if trace else None
        waited = header("x-envoy-expected-rq-timeout-ms") or ""
        # Envoy sends 0 where it waits without a limit.
        waited_ms = int(waited) if _WAITED.fullmatch(waited) else 0
        self._deadline = time.monotonic() + waited_ms / 1000 if waited_ms > 0 else None

    def remaining(self):
        """The seconds for which the gateway still waits for the response; None: it has not said."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def __enter__(self):
        self._token = _current.set(self)
        return self

    def __exit__(self, *_):
        _current.reset(self._token)


def current_request():
    """None outside of a request."""
    return _current.get()


def outgoing_headers():
    """What calls to other services pass on: `requests.get(url, headers=outgoing_headers())`."""
    request = _current.get()
    if request is None:
        return {}
    headers = {"x-request-id": request.id, "traceparent": request.traceparent, "tracestate": request.tracestate}
    return {name: value for name, value in headers.items() if value is not None}


def install_logging():
    """Gives each record of `logging` a `request_id` and a `trace_id`, `-` outside of a request, for every formatter."""
    make = logging.getLogRecordFactory()

    def factory(*args, **kwargs):
        record = make(*args, **kwargs)
        request = _current.get()
        record.request_id = "-" if request is None else request.id
        record.trace_id = "-" if request is None or request.trace_id is None else request.trace_id
        return record

    logging.setLogRecordFactory(factory)


# The same signal twice within this time is meant once: systemd signals all processes of a service, and some pass it on.
SAME_SIGNAL_SECONDS = 1.0
ENDS = "the application ends"


class Readiness:
    """An application, and whether it wants requests. `draining`: why not; None: it does. `notice`: seconds between SIGTERM and the end of the listener."""

    def __init__(self, app, name=None, version=None, checks=None, health="/healthz", ready="/readyz", notice=None):
        self.app = app
        self.name = name
        self.version = version
        self.checks = checks_of(checks)
        self.health = health
        self.ready = ready
        # Candor sends no requests to an instance that it ends; other gateways have to find out.
        self.notice = (0.0 if "CANDOR_START" in os.environ else 5.0) if notice is None else notice
        self._ends_since = None
        self._declined = None

    @property
    def draining(self):
        return self._declined if self._ends_since is None else ENDS

    def decline_requests(self, why="the application wants no new requests"):
        """Tells gateways to send no new requests, and goes on to answer those that come."""
        self._declined = why

    def want_requests(self):
        self._declined = None

    def _signalled(self):
        """SIGTERM has come. "first": the notice begins; "same": it was passed on, too; "second": the server ends now."""
        now = time.monotonic()
        if self._ends_since is None:
            self._ends_since = now
            return "first"
        return "same" if now - self._ends_since < min(SAME_SIGNAL_SECONDS, self.notice) else "second"


class Check:
    """A function, or a function and how to run it. `readiness`: only for what belongs to this instance alone."""

    def __init__(self, run, timeout=1.0, cache=1.0, optional=False, readiness=False):
        self.run = run
        self.timeout = timeout
        self.cache = cache
        self.optional = optional
        self.readiness = readiness
        # For the runners of asgi.py and wsgi.py.
        self.running = None
        self.last = None


class Result:
    def __init__(self, check, error, took):
        self.error = None if error is None else _safe(error)
        self.status = "pass" if error is None else "warn" if check.optional else "fail"
        self.took_ms = round(took * 1000)
        self.time = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.ended = time.monotonic()


def checks_of(checks):
    return {name: check if isinstance(check, Check) else Check(check) for name, check in (checks or {}).items()}


def document(name, version, draining, results):
    """The status code and the bytes of `application/health+json`. `draining`: why; None: the instance takes requests."""
    statuses = {result.status for result in results.values()}
    status = "fail" if "fail" in statuses else "warn" if "warn" in statuses else "pass"
    body = {"status": status if draining is None else "draining"}
    if name is not None:
        body["serviceId"] = name
    if version is not None:
        body["version"] = version
    if draining is not None:
        body["output"] = draining
    if results:
        body["checks"] = {f"{name}:responseTime": [_entry(result)] for name, result in results.items()}
    code = 200 if body["status"] in ("pass", "warn") else 503
    return code, (json.dumps(body) + "\n").encode()


def _entry(result):
    entry = {"status": result.status, "observedValue": result.took_ms, "observedUnit": "ms", "time": result.time}
    return entry if result.error is None else {**entry, "output": result.error}


def _safe(error):
    """Drivers write addresses with user and password into their errors."""
    try:
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    line = re.sub(r"[\x00-\x1f\x7f]+", " ", re.sub(r"//[^/\s]+@", "//…@", text))
    return line if len(line) <= 200 else f"{line[:199]}…"
