import type { Fault } from './fault.ts';
import {
  answer,
  apart,
  fin,
  htmlType,
  keep,
  page,
  pause,
  type Script,
  send,
  type Step,
  textType,
} from './origin-script.ts';

/** Responses that look odd but are valid. A gateway must pass them on and report no failure. */
export const lawfulOddities: readonly Fault[] = [
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
