import type { Fault } from './fault.ts';
import { apart, fin, page, type Script, send } from './origin-script.ts';

/** Bytes that are not HTTP/1. Most faults leave the connection open afterwards: a gateway can tell without waiting for more. */
export const garbageFaults: readonly Fault[] = [
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
