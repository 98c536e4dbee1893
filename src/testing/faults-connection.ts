import type { Fault } from './fault.ts';
import { answer, apart, fin, pause, reset, send, stopReading, textType } from './origin-script.ts';

/** Faults of a connection before, or without, a response. */
export const connectionFaults: readonly Fault[] = [
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
