import { clientLeftStatus, inAscii } from '../core/line-format.ts';
import type { LostRecord, ProcessRecord } from '../core/record.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * The record in the combined log format of Apache, in ASCII and without LF, for programs that read nothing else (GoAccess,
 * fail2ban). It has the client, the request line, status, bytes, Referer and User-Agent, and nothing about causes, attempts or times.
 * Null for a line without a client: a lost worker, a process. Texts are escaped as nginx does.
 *
 *     192.0.2.17 - - [21/Nov/2026:08:42:18 +0000] "GET /a?b=*** HTTP/1.1" 200 6413 "-" "curl/8.5"
 */
export function combinedLine(record: ExchangeRecord | LostRecord | ProcessRecord): string | null {
  if (record.kind === 'lost' || record.kind === 'process') return null;
  const { client, at, method, path, query, status, bytes_out, headers = {} } = record;
  const target = inAscii(query === null ? path : `${path}?${query}`);
  const request = `${escaped(method)} ${escaped(target)} ${escaped(client.protocol)}`;
  const referer = escaped(headers['referer'] ?? '-');
  const agent = escaped(headers['user-agent'] ?? '-');
  const time = timeOf(at);
  return `${addressOf(client.address)} - - [${time}] "${request}" ${status ?? clientLeftStatus} ${bytes_out} "${referer}" "${agent}"`;
}

/** Whether a line is one of this format. */
export function isCombinedLine(line: string): boolean {
  return /^\S+ \S+ \S+ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "/.test(line);
}

/** Trusted peers may send any text in place of an address. A space would shift the columns behind it. */
function addressOf(address: string): string {
  return address === '' ? '-' : escaped(address).replaceAll(' ', '\\x20');
}

/** '21/Nov/2026:08:42:18 +0000', always UTC. */
function timeOf(at: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return '01/Jan/1970:00:00:00 +0000';
  const [year = '', , day = ''] = time.toISOString().slice(0, 10).split('-');
  return `${day}/${months[time.getUTCMonth()]}/${year}:${time.toISOString().slice(11, 19)} +0000`;
}

/** Quotes, backslashes and all that is not printable ASCII become the bytes of their UTF-8, as \xHH. */
export function escaped(text: string): string {
  return text.replace(/[^ !#-[\]-~]+/g, (part) =>
    Array.from(Buffer.from(part), (byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
