import type { Fault } from '../fault.ts';
import { apart, fin, keep, type Script, send } from '../origin-script.ts';

/** More bytes that are not an HTTP/1 response. */
export const furtherGarbageFaults: readonly Fault[] = [
  garbage('http2-preface', 'answers with the preface of an HTTP/2 client', () => [
    send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  ]),
  garbage('http-request', 'answers with a request', () => [send('GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n')]),
  garbage('tls-server-hello', 'answers plain HTTP with the start of a TLS handshake', () => [
    send(Uint8Array.of(0x16, 0x03, 0x03, 0x00, 0x3a, 0x02, 0x00, 0x00, 0x36, 0x03, 0x03)),
  ]),
  garbage('redis-error', 'answers as a Redis server, then closes (FIN)', () => [
    send("-ERR unknown command 'GET'\r\n"),
    apart,
    fin,
  ]),
  garbage('mysql-greeting', 'answers as a MySQL server', () => [
    send('\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xff'),
  ]),
  garbage('warning-before-head', 'prints a warning, and then a good response behind it', () => [
    send('Warning: Undefined variable $user in /app/index.php on line 3\r\n' + good),
    keep,
  ]),
  garbage('mark-before-head', 'sends the byte order mark of UTF-8 before a good response', () => [
    send('\xef\xbb\xbf' + good),
    keep,
  ]),
  garbage('only-empty-lines', 'sends three empty lines, then closes (FIN)', () => [send('\r\n\r\n\r\n'), apart, fin]),
  garbage('noise-64k', 'sends 64 KiB of noise, then closes (FIN)', () => [send(noise()), apart, fin]),
];

const good = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n';

function garbage(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: true, begins: 'body', script };
}

/** The same bytes each time. The first byte cannot begin a status line. */
function noise(): Uint8Array {
  let state = 0x2f6e2b1;
  return Uint8Array.from({ length: 65_536 }, (_, index) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return index === 0 ? 0x9c : state >>> 24;
  });
}
