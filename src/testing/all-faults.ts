import type { Fault } from './fault.ts';
import {
  apart,
  fin,
  page,
  type Script,
  send,
  keep,
  reset,
  pause,
  type Step,
  answer,
  htmlType,
  textType,
  stopReading,
} from './origin-script.ts';

/** Faults of a connection before, or without, a response. */
const connectionFaults: readonly Fault[] = [
  {
    name: 'close-before-head',
    does: 'reads the request, then closes (FIN) without a byte',
    faulty: true,
    begins: 'body',
    script: () => [fin],
  },
  {
    name: 'reset-before-head',
    does: 'reads the request, then resets the connection (RST) without a byte',
    faulty: true,
    begins: 'body',
    script: () => [reset],
  },
  {
    name: 'silent',
    does: 'reads the request and never answers; the connection stays open',
    faulty: true,
    begins: 'body',
    script: () => [],
  },
  {
    name: 'stop-reading',
    does: 'reads the request head, then reads nothing more and never answers',
    faulty: true,
    begins: 'head',
    script: () => [stopReading],
  },
  {
    name: 'close-on-reuse',
    does: 'answers the first request of a connection, and closes (FIN) just as the next one arrives on it',
    faulty: true,
    begins: 'body',
    script: (request) => (request.numberOnConnection === 1 ? answer('200 OK', 'first\n', [textType]) : [fin]),
  },
  {
    name: 'reset-on-reuse',
    does: 'answers the first request of a connection, and resets it (RST) just as the next one arrives on it',
    faulty: true,
    begins: 'body',
    script: (request) => (request.numberOnConnection === 1 ? answer('200 OK', 'first\n', [textType]) : [reset]),
  },
  {
    name: 'close-when-idle',
    does: 'answers, promises keep-alive, and closes (FIN) 50 ms later',
    faulty: true,
    begins: 'body',
    script: () => [
      send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nKeep-Alive: timeout=60\r\nContent-Length: 3\r\n\r\nok\n'),
      apart,
      fin,
    ],
  },
  {
    name: 'early-hints-then-close',
    does: 'sends 103 (Early Hints), then closes (FIN) without a final response',
    faulty: true,
    begins: 'body',
    script: () => [send('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'), apart, fin],
  },
  {
    name: 'early-413-then-reset',
    does: 'answers 413 as soon as it has the head, reads nothing more, and resets (RST) 200 ms later',
    faulty: true,
    begins: 'head',
    script: () => [stopReading, early413, pause(200), reset],
  },
];

const early413 = send(
  'HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 10\r\n\r\ntoo large\n',
);

/** Responses that look odd but are valid. A gateway must pass them on and report no failure. */
const lawfulOddities: readonly Fault[] = [
  lawful('http-1.0-close', 'answers as HTTP/1.0 without a length; the content ends with the connection', () => [
    send('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n'),
    apart,
    send('hello\n'),
    apart,
    fin,
  ]),
  lawful('http-1.9', 'answers as HTTP/1.9, a minor version that nobody has heard of', () => [
    send('HTTP/1.9 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n'),
    keep,
  ]),
  lawful('early-hints', 'sends 103 (Early Hints), then the response', earlyHints),
  lawful('slow-drip', 'sends its content one byte every 20 ms, for a second', slowDrip),
  lawful('own-502', 'answers 502 itself', () => answer('502 Bad Gateway', page('My own backend is gone'), [htmlType])),
  lawful('own-503', 'answers 503 itself, with Retry-After', () =>
    answer('503 Service Unavailable', page('Back in two minutes'), [htmlType, 'Retry-After: 120']),
  ),
  lawful('own-504', 'answers 504 itself', () =>
    answer('504 Gateway Timeout', page('My own backend is slow'), [htmlType]),
  ),
  {
    name: 'early-413',
    does: 'answers 413 as soon as it has the head, closes (FIN), and reads on politely',
    faulty: false,
    begins: 'head',
    script: () => [
      send(
        'HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 10\r\n\r\ntoo large\n',
      ),
      apart,
      fin,
    ],
  },
];

function lawful(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: false, begins: 'body', script };
}

function* earlyHints(): Generator<Step> {
  yield send('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n');
  yield apart;
  yield* answer('200 OK', 'hinted\n', [textType]);
}

function* slowDrip(): Generator<Step> {
  yield send(`HTTP/1.1 200 OK\r\n${textType}\r\nContent-Length: 50\r\n\r\n`);
  for (let n = 0; n < 50; n++) {
    yield pause(20);
    yield send('.');
  }
  yield keep;
}

/** Response heads that begin like HTTP and break its rules, or are incomplete. */
const headFaults: readonly Fault[] = [
  head('close-mid-head', 'sends half a head, then closes (FIN)', () => [halfHead, apart, fin]),
  head('reset-mid-head', 'sends half a head, then resets (RST)', () => [halfHead, apart, reset]),
  head('stall-mid-head', 'sends half a head and nothing more; the connection stays open', () => [halfHead]),
  head('drip-head', 'sends a field line every 100 ms and never ends the head', dripHead),
  whole('bad-status-code', 'sends "HTTP/1.1 abc OK" for a status line', 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n'),
  whole('status-99', 'answers with the status code 99', 'HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n'),
  whole('status-999', 'answers with the status code 999', 'HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n'),
  whole('http-3.7', 'answers as HTTP/3.7 in HTTP/1 form', 'HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n'),
  whole('space-in-field-name', 'sends a field called "Bad Field"', withHeaders('Bad Field: x')),
  whole('line-without-colon', 'sends a field line without a colon', withHeaders('no colon here')),
  whole('nul-in-field-value', 'sends a field value with a NUL byte', withHeaders('X-Nul: a\0b')),
  whole('huge-field-section', 'sends 2 MiB of fields', () => withHeaders(hugeHeaders())),
  whole('huge-field', 'sends a single field of 2 MiB', () => withHeaders(`X-Huge: ${'x'.repeat(2_097_152)}`)),
  whole(
    'length-and-chunked',
    'sends Content-Length and Transfer-Encoding: chunked together',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n',
  ),
  whole(
    'two-lengths',
    'sends two Content-Length fields that differ',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nok\n..',
  ),
  whole('negative-length', 'sends "Content-Length: -1"', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok\n'),
  whole(
    'unknown-transfer-coding',
    'sends "Transfer-Encoding: shuffled", which is no coding',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: shuffled, chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n',
  ),
  whole(
    'unsolicited-101',
    'answers 101 (Switching Protocols) to a request that asked for no upgrade',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi',
  ),
];

const halfHead = send('HTTP/1.1 200 OK\r\nContent-Type: text/pl');

function head(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: true, begins: 'body', script };
}

/** A whole response in one write. The connection stays open: a gateway that accepts the response would reuse it. */
function whole(name: string, does: string, bytes: string | (() => string)): Fault {
  return head(name, does, () => [send(typeof bytes === 'string' ? bytes : bytes()), keep]);
}

function withHeaders(lines: string): string {
  return `HTTP/1.1 200 OK\r\n${lines}\r\nContent-Length: 3\r\n\r\nok\n`;
}

function hugeHeaders(): string {
  return Array.from({ length: 2048 }, (_, i) => `X-Field-${i}: ${'x'.repeat(1000)}`).join('\r\n');
}

function* dripHead(): Generator<Step> {
  yield send('HTTP/1.1 200 OK\r\n');
  for (let n = 0; ; n++) {
    yield pause(100);
    yield send(`X-Drip-${n}: x\r\n`);
  }
}

/** A valid head, and then a body that breaks. The head is sent 50 ms earlier, so that a gateway has passed it on. */
const bodyFaults: readonly Fault[] = [
  body('short-length-close', 'promises 100 bytes, sends 5, and closes (FIN)', () => [...short, fin]),
  body('short-length-reset', 'promises 100 bytes, sends 5, and resets (RST)', () => [...short, reset]),
  body('stall-mid-content', 'promises 100 bytes, sends 5, and nothing more; the connection stays open', () => short),
  body('chunked-cut', 'closes (FIN) in the middle of a chunk', () => [...halfChunk, fin]),
  body('chunked-reset', 'resets (RST) in the middle of a chunk', () => [...halfChunk, reset]),
  body('chunked-without-end', 'closes (FIN) after a whole chunk, without the last one', () => [...oneChunk, fin]),
  body('chunked-stall', 'sends a chunk and nothing more; the connection stays open', () => oneChunk),
  body('bad-chunk-size', 'sends a chunk size that is no number', () => [...oneChunk, send('xyz\r\nhello\r\n'), keep]),
  body('bad-chunk-end', 'sends a chunk that is longer than its size', () => [
    ...oneChunk,
    send('2\r\nhello\r\n'),
    keep,
  ]),
  body('close-delimited-reset', 'sends content that ends with the connection, and resets it (RST)', () => [
    send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n'),
    apart,
    send('hello'),
    apart,
    reset,
  ]),
  body('surplus-content', 'sends a second response that nobody asked for right behind the first', () => [
    send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n' + surplus),
    keep,
  ]),
];

const lengthHead = send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n');
const chunkedHead = send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n');
const short = [lengthHead, apart, send('hello'), apart];
const halfChunk = [chunkedHead, apart, send('20\r\nhello'), apart];
const oneChunk = [chunkedHead, apart, send('5\r\nhello\r\n'), apart];
const surplus = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nsurplus\n';

function body(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: true, begins: 'body', script };
}

/** Bytes that are not HTTP/1. Most faults leave the connection open afterwards: a gateway can tell without waiting for more. */
const garbageFaults: readonly Fault[] = [
  garbage('ssh-banner', 'answers as an SSH server', () => [send('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n')]),
  garbage('binary', 'answers with 256 bytes of noise', () => [send(noise())]),
  garbage('html-without-head', 'sends an HTML page without a head, as HTTP/0.9 did, then closes (FIN)', () => [
    send(page('A page without a head')),
    apart,
    fin,
  ]),
  garbage('tls-alert', 'answers plain HTTP with a TLS alert, then closes (FIN)', () => [
    send(Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46)),
    apart,
    fin,
  ]),
  garbage('http2-settings', 'answers HTTP/1.1 with an HTTP/2 SETTINGS frame', () => [
    send(Uint8Array.of(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100)),
  ]),
  garbage('json-without-head', 'sends a JSON object without a head, then closes (FIN)', () => [
    send('{"error":"something went wrong"}\n'),
    apart,
    fin,
  ]),
  garbage('stack-trace', 'sends the trace of a crash where the head should be, then closes (FIN)', () => [
    send('Traceback (most recent call last):\n  File "app.py", line 12, in <module>\nKeyError: \'user\'\n'),
    apart,
    fin,
  ]),
];

function garbage(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: true, begins: 'body', script };
}

/** The same bytes each time. The first byte cannot begin a status line. */
function noise(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, i) => (i * 167 + 0x9c) & 0xff);
}

/** Every misbehaviour, in the order of the journey. */
export const faults: readonly Fault[] = [
  ...connectionFaults,
  ...headFaults,
  ...garbageFaults,
  ...bodyFaults,
  ...lawfulOddities,
];

const byName = new Map(faults.map((fault) => [fault.name, fault]));

export function findFault(name: string): Fault | null {
  return byName.get(name) ?? null;
}
