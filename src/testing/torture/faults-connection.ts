import type { Fault } from '../fault.ts';
import { answer, apart, fin, pause, reset, send, type Step, stopReading, textType } from '../origin-script.ts';

/** More faults of a connection before, or without, a final response. */
export const furtherConnectionFaults: readonly Fault[] = [
  {
    name: 'reset-when-idle',
    does: 'answers, promises keep-alive, and resets (RST) 50 ms later',
    faulty: true,
    begins: 'body',
    script: () => [
      send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nKeep-Alive: timeout=60\r\nContent-Length: 3\r\n\r\nok\n'),
      apart,
      reset,
    ],
  },
  {
    name: 'close-while-uploading',
    does: 'closes (FIN) in the middle of the request content, without an answer',
    faulty: true,
    begins: 'head',
    script: () => [stopReading, apart, fin],
  },
  {
    name: 'reset-while-uploading',
    does: 'resets (RST) in the middle of the request content, without an answer',
    faulty: true,
    begins: 'head',
    script: () => [stopReading, apart, reset],
  },
  {
    name: 'early-hints-then-reset',
    does: 'sends 103 (Early Hints), then resets (RST) without a final response',
    faulty: true,
    begins: 'body',
    script: () => [earlyHints, apart, reset],
  },
  {
    name: 'early-hints-then-silent',
    does: 'sends 103 (Early Hints) and nothing more; the connection stays open',
    faulty: true,
    begins: 'body',
    script: () => [earlyHints],
  },
  {
    name: 'endless-hints',
    does: 'sends 103 (Early Hints) every 100 ms and never a final response',
    faulty: true,
    begins: 'body',
    script: endlessHints,
  },
  {
    name: 'continue-then-close',
    does: 'sends 100 (Continue) that nobody asked for, then closes (FIN)',
    faulty: true,
    begins: 'body',
    script: () => [send('HTTP/1.1 100 Continue\r\n\r\n'), apart, fin],
  },
  {
    name: 'one-byte-then-close',
    does: 'sends the letter H and closes (FIN)',
    faulty: true,
    begins: 'body',
    script: () => [send('H'), apart, fin],
  },
  {
    name: 'one-byte-then-silent',
    does: 'sends the letter H and nothing more; the connection stays open',
    faulty: true,
    begins: 'body',
    script: () => [send('H')],
  },
  {
    name: 'early-200',
    does: 'answers 200 as soon as it has the head, and reads the content all the same',
    faulty: false,
    begins: 'head',
    script: () => answer('200 OK', 'early\n', [textType]),
  },
  {
    name: 'slow-head',
    does: 'answers well, after 150 ms',
    faulty: false,
    begins: 'body',
    script: () => [pause(150), ...answer('200 OK', 'slow\n', [textType])],
  },
];

const earlyHints = send('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n');

function* endlessHints(): Generator<Step> {
  for (;;) {
    yield earlyHints;
    yield pause(100);
  }
}
