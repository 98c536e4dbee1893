import asyncio
import io
import json
import logging
import threading
import time
import unittest
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from candor_kit import asgi, current_request, install_logging, outgoing_headers, wsgi
from candor_kit.request import Check

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SENT = {"x-request-id": "id-1", "traceparent": TRACE, "x-envoy-expected-rq-timeout-ms": "60000"}


def seen():
    request = current_request()
    return {"id": request.id, "trace": request.trace_id, "left": request.remaining(), "passed": outgoing_headers()}


async def asgi_app(scope, receive, send):
    await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(seen()).encode()})


def wsgi_app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    # A generator runs after the application has returned.
    yield json.dumps(seen()).encode()


def ask_asgi(kit, path, headers=None, method="GET"):
    return asyncio.run(asked_asgi(kit, path, headers, method))


async def asked_asgi(kit, path, headers=None, method="GET"):
    sent = []

    async def send(message):
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await kit({"type": "http", "method": method, "path": path, "headers": pairs}, None, send)
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


def ask_wsgi(kit, path, headers=None, method="GET"):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": "", "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    environ.update({"HTTP_" + name.upper().replace("-", "_"): value for name, value in (headers or {}).items()})
    head = []

    def start_response(status, pairs, exc_info=None):
        head.append((int(status[:3]), {name.lower(): value for name, value in pairs}))
        return lambda _: None

    # The validator refuses what WSGI forbids.
    parts = validator(kit)(environ, start_response)
    body = b"".join(parts)
    parts.close()
    return (*head[0], body)


KINDS = {"asgi": (asgi.Kit, asgi_app, ask_asgi), "wsgi": (wsgi.Kit, wsgi_app, ask_wsgi)}


class EachKind(unittest.TestCase):
    def each(self, **options):
        for name, (kit, app, ask) in KINDS.items():
            with self.subTest(name):
                made = kit(app, notice=0, **options)
                yield made, lambda *args, **more: ask(made, *args, **more)

    def test_the_application_has_the_request_of_the_gateway(self):
        for _, ask in self.each():
            found = json.loads(ask("/", SENT)[2])
            self.assertEqual((found["id"], found["trace"]), ("id-1", TRACE[3:35]))
            self.assertTrue(59 < found["left"] <= 60)
            self.assertEqual(found["passed"], {"x-request-id": "id-1", "traceparent": TRACE})
            self.assertIsNone(current_request())

    def test_ids_that_do_not_belong_into_a_log_are_replaced(self):
        for _, ask in self.each():
            for wrong in ("a b", 'a"b', "a\tb", "x" * 129):
                found = json.loads(ask("/", {"x-request-id": wrong, "traceparent": "yes"})[2])
                self.assertRegex(found["id"], "^[0-9a-f-]{36}$")
                self.assertEqual((found["trace"], found["left"]), (None, None))

    def test_health_has_the_results_of_all_checks(self):
        def down():
            raise OSError("connect postgres://shop:hunter2@db/shop")

        checks = {"database": lambda: None, "search": Check(down, optional=True)}
        for _, ask in self.each(name="shop", checks=checks):
            code, headers, body = ask("/healthz")
            found = json.loads(body)
            self.assertEqual((code, headers["content-type"]), (200, "application/health+json"))
            self.assertEqual((found["status"], found["serviceId"]), ("warn", "shop"))
            self.assertEqual(found["checks"]["database:responseTime"][0]["status"], "pass")
            entry = found["checks"]["search:responseTime"][0]
            self.assertEqual((entry["status"], entry["output"]), ("warn", "OSError: connect postgres://…@db/shop"))
            self.assertEqual(ask("/healthz", method="HEAD")[2], b"")

    def test_a_failing_check_is_503_and_decides_on_readiness_only_if_it_says_so(self):
        def down():
            raise OSError("down")

        for readiness, code in ((False, 200), (True, 503)):
            for _, ask in self.each(checks={"database": Check(down, readiness=readiness)}):
                self.assertEqual((ask("/healthz")[0], ask("/readyz")[0]), (503, code))

    def test_an_instance_that_declines_requests_says_so_in_each_response(self):
        for kit, ask in self.each():
            kit.decline_requests("it compacts")
            code, headers, body = ask("/readyz")
            self.assertEqual((code, json.loads(body)), (503, {"status": "draining", "output": "it compacts"}))
            self.assertEqual(ask("/")[1]["x-envoy-immediate-health-check-fail"], "true")
            kit.want_requests()
            self.assertEqual(ask("/readyz")[0], 200)
            self.assertNotIn("x-envoy-immediate-health-check-fail", ask("/")[1])

    def test_an_instance_that_ends_stays_so_and_the_same_signal_a_moment_later_is_no_second_one(self):
        for kit, ask in self.each():
            kit.notice = 5
            kit.decline_requests()
            self.assertEqual([kit._signalled(), kit._signalled()], ["first", "same"])
            kit.want_requests()
            self.assertEqual(json.loads(ask("/readyz")[2])["output"], "the application ends")
            kit._ends_since -= 1
            self.assertEqual(kit._signalled(), "second")

    def test_an_error_without_a_text_fails_a_check(self):
        class Silent(Exception):
            def __str__(self):
                raise RuntimeError("no text")

        def down():
            raise Silent()

        for _, ask in self.each(checks={"database": down}):
            code, _, body = ask("/healthz")
            self.assertEqual((code, json.loads(body)["checks"]["database:responseTime"][0]["output"]), (503, "Silent"))

    def test_each_line_of_a_log_has_the_ids(self):
        lines = []
        before = logging.getLogRecordFactory()
        self.addCleanup(logging.setLogRecordFactory, before)
        install_logging()
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(f"{record.request_id} {record.trace_id} {record.getMessage()}")
        log = logging.getLogger("kit")
        log.addHandler(handler)
        self.addCleanup(log.removeHandler, handler)

        def logs(environ, start_response):
            log.warning("paid")
            return wsgi_app(environ, start_response)

        ask_wsgi(wsgi.Kit(logs, notice=0), "/", SENT)
        log.warning("outside")
        self.assertEqual(lines, [f"id-1 {TRACE[3:35]} paid", "- - outside"])


class Stampedes(unittest.TestCase):
    def test_asgi_runs_a_check_once_for_all_who_ask_and_keeps_its_result(self):
        runs = []

        async def many():
            go = asyncio.Event()

            async def slow():
                runs.append(1)
                await go.wait()

            kit = asgi.Kit(asgi_app, checks={"slow": slow}, notice=0)
            asked = [asyncio.ensure_future(asked_asgi(kit, "/healthz")) for _ in range(100)]
            await asyncio.sleep(0.05)
            go.set()
            codes = {(await one)[0] for one in asked}
            return codes | {(await asked_asgi(kit, "/healthz"))[0]}

        self.assertEqual((asyncio.run(many()), len(runs)), ({200}, 1))

    def test_asgi_does_not_start_a_check_again_that_hangs(self):
        runs = []

        async def many():
            over = asyncio.Event()

            async def stubborn():
                runs.append(1)
                while not over.is_set():
                    try:
                        await over.wait()
                    except asyncio.CancelledError:
                        pass

            kit = asgi.Kit(asgi_app, checks={"stubborn": Check(stubborn, timeout=0.05, cache=0)}, notice=0)
            found = [await asked_asgi(kit, "/healthz") for _ in range(3)]
            over.set()
            await asyncio.sleep(0)
            return [code for code, _, _ in found], found[0][2]

        codes, body = asyncio.run(many())
        self.assertEqual((codes, len(runs)), ([503, 503, 503], 1))
        self.assertIn(b"no result within 0.05 s", body)

    def test_asgi_does_not_start_a_thread_again_that_hangs_nor_wait_for_it_at_the_end(self):
        runs = []
        go = threading.Event()
        self.addCleanup(go.set)

        def slow():
            runs.append(1)
            go.wait(20)

        async def many():
            kit = asgi.Kit(asgi_app, checks={"slow": Check(slow, timeout=0.05, cache=0)}, notice=0)
            return [(await asked_asgi(kit, "/healthz"))[0] for _ in range(3)]

        began = time.monotonic()
        self.assertEqual((asyncio.run(many()), len(runs)), ([503] * 3, 1))
        self.assertLess(time.monotonic() - began, 10)

    def test_wsgi_runs_a_check_once_for_all_who_ask_and_not_again_while_it_hangs(self):
        runs = []
        go = threading.Event()

        def slow():
            runs.append(1)
            go.wait(10)

        kit = wsgi.Kit(wsgi_app, checks={"slow": Check(slow, timeout=0.1)}, notice=0)
        codes = []
        asking = [threading.Thread(target=lambda: codes.append(ask_wsgi(kit, "/healthz")[0])) for _ in range(20)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        codes.append(ask_wsgi(kit, "/healthz")[0])
        self.assertEqual((codes, len(runs)), ([503] * 21, 1))
        go.set()
        until = time.monotonic() + 5
        while ask_wsgi(kit, "/healthz")[0] != 200 and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual((ask_wsgi(kit, "/healthz")[0], len(runs)), (200, 1))


if __name__ == "__main__":
    unittest.main()
