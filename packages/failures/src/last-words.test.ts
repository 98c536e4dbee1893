import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastWords, wordsAfterExit } from './last-words.ts';

/** As runtimes print them; the stacks are shortened. */
const outputs: readonly (readonly [
  what: string,
  output: string,
  error: string,
  position: string | null,
  cause?: string,
])[] = [
  [
    'Node: an uncaught error with a message of two lines, and a property',
    `listening
/app/a.js:2
function chargeCard(){ throw e; }
                             ^

TypeError: cannot read card
of order 7
    at Object.read (node:internal/fs:9:1)
    at chargeCard (/app/node_modules/cards/index.js:2:32)
    at Timeout.pay [as _onTimeout] (/app/a.js:3:16)
    at listOnTimeout (node:internal/timers:685:17) {
  code: 'X'
}

Node.js v26.10.0`,
    'TypeError: cannot read card',
    'Timeout.pay [as _onTimeout] (/app/a.js:3:16)',
  ],
  [
    'Node: a rejected promise',
    `node:internal/process/promises:322
      new UnhandledPromiseRejection(reason);
      ^

UnhandledPromiseRejection: The promise rejected with the reason "nope".
    at throwUnhandledRejectionsMode (node:internal/process/promises:322:7) {
  code: 'ERR_UNHANDLED_REJECTION'
}

Node.js v26.10.0`,
    'UnhandledPromiseRejection: The promise rejected with the reason "nope".',
    null,
  ],
  [
    'Node: an error event with a cause',
    `node:events:505
    throw er; // Unhandled 'error' event
    ^

Error: conn lost
    at Object.<anonymous> (/app/c.js:1:74)
Emitted 'error' event at:
    at Object.<anonymous> (/app/c.js:1:60) {
  [cause]: Error: ECONN inner
      at Object.<anonymous> (/app/c.js:1:103)
}

Node.js v26.10.0`,
    'Error: conn lost',
    'Object.<anonymous> (/app/c.js:1:103)',
    'Error: ECONN inner',
  ],
  [
    'Python: an error while another one was handled',
    `Traceback (most recent call last):
  File "/app/d.py", line 3, in f
    {}['a']
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/d.py", line 6, in <module>
    f()
  File "/app/d.py", line 5, in f
    raise ValueError('bad port')
  File "/usr/lib/python3/dist-packages/x.py", line 9, in g
ValueError: bad port`,
    'ValueError: bad port',
    'f (/app/d.py:5)',
  ],
  [
    'Python: a message with a line of advice',
    `Traceback (most recent call last):
  File "/app/db.py", line 3, in connect
sqlalchemy.exc.OperationalError: connection refused
	Is the server running?
(Background on this error at: https://sqlalche.me/e/20/e3q8)`,
    'sqlalchemy.exc.OperationalError: connection refused',
    'connect (/app/db.py:3)',
  ],
  [
    'Ruby: the position stands before the message',
    "/app/app.rb:3:in 'Object#pay': no card (RuntimeError)\n\tfrom /app/app.rb:7:in '<main>'",
    "/app/app.rb:3:in 'Object#pay': no card (RuntimeError)",
    null,
  ],
  [
    'Ruby: an error inside a gem',
    "/gems/pg/lib/pg.rb:3:in 'PG.connect': refused (PG::Error)\n\tfrom /gems/pg/lib/pg.rb:9:in 'new'\n\tfrom /app/app.rb:7:in '<main>'",
    "/gems/pg/lib/pg.rb:3:in 'PG.connect': refused (PG::Error)",
    "/app/app.rb:7:in '<main>'",
  ],
  [
    'Java: an error with a cause',
    `Exception in thread "main" java.lang.IllegalStateException: no pool
	at java.base/java.util.Objects.requireNonNull(Objects.java:233)
	at com.shop.Pool.open(Pool.java:12)
	at com.shop.Main.main(Main.java:5)
Caused by: java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.pollConnect(Native Method)
	... 2 more`,
    'Exception in thread "main" java.lang.IllegalStateException: no pool',
    'com.shop.Pool.open(Pool.java:12)',
    'java.net.ConnectException: Connection refused',
  ],
  [
    'Go: a panic',
    `panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x49a3c6]

goroutine 7 [running]:
runtime.panicmem()
	/usr/local/go/src/runtime/panic.go:262 +0x1
main.(*Shop).Pay(0x0, {0x5, 0x6})
	/app/main.go:25 +0x2e
main.main()
	/app/main.go:5 +0x1d
exit status 2`,
    'panic: runtime error: invalid memory address or nil pointer dereference',
    'main.(*Shop).Pay (/app/main.go:25)',
  ],
  [
    'Rust: a panic',
    "thread 'main' panicked at src/main.rs:2:5:\nno database\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    'no database',
    'src/main.rs:2:5',
  ],
  [
    'PHP: an uncaught exception',
    'PHP Fatal error:  Uncaught Exception: boom in /app/x.php:3\nStack trace:\n#0 {main}\n  thrown in /app/x.php on line 3',
    'PHP Fatal error:  Uncaught Exception: boom in /app/x.php:3',
    null,
  ],
  [
    '.NET: an unhandled exception',
    'Unhandled exception. System.InvalidOperationException: boom\n   at System.Linq.First()\n   at Shop.Pay() in /app/Shop.cs:line 5',
    'Unhandled exception. System.InvalidOperationException: boom',
    'Shop.Pay() in /app/Shop.cs:line 5',
  ],
  [
    'an error that was handled, and lines after it',
    'Error: no cache\n    at get (/app/cache.js:3:1)\nwithout a cache\ngoodbye',
    'goodbye',
    null,
  ],
  [
    'a traceback that was logged, and a line after it',
    'Traceback (most recent call last):\n  File "/app/d.py", line 3, in f\nKeyError: 1\n12:04:05 INFO done',
    '12:04:05 INFO done',
    null,
  ],
];

/** Errors of syntax have no stack of the program; causes have one of their own; usage and advice are no error. */
const places: typeof outputs = [
  [
    'Node: an error of syntax, whose place stands above it',
    `/app/server.js:3
http.createServer((q, r) => r.end('ok').listen(port;
                                               ^^^^

SyntaxError: missing ) after argument list
    at wrapSafe (node:internal/modules/cjs/loader:1888:18)
    at Module._compile (node:internal/modules/cjs/loader:1930:20)

Node.js v26.10.0`,
    'SyntaxError: missing ) after argument list',
    '/app/server.js:3',
  ],
  [
    'Node: an error of syntax in a package',
    `/app/node_modules/cards/index.js:3
let 1;
    ^

SyntaxError: Invalid or unexpected token
    at wrapSafe (node:internal/modules/cjs/loader:1888:18)`,
    'SyntaxError: Invalid or unexpected token',
    null,
  ],
  [
    'Node: a package that is missing',
    `Error: Cannot find module 'sharp'
Require stack:
- /app/server.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1591:15)
    at Object.<anonymous> (/app/server.js:9:3)
    at Module._compile (node:internal/modules/cjs/loader:1956:14) {
  code: 'MODULE_NOT_FOUND'
}

Node.js v26.10.0
worker 22902 died with 1`,
    "Error: Cannot find module 'sharp'",
    'Object.<anonymous> (/app/server.js:9:3)',
  ],
  [
    'Python: an error of syntax in the program itself has no traceback',
    `  File "/app/app.py", line 9
    if os.environ.get('DEBUG')
                              ^
SyntaxError: expected ':'`,
    "SyntaxError: expected ':'",
    '(/app/app.py:9)',
  ],
  [
    'Python: an error of syntax in a module',
    `Traceback (most recent call last):
  File "/app/app.py", line 2, in <module>
    import shop
  File "/app/shop.py", line 3
    return a
TabError: inconsistent use of tabs and spaces in indentation`,
    'TabError: inconsistent use of tabs and spaces in indentation',
    '(/app/shop.py:3)',
  ],
  [
    'Java: the cause has a position of its own',
    `Exception in thread "main" java.lang.RuntimeException: Error creating bean with name 'dataSource'
	at Main.refresh(Main.java:13)
	at Main.main(Main.java:17)
Caused by: java.lang.IllegalStateException: DATABASE_URL is not set
	at Main$Context.url(Main.java:5)
	at Main.refresh(Main.java:11)
	... 1 more`,
    `Exception in thread "main" java.lang.RuntimeException: Error creating bean with name 'dataSource'`,
    'Main$Context.url(Main.java:5)',
    'java.lang.IllegalStateException: DATABASE_URL is not set',
  ],
  [
    'Java: an option that it does not know',
    `Unrecognized VM option 'UseMarkSweep'
Error: Could not create the Java Virtual Machine.
Error: A fatal exception has occurred. Program will exit.`,
    "Unrecognized VM option 'UseMarkSweep'",
    null,
  ],
  [
    'Ruby: the line of source below an error of syntax',
    "app.rb:7: syntax error, unexpected end-of-input, expecting `end'\nserve\n     ^",
    "app.rb:7: syntax error, unexpected end-of-input, expecting `end'",
    null,
  ],
  [
    'bash: the line of source below an error of syntax',
    "start.sh: line 4: syntax error near unexpected token `fi'\nstart.sh: line 4: `fi'",
    "start.sh: line 4: syntax error near unexpected token `fi'",
    null,
  ],
  [
    'Go: usage behind an option that it does not know',
    'flag provided but not defined: -prot\nUsage of ./app:\n  -addr string\n    \taddress to listen on',
    'flag provided but not defined: -prot',
    null,
  ],
  [
    'env: advice behind an interpreter that does not exist',
    '/usr/bin/env: ‘python3␍’: No such file or directory\n/usr/bin/env: use -[v]S to pass options in shebang lines',
    '/usr/bin/env: ‘python3␍’: No such file or directory',
    null,
  ],
  [
    'a command without a word of its own: usage is all that it says',
    'usage: app [-h] --config FILE\n  -h  help',
    'usage: app [-h] --config FILE',
    null,
  ],
];

/** As supervisors, application servers and package managers print them; dates, stacks and repeated lines are shortened. */
const starts: readonly (readonly [
  what: string,
  output: string,
  error: string,
  position?: string | null,
  cause?: string,
])[] = [
  [
    'gunicorn: Django is not set up',
    `[2026-11-25 19:18:28 +0000] [71] [INFO] Booting worker with pid: 601
[2026-11-25 19:18:28 +0000] [601] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/gunicorn/arbiter.py", line 589, in spawn_worker
    worker.init_process()
  File "/app/shop.py", line 1, in <module>
    from django.contrib.auth.models import User
  File "/usr/lib/python3/dist-packages/django/apps/registry.py", line 136, in check_apps_ready
    raise AppRegistryNotReady("Apps aren't loaded yet.")
django.core.exceptions.AppRegistryNotReady: Apps aren't loaded yet.
[2026-11-25 13:18:28 -0600] [601] [INFO] Worker exiting (pid: 601)
[2026-11-25 19:18:28 +0000] [71] [INFO] Shutting down: Master
[2026-11-25 19:18:28 +0000] [71] [INFO] Reason: Worker failed to boot.`,
    "django.core.exceptions.AppRegistryNotReady: Apps aren't loaded yet.",
    '<module> (/app/shop.py:1)',
  ],
  [
    'gunicorn 23: the arbiter has a traceback of its own',
    `[2026-11-25 19:18:28 +0000] [601] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/app/shop.py", line 2, in <module>
    DB=os.environ['DATABASE_URL']
KeyError: 'DATABASE_URL'
[2026-11-25 19:18:28 +0000] [601] [INFO] Worker exiting (pid: 601)
[2026-11-25 19:18:28 +0000] [71] [ERROR] Worker (pid:601) exited with code 3
Traceback (most recent call last):
  File "/app/venv/lib/python3.12/site-packages/gunicorn/arbiter.py", line 204, in run
    self.manage_workers()
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/venv/bin/gunicorn", line 8, in <module>
    sys.exit(run())
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>`,
    "KeyError: 'DATABASE_URL'",
    '<module> (/app/shop.py:2)',
  ],
  [
    'gunicorn: several workers, of which the arbiter ends the others',
    `[2026-11-26 02:07:37 +0000] [71] [INFO] Using worker: sync
[2026-11-26 02:07:37 +0000] [601] [INFO] Booting worker with pid: 601
[2026-11-26 02:07:37 +0000] [601] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/gunicorn/arbiter.py", line 589, in spawn_worker
    worker.init_process()
  File "/app/shop.py", line 2, in <module>
    raise ConfigError("DATABASE_URL is not set")
shop.ConfigError: DATABASE_URL is not set
[2026-11-26 02:07:37 +0000] [601] [INFO] Worker exiting (pid: 601)
[2026-11-26 02:07:37 +0000] [602] [INFO] Booting worker with pid: 602
[2026-11-26 02:07:38 +0000] [71] [WARNING] Worker with pid 602 was terminated due to signal 15
[2026-11-26 02:07:38 +0000] [71] [WARNING] Worker with pid 601 was terminated due to signal 15
[2026-11-26 02:07:38 +0000] [71] [INFO] Shutting down: Master
[2026-11-26 02:07:38 +0000] [71] [INFO] Reason: Worker failed to boot.`,
    'shop.ConfigError: DATABASE_URL is not set',
    '<module> (/app/shop.py:2)',
  ],
  [
    'uvicorn: the reloader lives, its process ended',
    `INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)
INFO:     Started reloader process [23] using statreload
Process SpawnProcess-1:
Traceback (most recent call last):
  File "/app/shop.py", line 2, in <module>
    raise ConfigError("DATABASE_URL is not set")
shop.ConfigError: DATABASE_URL is not set
INFO:     Waiting for child process [24]
INFO:     Child process [24] died`,
    'shop.ConfigError: DATABASE_URL is not set',
    '<module> (/app/shop.py:2)',
  ],
  [
    'Node: --watch lives, its process ended',
    `file:///app/boom.mjs:1
throw new Error("no database");
      ^

Error: no database
    at file:///app/boom.mjs:1:7
    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)

Node.js v20.20.2
Failed running 'boom.mjs'`,
    'Error: no database',
    'file:///app/boom.mjs:1:7',
  ],
  [
    'Node: a later --watch says what it waits for',
    "Error: no database\n    at file:///app/boom.mjs:1:7\n\nNode.js v26.10.0\nFailed running 'boom.mjs'. Waiting for file changes before restarting...",
    'Error: no database',
    'file:///app/boom.mjs:1:7',
  ],
  [
    'Node: --watch has started the program anew',
    "Error: no database\n    at file:///app/boom.mjs:1:7\n\nNode.js v26.10.0\nFailed running 'boom.mjs'\nRestarting 'boom.mjs'",
    "Restarting 'boom.mjs'",
  ],
  [
    'Tomcat: its server.xml cannot be parsed',
    `26-Nov-2026 02:07:46.349 WARNING [main] org.apache.catalina.startup.Catalina.parseServerXml Unable to load server configuration from [/app/conf/server.xml]
	org.xml.sax.SAXParseException; systemId: file:/app/conf/server.xml; lineNumber: 57; columnNumber: 5; Element type "Service" must be followed by either attribute specifications, ">" or "/>".
		at java.xml/com.sun.org.apache.xerces.internal.parsers.AbstractSAXParser.parse(AbstractSAXParser.java:1251)
		at org.apache.catalina.startup.Bootstrap.main(Bootstrap.java:484)
26-Nov-2026 02:07:46.350 SEVERE [main] org.apache.catalina.startup.Bootstrap.main Cannot start server. Server instance is not configured.`,
    'org.xml.sax.SAXParseException; systemId: file:/app/conf/server.xml; lineNumber: 57; columnNumber: 5; Element type "Service" must be followed by either attribute specifications, ">" or "/>".',
  ],
  [
    'gunicorn: a name that the module has not',
    `Failed to find attribute 'app' in 'shop'.
[2026-11-25 19:18:29 +0000] [676] [INFO] Worker exiting (pid: 676)
[2026-11-25 19:18:29 +0000] [73] [INFO] Shutting down: Master
[2026-11-25 19:18:29 +0000] [73] [INFO] Reason: App failed to load.`,
    "Failed to find attribute 'app' in 'shop'.",
  ],
  [
    'gunicorn: the port is taken',
    `[2026-11-25 19:18:37 +0000] [21886] [ERROR] Connection in use: ('127.0.0.1', 8000)
[2026-11-25 19:18:37 +0000] [21886] [ERROR] Retrying in 1 second.
[2026-11-25 19:18:38 +0000] [21886] [ERROR] Can't connect to ('127.0.0.1', 8000)`,
    "[2026-11-25 19:18:37 +0000] [21886] [ERROR] Connection in use: ('127.0.0.1', 8000)",
  ],
  [
    'uvicorn: the startup of the application fails',
    `INFO:     Started server process [52]
INFO:     Waiting for application startup.
ERROR:    Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/starlette/routing.py", line 677, in lifespan
    async with self.lifespan_context(app):
  File "/app/main.py", line 9, in connect
    raise RuntimeError('no database')
RuntimeError: no database

ERROR:    Application startup failed. Exiting.`,
    'RuntimeError: no database',
    'connect (/app/main.py:9)',
  ],
  [
    'uvicorn: the port is taken',
    `INFO:     Application startup complete.
ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use
INFO:     Waiting for application shutdown.
INFO:     Application shutdown complete.`,
    "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
  ],
  [
    'uvicorn: several processes, each with a traceback',
    `Process SpawnProcess-1:
Traceback (most recent call last):
  File "/app/main.py", line 2, in <module>
    DB=os.environ['DATABASE_URL']
KeyError: 'DATABASE_URL'
INFO:     Stopping parent process [22384]`,
    "KeyError: 'DATABASE_URL'",
    '<module> (/app/main.py:2)',
  ],
  [
    'puma: the application cannot be loaded',
    `* Preloading application
! Unable to load application: RuntimeError: no database
config.ru:1:in \`block in <main>': no database (RuntimeError)
	from /usr/share/gems/puma-5.6.5/lib/puma/rack/builder.rb:186:in \`initialize'
	from /usr/bin/puma:25:in \`<main>'`,
    "config.ru:1:in `block in <main>': no database (RuntimeError)",
  ],
  [
    'puma: workers of a cluster end, and puma is stopped',
    `[43] * Listening on http://127.0.0.1:3000
[43] Use Ctrl-C to stop
[52] ! Unable to start worker
[52] config.ru:1:in \`block in <main>'
[52] Early termination of worker
[43] === puma shutdown: 2026-11-25 19:19:49 +0000 ===
[43] - Goodbye!
[43] - Gracefully shutting down workers...
[53] Early termination of worker`,
    "config.ru:1:in `block in <main>'",
  ],
  [
    'Passenger: what the application printed stands behind a prefix',
    `App 412 output: Error: The application encountered the following error: no database (RuntimeError)
App 412 output:     config.ru:1:in \`block in <main>'
[ E 2026-11-25 19:19:49.1 398/Tc age/Cor/App/Implementation.cpp:221 ]: Could not spawn process for application /app: The application encountered the following error: no database (RuntimeError)
  Error ID: 0e1f2a`,
    'Error: The application encountered the following error: no database (RuntimeError)',
  ],
  [
    'php-fpm: the port is taken',
    `[25-Nov-2026 19:19:52] ERROR: unable to bind listening socket for address '127.0.0.1:9000': Address already in use (98)
[25-Nov-2026 19:19:52] ERROR: FPM initialization failed`,
    "[25-Nov-2026 19:19:52] ERROR: unable to bind listening socket for address '127.0.0.1:9000': Address already in use (98)",
  ],
  [
    'php-fpm: an unknown key',
    `[25-Nov-2026 19:19:52] ERROR: [fpm.conf:5] unknown entry 'foo'
[25-Nov-2026 19:19:52] ERROR: failed to load configuration file 'fpm.conf'
[25-Nov-2026 19:19:52] ERROR: FPM initialization failed`,
    "[25-Nov-2026 19:19:52] ERROR: [fpm.conf:5] unknown entry 'foo'",
  ],
  [
    'Tomcat: the port is taken',
    `25-Nov-2026 10:00:00.123 SEVERE [main] org.apache.catalina.util.LifecycleBase.handleSubClassException Failed to initialize component [Connector["http-nio-8080"]]
	org.apache.catalina.LifecycleException: Protocol handler initialization failed
		at org.apache.catalina.connector.Connector.initInternal(Connector.java:1057)
	Caused by: java.net.BindException: Address already in use
		at java.base/sun.nio.ch.Net.bind0(Native Method)
		... 13 more
25-Nov-2026 10:00:00.130 INFO [main] org.apache.catalina.startup.Catalina.load Server initialization in [423] milliseconds
25-Nov-2026 10:00:00.180 INFO [main] org.apache.coyote.AbstractProtocol.stop Stopping ProtocolHandler ["http-nio-8080"]`,
    '25-Nov-2026 10:00:00.123 SEVERE [main] org.apache.catalina.util.LifecycleBase.handleSubClassException Failed to initialize component [Connector["http-nio-8080"]]',
    null,
    'java.net.BindException: Address already in use',
  ],
  [
    'Spring Boot: its report',
    `2026-11-25T10:00:00.123Z ERROR 1 --- [main] o.s.b.d.LoggingFailureAnalysisReporter   :

***************************
APPLICATION FAILED TO START
***************************

Description:

Web server failed to start. Port 8080 was already in use.

Action:

Identify and stop the process that's listening on port 8080 or configure this application to listen on another port.
`,
    'Web server failed to start. Port 8080 was already in use.',
  ],
  [
    'Spring Boot: a bean that cannot be made',
    `2026-11-25T10:00:00.123Z ERROR 1 --- [main] o.s.boot.SpringApplication : Application run failed

org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'pool'
	at org.springframework.beans.factory.support.AbstractBeanFactory.getBean(AbstractBeanFactory.java:200)
	at com.shop.Main.main(Main.java:9)
Caused by: java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.pollConnect(Native Method)
	... 22 common frames omitted`,
    "org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'pool'",
    'com.shop.Main.main(Main.java:9)',
    'java.net.ConnectException: Connection refused',
  ],
  [
    '.NET: the port is taken',
    `crit: Microsoft.AspNetCore.Server.Kestrel[0]
      Unable to start Kestrel.
Unhandled exception. System.IO.IOException: Failed to bind to address http://127.0.0.1:5000: address already in use.
 ---> Microsoft.AspNetCore.Connections.AddressInUseException: Address already in use
 ---> System.Net.Sockets.SocketException (98): Address already in use
   at System.Net.Sockets.Socket.DoBind(EndPoint endPointSnapshot)
   at Shop.Program.Main(String[] args) in /app/Program.cs:line 7
Aborted (core dumped)`,
    'Unhandled exception. System.IO.IOException: Failed to bind to address http://127.0.0.1:5000: address already in use.',
    'Shop.Program.Main(String[] args) in /app/Program.cs:line 7',
    'System.Net.Sockets.SocketException (98): Address already in use',
  ],
  [
    'Go: log.Fatal under go run',
    '2026/11/25 19:19:51 listen tcp 127.0.0.1:8080: bind: address already in use\nexit status 1',
    '2026/11/25 19:19:51 listen tcp 127.0.0.1:8080: bind: address already in use',
  ],
  [
    'Rust: a panic with the id of its thread and a backtrace',
    `thread 'main' (31400) panicked at src/main.rs:1:59:
called \`Result::unwrap()\` on an \`Err\` value: "no database"
stack backtrace:
   0: __rustc::rust_begin_unwind
             at /rustc/59807616/library/std/src/panicking.rs:689:5
   3: shop::main
note: Some details are omitted, run with \`RUST_BACKTRACE=full\` for a verbose backtrace.`,
    'called `Result::unwrap()` on an `Err` value: "no database"',
    'src/main.rs:1:59',
  ],
  [
    'npm: a script that the package has not',
    `npm error Missing script: "serve"
npm error
npm error To see a list of scripts, run:
npm error   npm run
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-25-debug-0.log`,
    'npm error Missing script: "serve"',
  ],
  [
    'npm: a word that begins as one of its notes',
    `npm error pathspec 'main' did not match any file(s) known to git
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-25-debug-0.log`,
    "npm error pathspec 'main' did not match any file(s) known to git",
  ],
  [
    'npm: the script of a workspace fails',
    `TypeError: no database
    at Object.<anonymous> (/app/s.js:1:7)
    at Module._compile (node:internal/modules/cjs/loader:1521:14)

Node.js v26.10.0
npm error Lifecycle script \`start\` failed with error:
npm error code 1
npm error path /app
npm error workspace shop@1.0.0
npm error location /app
npm error command failed
npm error command sh -c node s.js`,
    'TypeError: no database',
    'Object.<anonymous> (/app/s.js:1:7)',
  ],
  [
    'yarn, nodemon and make report behind the error',
    `TypeError: no database
    at Object.<anonymous> (/app/s.js:1:7)

Node.js v26.10.0
[nodemon] app crashed - waiting for file changes before starting...
error Command failed with exit code 1.
info Visit https://yarnpkg.com/en/docs/cli/run for documentation about this command.
make: *** [Makefile:2: run] Error 1`,
    'TypeError: no database',
    'Object.<anonymous> (/app/s.js:1:7)',
  ],
  [
    'PM2 restarts the program',
    `TypeError: no database
    at Object.<anonymous> (/app/s.js:1:7)
2026-11-25T19:20:14: PM2 log: App [s:0] exited with code [1] via signal [SIGINT]
2026-11-25T19:20:14: PM2 log: Script /app/s.js had too many unstable restarts (16). Stopped. "errored"
2026-11-25T19:20:19: PM2 error: app=s id=0 does not have a pid`,
    'TypeError: no database',
    'Object.<anonymous> (/app/s.js:1:7)',
  ],
  [
    'foreman: lines stand behind a time and a name',
    `12:04:01 web.1  | Traceback (most recent call last):
12:04:01 web.1  |   File "/app/main.py", line 2, in <module>
12:04:01 web.1  | KeyError: 'DATABASE_URL'
12:04:02 web.1  | exited with code 1
12:04:02 system | sending SIGTERM to all processes`,
    "KeyError: 'DATABASE_URL'",
    '<module> (/app/main.py:2)',
  ],
  [
    'uWSGI: the application cannot be loaded',
    `Traceback (most recent call last):
  File "/app/wsgi.py", line 3, in <module>
ModuleNotFoundError: No module named 'shop'
unable to load app 0 (mountpoint='') (callable not found or import error)
*** no app loaded. going in full dynamic mode ***
*** uWSGI is running in multiple interpreter mode ***
spawned uWSGI worker 1 (and the only) (pid: 12, cores: 1)`,
    "ModuleNotFoundError: No module named 'shop'",
    '<module> (/app/wsgi.py:3)',
  ],
];

for (const [what, output, error, position = null, cause = null] of [...outputs, ...places, ...starts])
  test(`why a program ended: ${what}`, () => {
    const lines = output.split('\n');
    const { at = -1, isError: _, ...said } = lastWords(lines) ?? {};
    assert.deepEqual(said, { error, cause, position });
    assert.ok(lines[at]?.trimEnd().endsWith(error));
  });

/** What a program printed that ended with a code that says a failure, and what it said while it was running. */
const goodbyes: readonly (readonly [
  what: string,
  output: string,
  error: string,
  running: string,
  position?: string,
])[] = [
  [
    'a goodbye behind a fatal line',
    'FATAL: cannot read the signing key keys/signing.pem\nclosing the cache\nclosing the queue\nflushing metrics\nbye',
    'FATAL: cannot read the signing key keys/signing.pem',
    'bye',
  ],
  [
    'a line of a lower level behind one of a higher, in JSON',
    '{"level":30,"msg":"starting"}\n{"level":60,"msg":"no bucket"}\n{"level":30,"msg":"exit"}',
    '{"level":60,"msg":"no bucket"}',
    '{"level":30,"msg":"exit"}',
  ],
  [
    'names of files behind a sentence',
    "app.rb:4:in `<main>':  (ActiveRecord::PendingMigrationError)\n\nYou have 1 pending migration:\n\n20261101120000_add_currency.rb",
    'You have 1 pending migration:',
    '20261101120000_add_currency.rb',
  ],
  [
    'an error with a stack and a goodbye',
    'Error: no cache\n    at get (/app/cache.js:3:1)\nclosing\ngoodbye',
    'Error: no cache',
    'goodbye',
    'get (/app/cache.js:3:1)',
  ],
  [
    'an error after which the program went on',
    'Error: no cache\n    at get (/app/cache.js:3:1)\nlistening on 3000\ngoodbye',
    'goodbye',
    'goodbye',
  ],
  [
    'two lines that say an error: the last one',
    '[error] no cache\nDATABASE_URL is empty\nbye',
    'DATABASE_URL is empty',
    'bye',
  ],
  ['an error that is far away', `ERROR no cache\n${'a line\n'.repeat(12)}goodbye`, 'goodbye', 'goodbye'],
];

for (const [what, output, error, running, position = null] of goodbyes)
  test(`what a program said last that failed: ${what}`, () => {
    const lines = output.split('\n');
    const words = lastWords(lines, true);
    assert.deepEqual([words?.error, words?.position], [error, position]);
    assert.equal(lastWords(lines)?.error, running);
  });

const codes: readonly (readonly [code: number | null, error: string])[] = [
  [1, 'FATAL: no key'],
  [255, 'FATAL: no key'],
  [0, 'bye'],
  [128 + 9, 'bye'],
  [null, 'bye'],
];

for (const [code, error] of codes)
  test(`what a program said that ended with ${code}: ${error}`, () =>
    assert.equal(wordsAfterExit(['FATAL: no key', 'bye'], { code })?.error, error));

/** Behind an error that ended something, nothing listens before it is fixed. */
const ends: readonly (readonly [output: string, isError: boolean])[] = [
  ['Error: no database\n    at a (/app/a.js:1:1)\n\nNode.js v26.10.0', true],
  ["Error: no database\n    at a (/app/a.js:1:1)\nFailed running 'a.js'", true],
  ['TypeError: cannot read card\nof order 7\n    at a (/app/a.js:1:1)', true],
  ['Traceback (most recent call last):\n  File "/app/a.py", line 1, in f\nshop.ConfigError: no database', true],
  ["[52] ! Unable to start worker\n[52] config.ru:1:in `block in <main>'\n[52] Early termination of worker", true],
  ['panic: no database\n\ngoroutine 1 [running]:', true],
  [
    '26-Nov-2026 02:07:46.349 WARNING [main] Unable\n\torg.xml.sax.SAXParseException; Element\n\t\tat a.b(C.java:1)',
    true,
  ],
  ['ERROR no cache\n    at get (/app/cache.js:3:1)', false],
  ['Error: no cache\n    at get (/app/cache.js:3:1)\nwithout a cache', false],
  ['Error: no database', false],
  ['waiting for the database', false],
];

for (const [output, isError] of ends)
  test(`${isError ? 'an error that ended something' : 'a line of a log'}: ${output.split('\n')[0]}`, () =>
    assert.equal(lastWords(output.split('\n'))?.isError, isError));

test('no text says nothing', () => assert.deepEqual([lastWords([]), lastWords(['', '  '])], [null, null]));

test('of reports of a supervisor alone, the end of a worker says more than the start of the next one', () => {
  const killed = '[2026-11-26 12:03:08 +0000] [1] [WARNING] Worker with pid 42 was terminated due to signal 9';
  const started = '[2026-11-26 12:03:08 +0000] [43] [INFO] Booting worker with pid: 43';
  assert.equal(lastWords([started, killed, started])?.error, killed);
});
