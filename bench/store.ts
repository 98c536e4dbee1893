import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ExchangeStore } from '../src/store/exchange-store.ts';
import { exchangesInBytes } from '../src/store/store-writer.ts';
import { LineDivider } from '../src/store/line-divider.ts';
import type { SearchRequest } from '../src/core/store-messages.ts';
import { systemClock } from '../src/system/system.ts';
import { storedLine } from './stored-line.ts';

/**
 * What the store costs: `npm run bench:store` (a million exchanges), `npm run bench:store -- --exchanges 50000`.
 *
 * One exchange in a hundred has failed. Half of the paths come once, the others are a thousand. Queries are those of an outage.
 */
const { values } = parseArgs({ options: { exchanges: { type: 'string', default: '1000000' } } });
const total = Number(values.exchanges);
const batch = 5000;
const folder = mkdtempSync(join(tmpdir(), 'candor-bench-store-'));
const spec = { path: folder, keepAgeMs: 1e12, keepBytes: 4e9, successesPerSecond: 200, slowMs: 1000 };
const store = new ExchangeStore(spec, systemClock, {
  onCorrupt: () => undefined,
  onRemoved: () => undefined,
  onOtherVersion: () => undefined,
});
const startedAt = Date.now() - total;
const ids: string[] = [];

const divider = new LineDivider();
let storingMs = 0;
const cpuBefore = process.cpuUsage();
let linesCpu = 0;
for (let first = 0; first < total; first += batch) {
  const lines: string[] = [];
  const generated = process.cpuUsage();
  for (let number = first; number < Math.min(total, first + batch); number += 1) {
    const { id, line } = storedLine(number, startedAt + number);
    if (number % 997 === 0) ids.push(id);
    lines.push(line);
  }
  // As workers write them.
  const ring = Buffer.from(lines.map((line) => `1 ${line}\n`).join(''), 'latin1');
  const since = process.cpuUsage(generated);
  linesCpu += since.user + since.system;
  const before = performance.now();
  store.append(exchangesInBytes(ring, divider).exchanges);
  store.maintain();
  storingMs += performance.now() - before;
}
const cpu = process.cpuUsage(cpuBefore);
store.close();
const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
console.log(`exchanges        ${total}`);
console.log(`stored a second  ${Math.round((total / storingMs) * 1000)}`);
console.log(`CPU per exchange ${((cpu.user + cpu.system - linesCpu) / total).toFixed(1)} µs`);
console.log(`bytes each       ${Math.round(bytes / total)} (${readdirSync(folder).length} files)`);

function measure(name: string, rounds: number, work: (round: number) => unknown): void {
  const times: number[] = [];
  let last: unknown;
  for (let round = 0; round < rounds; round += 1) {
    const before = performance.now();
    last = work(round);
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(2);
  console.log(`${name.padEnd(44)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms  (${String(last)})`);
}

measure('by id', 200, (round) => store.find(ids[(round * 31) % ids.length] as string)?.status);
const search = (query: string): SearchRequest => ({ query, limit: 50, cursor: null, after: null });
const queries = [
  'status:5xx',
  'status:502 route:shop heap',
  'route:shop path:/products/70',
  'client:192.0.3.113 -status:2xx',
  'cause:reset_before_response endpoint:127.0.0.1:3001 since:10m',
  'upstream:login status:200',
  'econnreset fresh until:5m',
  'nothing has these words',
];
for (const query of queries) {
  measure(query, 20, () => {
    const result = store.search(search(query));
    return result.kind === 'page'
      ? `${result.exchanges.length} found${result.cursor === null ? '' : ', more'}`
      : result.kind;
  });
}
store.close();
rmSync(folder, { recursive: true });
