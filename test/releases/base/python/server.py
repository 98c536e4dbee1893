"""The shop, as server.mjs."""

import hashlib
import hmac
import json
import os
import random
import re
import signal
import sqlite3
import sys
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = int(os.environ.get("PORT", "3000"))
HOST = os.environ.get("HOST", "127.0.0.1")
DATA_FOLDER = os.environ.get("DATA_DIR", "data")
STOCK_URL = os.environ.get("STOCK_URL")
SESSION_KEY = os.environ.get("SESSION_KEY", "development-key")


def read_text(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


VERSION = read_text("VERSION").strip()
ASSETS = json.loads(read_text("assets.json"))
PRODUCT_COUNT = 200
HTML = "text/html; charset=utf-8"
JSON = "application/json"
PARAGRAPH = "Everything that a kitchen needs, sent within a day, and taken back within thirty. "


class Failure(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


# The store.

os.makedirs(DATA_FOLDER, exist_ok=True)
database = sqlite3.connect(
    os.path.join(DATA_FOLDER, "shop.sqlite"), timeout=3, check_same_thread=False, isolation_level=None
)
database_lock = threading.Lock()
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = OFF")
database.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, user TEXT, total INTEGER)")
database.execute("CREATE TABLE IF NOT EXISTS carts (user TEXT, product INTEGER, count INTEGER)")


def execute(text, *values):
    with database_lock:
        return database.execute(text, values).fetchall()


def query(ms):
    """What the large database of the shop takes for a query."""
    time.sleep(ms / 1000)


def product_of(number):
    if not isinstance(number, int) or not 1 <= number <= PRODUCT_COUNT:
        return None
    name = f"Käse Nº {number}" if number % 4 == 0 else f"Product {number}"
    return {"id": number, "name": name, "price": 500 + (number * 37) % 1000}


def some_products(start, count):
    return [product_of(1 + (start + index * 7) % PRODUCT_COUNT) for index in range(count)]


def stock_of(number):
    if STOCK_URL is None:
        return number % 20
    try:
        with urllib.request.urlopen(f"{STOCK_URL}/stock/{number}", timeout=2) as response:
            return json.load(response)["stock"]
    except OSError as error:
        raise Failure(503, f"stock: {error}") from error


def place_order(user, product, count):
    query(80)
    order = f"o-{int(time.time() * 1000):x}{random.randrange(10**6):x}"
    total = product["price"] * count
    execute("INSERT INTO orders (id, user, total) VALUES (?, ?, ?)", order, user, total)
    return {"order": order, "total": total}


def order_of(order):
    query(8)
    rows = execute("SELECT id, total FROM orders WHERE id = ?", order)
    return {"order": rows[0][0], "total": rows[0][1]} if rows else None


def add_to_cart(user, product, count):
    query(10)
    execute("DELETE FROM carts WHERE user = ? AND product = ?", user, product)
    execute("INSERT INTO carts (user, product, count) VALUES (?, ?, ?)", user, product, count)


def cart_of(user):
    query(8)
    rows = execute("SELECT product, count FROM carts WHERE user = ? LIMIT 20", user)
    return {"user": user, "items": [{"product": product, "count": count} for product, count in rows]}


def token_of(user):
    return user + "." + hmac.new(SESSION_KEY.encode(), user.encode(), hashlib.sha256).hexdigest()[:24]


# The pages.


def page(title, body):
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Shop: {title}</title>
<link rel="stylesheet" href="/assets/{ASSETS['css']}">
<script src="/assets/{ASSETS['js']}" defer></script></head>
<body><nav><a href="/">Shop</a> <a href="/search?q=cheese">Search</a> <a href="/account">Account</a></nav>
{body}
</body></html>
"""


def items_of(products):
    return "\n".join(f'<li><a href="/product/{one["id"]}">{one["name"]}</a></li>' for one in products)


def product_page(product, stock):
    name, price, number = product["name"], product["price"], product["id"]
    return page(
        name,
        f"""<h1>{name}</h1><p class="price">{price / 100:.2f} EUR</p><p>{stock} in stock</p>
<p>{PARAGRAPH * 20}</p><form method="post" action="/api/cart"><input name="product" value="{number}"></form>""",
    )


LOGIN_PAGE = page("log in", '<h1>Log in</h1><form method="post" action="/login"><input name="user"></form>')


# The routes.


def home(shop):
    query(5)
    items = items_of(some_products(0, 24))
    text = f'<h1>Welcome</h1><p>{PARAGRAPH * 8}</p>\n<ul>{items}</ul><img src="/images/hero.svg">'
    shop.send(200, HTML, page("home", text))


def search(shop):
    query(60)
    text = re.sub(r"[^\w ]", "", shop.parameter("q", ""))
    items = items_of(some_products(len(text), 15))
    body = f'<h1>Results for {text}</h1><ol class="results">{items}</ol><p>{PARAGRAPH * 10}</p>'
    shop.send(200, HTML, page("search", body))


def product(shop):
    query(15)
    found = product_of(int(shop.path_only[len("/product/") :]))
    if found is None:
        raise Failure(404, "not found")
    shop.send(200, HTML, product_page(found, stock_of(found["id"])))


def list_products(shop):
    query(20)
    number = int(shop.parameter("page", "1"))
    shop.send_json(200, {"page": number, "products": some_products(number * 20, 20)})


def show_cart(shop):
    shop.send_json(200, cart_of(shop.user()))


def post_cart(shop):
    user, wanted = shop.user(), shop.json()
    if product_of(wanted["product"]) is None:
        raise Failure(422, "no such product")
    add_to_cart(user, wanted["product"], wanted["count"])
    shop.send_json(201, {"product": wanted["product"], "count": wanted["count"]})


def checkout(shop):
    wanted = shop.json()
    user = shop.user()
    found = product_of(wanted["product"])
    if found is None:
        raise Failure(422, "no such product")
    shop.send_json(201, place_order(user, found, wanted["count"]))


def show_order(shop):
    order = order_of(shop.path_only[len("/api/orders/") :])
    if order is None:
        raise Failure(404, "no such order")
    shop.send_json(200, order)


def log_in(shop):
    user = urllib.parse.parse_qs(shop.body.decode()).get("user", [None])[0]
    query(50)
    if user is None:
        return shop.send(400, HTML, LOGIN_PAGE)
    cookie = f"session={token_of(user)}; Path=/; HttpOnly"
    shop.send(302, HTML, "", {"location": "/", "set-cookie": cookie})


def show_login(shop):
    shop.send(200, HTML, LOGIN_PAGE)


def account(shop):
    user = shop.user_or_none()
    if user is None:
        return shop.send(302, HTML, "", {"location": "/login"})
    query(30)
    shop.send(200, HTML, page("account", f"<h1>Account of {user}</h1><p>{PARAGRAPH * 5}</p>"))


def recommend(shop):
    query(10)
    shop.send_json(200, {"stock": stock_of(1), "recommended": some_products(3, 5)})


def export_orders(shop):
    if shop.parameter("format", "") != "csv":
        raise Failure(500, "only CSV can be written")
    shop.send(200, "text/csv", "order,total\n")


def newsletter(shop):
    shop.send(200, HTML, "<h1>Newsletter of 2019</h1>")


TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def static_file(shop):
    try:
        body = read_text("public" + shop.path_only)
    except OSError:
        raise Failure(404, "not found") from None
    kind = TYPES.get(shop.path_only.split(".")[-1], "application/octet-stream")
    shop.send(200, kind, body, {"cache-control": "max-age=3600", "etag": f'"{len(body)}"'})


def events(shop):
    shop.start_stream("text/event-stream")
    count = 0
    while not state.is_stopping:
        time.sleep(0.3)
        count += 1
        shop.wfile.write(f'id: {count}\ndata: {{"visitors":{count}}}\n\n'.encode())


def health(shop):
    shop.send(200, "text/plain", "ok\n")


def deep_health(shop):
    order_of("o-none")
    shop.send_json(200, {"database": "ok", "stock": "ok" if stock_of(1) >= 0 else "unknown"})


ROUTES = [
    ("GET", r"/", home),
    ("GET", r"/search", search),
    ("GET", r"/product/\d+", product),
    ("GET", r"/api/products", list_products),
    ("GET", r"/api/cart", show_cart),
    ("POST", r"/api/cart", post_cart),
    ("POST", r"/api/checkout", checkout),
    ("GET", r"/api/orders/[\w-]+", show_order),
    ("GET", r"/api/recommendations", recommend),
    ("GET", r"/api/export", export_orders),
    ("GET", r"/login", show_login),
    ("POST", r"/login", log_in),
    ("GET", r"/account", account),
    ("GET", r"/newsletter", newsletter),
    ("GET", r"/(?:assets|images)/[\w.-]+", static_file),
    ("GET", r"/events", events),
    ("GET", r"/healthz", health),
    ("GET", r"/health/deep", deep_health),
]


class State:
    is_stopping = False
    in_flight = 0
    lock = threading.Lock()


state = State()


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 0

    def log_message(self, *_):
        pass

    def send(self, status, kind, body, headers=None):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.finish_headers(data)

    def finish_headers(self, data=b""):
        self.send_header("x-test-version", VERSION)
        if state.is_stopping:
            self.send_header("connection", "close")
        self._headers_buffer.append(b"\r\n" + data)
        self.is_answered = True
        self.flush_headers()

    def start_stream(self, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        self.finish_headers()

    def send_json(self, status, value):
        self.send(status, JSON, json.dumps(value, ensure_ascii=False))

    def parameter(self, name, default):
        return urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get(name, [default])[0]

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise Failure(400, "the body is no JSON") from None

    def user_or_none(self):
        found = re.search(r"(?:^|; )session=([^;]+)", self.headers.get("cookie") or "")
        if found is None:
            return None
        user = found[1].split(".")[0]
        return user if token_of(user) == found[1] else None

    def user(self):
        user = self.user_or_none()
        if user is None:
            raise Failure(401, "not logged in")
        return user

    def answer(self):
        with state.lock:
            state.in_flight += 1
        try:
            self.route()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with state.lock:
                state.in_flight -= 1

    def route(self):
        self.is_answered = False
        self.path_only = urllib.parse.urlsplit(self.path).path
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            for method, path, handle in ROUTES:
                if method == self.command and re.fullmatch(path, self.path_only):
                    return handle(self)
            raise Failure(404, "not found")
        except Failure as failure:
            self.send_json(failure.status, {"error": str(failure)})
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            print(f"{self.command} {self.path}: {error!r}", file=sys.stderr, flush=True)
            if self.is_answered:
                self.close_connection = True
            else:
                self.send_json(500, {"error": str(error)})

    do_GET = answer
    do_POST = answer


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def stop(*_):
    def finish():
        state.is_stopping = True
        server.shutdown()
        until = time.monotonic() + 10
        while state.in_flight > 0 and time.monotonic() < until:
            time.sleep(0.02)
        os._exit(0)

    threading.Thread(target=finish).start()


server = Server((HOST, PORT), Shop)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
print(f"shop {VERSION} listens on {HOST}:{PORT}", flush=True)
server.serve_forever()
