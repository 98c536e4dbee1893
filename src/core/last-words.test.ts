import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastWords } from './last-words.ts';

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
    'Object.<anonymous> (/app/c.js:1:74)',
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

for (const [what, output, error, position, cause = null] of outputs)
  test(`why a program ended: ${what}`, () => {
    const lines = output.split('\n');
    const { at = -1, ...said } = lastWords(lines) ?? {};
    assert.deepEqual(said, { error, cause, position });
    assert.equal(lines[at]?.trimEnd(), error);
  });

test('no text says nothing', () => assert.deepEqual([lastWords([]), lastWords(['', '  '])], [null, null]));
