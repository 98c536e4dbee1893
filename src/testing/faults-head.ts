import type { Fault } from './fault.ts';
import { apart, fin, keep, pause, reset, type Script, send, type Step } from './origin-script.ts';

/** Response heads that begin like HTTP and break its rules, or are incomplete. */
export const headFaults: readonly Fault[] = [
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
