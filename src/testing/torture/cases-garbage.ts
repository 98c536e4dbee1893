import { acceptable, better, garbled, misleading } from './expectations.ts';
import { get, getAndPost, type Row } from './rows.ts';

const names = [
  'ssh-banner',
  'binary',
  'html-without-head',
  'tls-alert',
  'tls-server-hello',
  'http2-settings',
  'http2-preface',
  'http-request',
  'json-without-head',
  'stack-trace',
  'redis-error',
  'mysql-greeting',
  'only-empty-lines',
  'noise-64k',
];

const skipped = misleading('What came before the head was dropped: the mistake in the origin stays hidden.');
const marked = acceptable('The byte order mark was skipped; it is no part of HTTP/1.');

/** Bytes that are not HTTP/1. Several faults leave the connection open: a gateway can tell without more bytes. */
export const garbageRows: readonly Row[] = [
  ...names.map((name): Row => [name, garbled('connection_terminated', 'http_response_incomplete'), postToo(name)]),
  ['warning-before-head', better(garbled(), skipped, 200, 'ok\n'), get],
  ['mark-before-head', better(garbled(), marked, 200, 'ok\n'), get],
];

function postToo(name: string): Row[2] {
  return name === 'ssh-banner' || name === 'stack-trace' ? getAndPost : get;
}
