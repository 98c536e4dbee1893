"""The sample application of `npm run try:kit` for Python, in both forms: `asgi_app` for uvicorn, `wsgi_app` for gunicorn."""

import asyncio
import os
import random
import time

from candor_kit import asgi, wsgi

VERSION = os.environ.get("KIT_VERSION", "")
NOTICE = float(os.environ.get("KIT_NOTICE_MS", "1000")) / 1000


def work(path):
    seconds = 0.4 if path == "/download" else random.uniform(0.005, 0.035)
    return seconds, b"x" * 50_000 if path == "/download" else b"ok"


async def plain_asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    seconds, body = work(scope["path"])
    await asyncio.sleep(seconds)
    headers = [(b"x-version", VERSION.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def plain_wsgi(environ, start_response):
    environ["wsgi.input"].read()
    seconds, body = work(environ["PATH_INFO"])
    time.sleep(seconds)
    start_response("200 OK", [("X-Version", VERSION), ("Content-Length", str(len(body)))])
    return [body]


asgi_app = asgi.Kit(plain_asgi, notice=NOTICE)
wsgi_app = wsgi.Kit(plain_wsgi, notice=NOTICE)
