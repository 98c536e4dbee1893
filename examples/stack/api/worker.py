"""Takes mail from a list in Redis and prints it. With LEAK in the environment it keeps a mebibyte more each tenth of a second."""
import os
import signal
import socket
import sys
import time

kept = []
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("waiting for mail", flush=True)
while True:
    try:
        with socket.create_connection(("127.0.0.1", int(os.environ.get("REDIS_PORT", "6379"))), timeout=2) as redis:
            redis.sendall(b"LPOP mail\r\n")
            answer = redis.recv(4096)
            if not answer.startswith(b"$-1"):
                print("mail:", answer.decode(errors="replace").strip(), flush=True)
    except OSError as error:
        print("mail waits:", error, file=sys.stderr, flush=True)
    if os.path.exists("leak"):
        kept.append(bytearray(os.urandom(1 << 20)))
    time.sleep(0.1)
