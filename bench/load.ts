import { spawnSync } from 'node:child_process';
import type { Peer } from '../scripts/peers.ts';

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Answers that were none, or not 2xx or 3xx. A round with any is no measurement. */
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What a browser sends for a page of a shop. */
const browserFields = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-GB,en;q=0.8,de;q=0.5,fr;q=0.3',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: https://shop.example.org/orders?page=2',
  'Cookie: session=6f1ed002ab5595859014ebf0951522d9; theme=dark; consent=2026-04-02T08:11:52Z',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
  'Upgrade-Insecure-Requests: 1',
  'Priority: u=0, i',
];

export const connections = 64;

/** One run of wrk with kept-alive connections, from the given core. */
export function load(wrk: Extract<Peer, { path: string }>, port: number, core: number, seconds: number): LoadResult {
  const fields = browserFields.flatMap((field) => ['-H', field]);
  const args = [
    '-c',
    String(core),
    wrk.path,
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...fields,
    `http://127.0.0.1:${port}/orders/1742?from=mail`,
  ];
  const ran = spawnSync('taskset', args, { encoding: 'utf8', env: { ...process.env, ...wrk.env } });
  if (ran.status !== 0) throw new Error(`wrk failed: ${ran.stderr || ran.stdout}`);
  return readWrk(ran.stdout);
}

export function readWrk(text: string): LoadResult {
  const socketErrors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  return {
    requests: Number(/(\d+) requests in/.exec(text)?.[1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    failures:
      Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) +
      socketErrors.reduce((sum, count) => sum + Number(count), 0),
    p50Ms: milliseconds(/50%\s+(\S+)/.exec(text)?.[1]),
    p99Ms: milliseconds(/99%\s+(\S+)/.exec(text)?.[1]),
  };
}

function milliseconds(text = ''): number {
  const factor = text.endsWith('us') ? 0.001 : text.endsWith('ms') ? 1 : 1000;
  return Number.parseFloat(text) * factor;
}
