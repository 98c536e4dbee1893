import { uuidV7 } from '../src/core/uuid.ts';
import { systemRandom } from '../src/system/system.ts';

// Exchanges as benches store them: one in a hundred has failed; half of the paths come once, the others are a thousand.

const routes = ['shop', 'api', 'search', 'login', 'images'];

function hex(bytes: number): string {
  const random = new Uint8Array(bytes);
  systemRandom.fill(random);
  return Buffer.from(random).toString('hex');
}

/** The line of an exchange as workers write it; `at`: milliseconds since 1970. */
export function storedLine(number: number, at: number): { readonly id: string; readonly line: string } {
  const id = uuidV7(at, systemRandom);
  return { id, line: lineOf(number, id, at) };
}

function lineOf(number: number, id: string, at: number): string {
  const route = routes[number % routes.length] as string;
  const path = number % 2 === 0 ? `/products/${(number * 7) % 1000}` : `/orders/${number}/items`;
  const port = 3000 + (number % 3);
  const common = `{"v":1,"id":"${id}","trace_id":"${hex(16)}","at":"${new Date(at).toISOString()}","process":"k3f9xa","revision":3,"client":{"address":"192.0.${number % 8}.${(number * 13) % 250}","port":${40000 + (number % 20000)}},"host":"shop.example.org","path":"${path}","query":"page=2&token=\\u2026",`;
  if (number % 100 !== 0)
    return `${common}"attempts":[{"endpoint":"${route}/127.0.0.1:${port}","sent_ms":1,"head_ms":${10 + (number % 9)}}],"status":200,"bytes_out":6413,"duration_ms":${12.3 + (number % 50)}}`;
  const word = number % 10_000 === 0 ? 'heap' : 'socket';
  return `${common}"attempts":[{"endpoint":"${route}/127.0.0.1:${port}","ended_ms":51,"cause":"reset_before_response","stage":"response","evidence":{"address":"127.0.0.1:${port}","reused":false,"idle_ms":0,"errno":"ECONNRESET"},"retry_reason":"not_idempotent"}],"status":502,"shape":"reset","type":"connection_terminated","cause":"reset_before_response","whose":"application","stage":"response","detail":"127.0.0.1:${port} reset the connection (ECONNRESET) before it answered; it was a fresh connection; last line: ${word}","delivery":"sent_unknown","end":"generated","bytes_out":512,"duration_ms":51.2}`;
}
