import { type BootCase, notListening, shortStart, shortStartMs } from './boot-case.ts';

const serve = `import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'ok')
`;
const listen = `HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()\n`;
const holder = {
  'holder.py': `${serve}server = HTTPServer(('127.0.0.1', OTHERPORT), Handler)\nopen('beside-up', 'w').close()\nserver.serve_forever()\n`,
};

export const pythonCases: readonly BootCase[] = [
  {
    name: 'python-syntax-error',
    language: 'python',
    what: 'line 9 has no colon',
    files: { 'app.py': `${serve}\nif os.environ.get('DEBUG')\n    print('debug')\n${listen}` },
    command: 'python3 app.py',
    expected: { from: 'exit', facts: [/SyntaxError/, /app\.py.{0,3}(?:,? line |:)9\b/] },
  },
  {
    name: 'python-indentation',
    language: 'python',
    what: 'line 3 is indented by a tab where spaces were',
    files: { 'app.py': `def settings():\n        a = 1\n\treturn a\n` },
    command: 'python3 app.py',
    expected: { from: 'exit', facts: [/TabError|IndentationError/, /app\.py.{0,3}(?:,? line |:)3\b/] },
  },
  {
    name: 'python-missing-module',
    language: 'python',
    what: 'imports a module that is not installed',
    files: { 'app.py': `import os\nimport psycopg2_of_nobody\n` },
    command: 'python3 app.py',
    expected: {
      from: 'exit',
      facts: [/No module named '?psycopg2_of_nobody/],
      better: [/app\.py.{0,3}(?:,? line |:)2\b/, /pip|virtual|venv|requirements/i],
    },
  },
  {
    name: 'python-import-name',
    language: 'python',
    what: 'imports a name that its own module does not have',
    files: { 'shop.py': `def make_app():\n    pass\n`, 'app.py': `from shop import create_app\ncreate_app()\n` },
    command: 'python3 app.py',
    expected: { from: 'exit', facts: [/cannot import name 'create_app' from 'shop'/], wrong: [/\bpip\b/] },
  },
  {
    name: 'python-chained-traceback',
    language: 'python',
    what: 'two tracebacks: the second exception, the last line, is what counts',
    files: {
      'settings.py': `import os
class ImproperlyConfigured(Exception):
    pass
def secret():
    try:
        return os.environ['SECRET_KEY_OF_SHOP']
    except KeyError:
        raise ImproperlyConfigured('Set the SECRET_KEY_OF_SHOP environment variable')
`,
      'app.py': `import settings\nkey = settings.secret()\n`,
    },
    command: 'python3 app.py',
    expected: {
      from: 'exit',
      facts: [/Set the SECRET_KEY_OF_SHOP environment variable/],
      better: [/settings\.py.{0,3}(?:,? line |:)8\b/],
    },
  },
  {
    name: 'python-address-in-use',
    language: 'python',
    what: 'a fixed port that another process has; Python does not name the port',
    files: { ...holder, 'app.py': `${serve}HTTPServer(('127.0.0.1', OTHERPORT), Handler).serve_forever()\n` },
    beside: ['python3', 'holder.py'],
    command: 'python3 app.py',
    expected: {
      from: 'exit',
      facts: [/Address already in use/i],
      better: [/OTHERPORT/, /\bOTHERPID\b/],
      may: ['port taken'],
    },
  },
  {
    name: 'python-fixed-port',
    language: 'python',
    what: 'python -m http.server with a port of its own in the command',
    command: 'python3 -m http.server OTHERPORT --bind 127.0.0.1',
    expected: { from: 2500, facts: [/OTHERPORT/, /INSTANCEPORT|\bPORT\b|\{port\}/], may: ['wrong port'] },
  },
  {
    name: 'python-permission',
    language: 'python',
    what: 'as another user, it cannot write its log into a folder of root',
    needsRoot: true,
    before: 'mkdir logs && chmod 755 logs',
    files: { 'app.py': `log = open('logs/app.log', 'a')\nlog.write('up')\n` },
    command: 'setpriv --reuid=65534 --regid=65534 --clear-groups python3 app.py',
    expected: { from: 'exit', facts: [/Permission denied/i, /logs\/app\.log/], may: ['permission'] },
  },
  {
    name: 'python-privileged-port',
    language: 'python',
    what: 'as another user, it listens on port 81, which only root may',
    needsRoot: true,
    files: { 'app.py': `${serve}HTTPServer(('127.0.0.1', 81), Handler).serve_forever()\n` },
    command: 'setpriv --reuid=65534 --regid=65534 --clear-groups python3 app.py',
    expected: {
      from: 'exit',
      facts: [/Permission denied/i],
      better: [/app\.py.{0,3}(?:,? line |:)8\b/, /port 81|below 1024|PORT\b/],
      may: ['permission'],
    },
  },
  {
    name: 'python-asks-a-question',
    language: 'python',
    what: 'asks for a password at its standard input',
    files: { 'app.py': `password = input('Admin password: ')\n` },
    command: 'python3 app.py',
    expected: {
      from: 'exit',
      facts: [/EOFError|EOF when reading a line|standard input|stdin/i],
      better: [/Admin password/],
    },
  },
  {
    name: 'python-memory',
    language: 'python',
    what: 'needs 2 GiB under a limit of 600 MiB of addresses',
    files: { 'app.py': `print('loading the index')\nindex = bytearray(2 * 1024 ** 3)\n` },
    command: ['sh', '-c', 'ulimit -v 600000; exec python3 app.py'],
    expected: {
      from: 'exit',
      facts: [/MemoryError|out of memory/i],
      may: ['memory'],
      better: [/app\.py.{0,3}(?:,? line |:)2\b/],
    },
  },
  {
    name: 'python-cpu-limit',
    language: 'python',
    what: 'computes beyond its limit of one second of processor time',
    files: { 'app.py': `while True:\n    pass\n` },
    command: ['sh', '-c', 'ulimit -t 1; exec python3 app.py'],
    expected: {
      from: 'exit',
      facts: [/SIGXCPU|SIGKILL|processor time|CPU time/i],
      may: ['signal'],
      wrong: [/ran out of memory/i],
    },
  },
  {
    name: 'python-segfault',
    language: 'python',
    what: 'a native library reads address 0',
    files: { 'app.py': `import ctypes\nctypes.string_at(0)\n` },
    command: 'python3 app.py',
    expected: { from: 'exit', facts: [/SIGSEGV|segmentation fault/i], may: ['signal'] },
  },
  {
    name: 'python-migrations-pending',
    language: 'python',
    what: 'unapplied migrations, said in Django’s words, and exit 1',
    files: {
      'manage.py': `import sys
print("You have 3 unapplied migration(s). Your project may not work properly until you apply the migrations for app(s): shop.")
print("Run 'python manage.py migrate' to apply them.")
sys.exit(1)
`,
    },
    command: 'python3 manage.py runserver',
    expected: { from: 'exit', facts: [/unapplied migration|manage\.py migrate/] },
  },
  {
    name: 'python-missing-interpreter',
    language: 'python',
    what: 'its #! line names an interpreter that is not here',
    files: { 'app.py': `#!/usr/bin/python2.9\nprint('up')\n` },
    before: 'chmod 755 app.py',
    command: './app.py',
    expected: {
      from: 'start',
      plusMs: 1000,
      facts: [/\/usr\/bin\/python2\.9/],
      may: ['no such command'],
      wrong: [/app\.py (?:does not exist|is not there|was not found)/],
    },
  },
  {
    name: 'python-crlf',
    language: 'python',
    what: 'its #! line ends with a carriage return',
    files: { 'app.py': `#!/usr/bin/env python3\r\n${serve.replaceAll('\n', '\r\n')}${listen}` },
    before: 'chmod 755 app.py',
    command: './app.py',
    expected: {
      from: 'exit',
      facts: [/python3/, /\\r|\^M|carriage|CRLF|line ending|Windows/i],
      may: ['no such command'],
    },
  },
  {
    name: 'python-literal-port',
    language: 'python',
    what: 'the command has {PORT} in capitals, which stays as it is',
    files: {
      'app.py': `import argparse\np = argparse.ArgumentParser(prog='app.py')\np.add_argument('--port', type=int)\np.parse_args()\n`,
    },
    command: ['python3', 'app.py', '--port', '{PORT}'],
    expected: { from: 'exit', facts: [/--port/, /invalid int value: '\{PORT\}'/], better: [/\{port\}/] },
  },
  {
    name: 'python-thread-crashes',
    language: 'python',
    what: 'the thread of the server ends with an exception, and the main thread waits for ever',
    files: {
      'app.py': `import threading
def server():
    raise RuntimeError('cannot open the search index index/products')
threading.Thread(target=server).start()
threading.Event().wait()
`,
    },
    command: 'python3 app.py',
    keys: shortStart,
    expected: {
      from: shortStartMs,
      facts: [/cannot open the search index index\/products/],
      better: [notListening],
      may: ['timeout'],
    },
  },
  {
    name: 'python-forks-away',
    language: 'python',
    what: 'a daemon: it forks, the parent ends with 0, and the child listens on the port',
    files: {
      'app.py': `${serve}import signal
if os.fork():
    os._exit(0)
os.setsid()
signal.alarm(20)
${listen}`,
    },
    command: 'python3 app.py',
    expected: {
      from: 'exit',
      plusMs: 500,
      facts: [
        /(?:code|status) 0\b|exited with 0/i,
        /background|daemon|detach|child|fork|left|still (?:runs|listens)|another process|foreground/i,
      ],
      may: ['left running', 'port taken'],
      mayBeReady: true,
    },
  },
  {
    name: 'python-exit-text',
    language: 'python',
    what: 'sys.exit with a text',
    files: { 'app.py': `import sys\nsys.exit('shop: /etc/shop/of-nobody.toml: no such configuration')\n` },
    command: 'python3 app.py',
    expected: { from: 'exit', facts: [/\/etc\/shop\/of-nobody\.toml: no such configuration/] },
  },
  {
    name: 'gunicorn-missing-app',
    language: 'python',
    what: 'gunicorn, and the module of the application is not there: a worker fails to boot',
    files: { 'web.py': 'app = None\n' },
    command: 'gunicorn --bind 127.0.0.1:{port} wsgi:app',
    expected: { from: 'exit', facts: [/No module named '?wsgi/], better: [/failed to boot/i] },
  },
  {
    name: 'gunicorn-worker-raises',
    language: 'python',
    what: 'gunicorn, and the application raises when it is imported',
    files: { 'wsgi.py': `rates = {'EUR': 1.0}\nbase = rates['USD-of-shop']\n` },
    command: 'gunicorn --bind 127.0.0.1:{port} wsgi:app',
    expected: {
      from: 'exit',
      facts: [/KeyError: 'USD-of-shop'/],
      better: [/wsgi\.py.{0,3}(?:,? line |:)2\b/, /failed to boot/i],
    },
  },
  {
    name: 'gunicorn-no-attribute',
    language: 'python',
    what: 'gunicorn, and the module has no `application`',
    files: { 'wsgi.py': `def app(environ, start):\n    start('200 OK', [])\n    return [b'ok']\n` },
    command: 'gunicorn --bind 127.0.0.1:{port} wsgi:application',
    expected: { from: 'exit', facts: [/Failed to find attribute 'application' in 'wsgi'/] },
  },
  {
    name: 'uvicorn-missing-app',
    language: 'python',
    what: 'uvicorn, and the module is not there',
    command: 'uvicorn main_of_shop:app --host 127.0.0.1 --port {port}',
    expected: { from: 'exit', facts: [/Could not import module "main_of_shop"/] },
  },
  {
    name: 'uvicorn-lifespan-fails',
    language: 'python',
    what: 'uvicorn, and the start-up event of the application raises',
    files: {
      'main.py': `async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        await send({'type': 'lifespan.startup.failed', 'message': 'no connection to broker amqp-of-shop'})
`,
    },
    command: 'uvicorn main:app --host 127.0.0.1 --port {port}',
    expected: { from: 'exit', facts: [/no connection to broker amqp-of-shop/], better: [/startup failed/i] },
  },
];
