import { accessDialect } from '#explain/engine.test-support.ts';
import { allDialects } from '../src/diagnose/all-dialects.ts';
import { ByteLog } from '#explain/byte-log.ts';
import { LogExplainer } from '#explain/log-explainer.ts';
import { optionsOr, wholeNumber } from './options.ts';

const usage = `usage: npm run bench:explain -- [options]

How many megabytes of a log a second \`candor explain\` takes in on one core, and
how much memory. The log is made in memory, so that no disk is measured; the
seconds are those of the processor, so that a neighbour's are not.

  --megabytes <n>  of each log (2000)
  --least <n>      a second, of a log without failures (200)
  --help

It ends with 0, with 1 where a log without failures took longer, with 2 for a
wrong command line.

example: npm run bench:explain -- --megabytes 500
`;

const { megabytes, least } = optionsOr(
  usage,
  { megabytes: { type: 'string', default: '2000' }, least: { type: 'string', default: '200' } },
  (values) => ({
    megabytes: wholeNumber(values.megabytes, '--megabytes'),
    least: wholeNumber(values.least, '--least'),
  }),
);

const chunkBytes = 65_536;
const poolBytes = 16_000_000;

const agents = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'curl/8.14.1',
  'kube-probe/1.33',
];
const paths = ['/', '/api/v1/articles?page=2&sort=new', '/assets/app.3f2a9c.js', '/images/header.webp', '/health'];
const referrers = ['-', 'https://www.example.org/articles/', 'https://www.example.org/'];
const statuses = [200, 200, 200, 200, 200, 200, 304, 206, 301, 404];

type Tail = (line: number, status: number) => string;

const none: Tail = () => '';
const timings: Tail = (line, status) => {
  const took = ((line % 97) / 1000).toFixed(3);
  return ` rt=${took} uct="0.000" uht="${took}" urt="${took}" us="${status}" ua="10.0.0.${1 + (line % 9)}:8080"`;
};

const ingress: Tail = (line, status) => {
  const took = ((line % 97) / 1000).toFixed(3);
  const id = (line * 2_654_435_761).toString(16).padStart(32, '0');
  const length = 100 + ((line * 31) % 1900);
  return ` ${length} ${took} [shop-web-80] [] 10.0.0.${1 + (line % 9)}:8080 ${(line * 7919) % 50_000} ${took} ${status} ${id}`;
};

const lineWith =
  (tail: Tail) =>
  (line: number): string =>
    lineOf(line, tail);

function lineOf(line: number, tail: Tail): string {
  const at = new Date(Date.UTC(2026, 10, 21, 10) + Math.floor(line / 50) * 1000).toISOString();
  const time = `21/Nov/2026:${at.slice(11, 19)} +0000`;
  const status = statuses[(line * 7) % statuses.length] as number;
  const size = (line * 7919) % 50_000;
  const [path, referrer, agent] = [paths, referrers, agents].map((some) => some[(line * 31) % some.length]);
  return `203.0.113.${line % 250} - - [${time}] "GET ${path} HTTP/1.1" ${status} ${size} "${referrer}" "${agent}"${tail(line, status)}\n`;
}

const upstreamFailures = [
  'connect() failed (111: Connection refused) while connecting to upstream',
  'upstream timed out (110: Connection timed out) while reading response header from upstream',
  'recv() failed (104: Connection reset by peer) while reading response header from upstream',
  'upstream prematurely closed connection while reading response header from upstream',
  'no live upstreams while connecting to upstream',
];

/** A line of an error log: failures of nine upstreams, as an outage leaves them. */
function errorLineOf(line: number): string {
  return failureOf(line, paths[(line * 31) % paths.length] as string, `203.0.113.${line % 250}`);
}

/** The same with many clients, each of which asks for something else. */
function variedErrorLineOf(line: number): string {
  const path = `/orders/${(line * 7919) % 1_000_003}/items?page=${line % 97}`;
  return failureOf(line, path, `203.${line % 7}.${line % 251}.${line % 241}`);
}

function failureOf(line: number, path: string, client: string): string {
  const at = new Date(Date.UTC(2026, 10, 21, 10) + Math.floor(line / 50) * 1000).toISOString();
  const said = upstreamFailures[Math.floor(line / 7) % upstreamFailures.length] as string;
  const upstream = `http://10.0.0.${1 + (line % 9)}:8080${path}`;
  return `2026/11/21 ${at.slice(11, 19)} [error] 812#812: *${line + 4411} ${said}, client: ${client}, server: www.example.org, request: "GET ${path} HTTP/1.1", upstream: "${upstream}", host: "www.example.org"\n`;
}

function poolOf(lineAt: (line: number) => string): Uint8Array[] {
  let text = '';
  for (let line = 0; text.length < poolBytes; line++) text += lineAt(line);
  const bytes = Buffer.from(text);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return chunks;
}

const dialects = allDialects.length > 0 ? allDialects : [accessDialect];

/** How fast the lines are read and judged, without the summary. */
function measureVerdicts(name: string, lineAt: (line: number) => string): void {
  const lines = Array.from({ length: 60_000 }, (_, line) => lineAt(line).trimEnd());
  const bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const explainer = new LogExplainer(dialects);
    const before = process.cpuUsage();
    for (const line of lines) explainer.read(line);
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, bytes / (user + system));
  }
  console.log(`${name.padEnd(34)} ${best.toFixed(0).padStart(5)} MB/s`);
}

/** The best of three rounds, because other programs on the machine can only make a round slower. */
function measure(name: string, lineAt: (line: number) => string, isSlow: boolean, size: number): number {
  const chunks = poolOf(lineAt);
  const hasFailures = lineAt === errorLineOf || lineAt === variedErrorLineOf;
  let best = 0;
  const heaps: number[] = [];
  for (let round = 0; round < 3; round++) {
    const log = new ByteLog(isSlow ? { dialects, onLine: () => {} } : { dialects });
    const before = process.cpuUsage();
    let bytes = 0;
    for (let at = 0; bytes < (size / 3) * 1e6; at++) {
      const chunk = chunks[at % chunks.length] as Uint8Array;
      log.push(chunk);
      bytes += chunk.length;
      if (at % 50 === 0) heaps.push(process.memoryUsage().heapUsed);
    }
    const report = log.end();
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    // The last chunk may end within a line.
    if (report.unrecognised > 1 || report.failures > 0 !== hasFailures) throw new Error(`${name}: the log was misread`);
    best = Math.max(best, bytes / 1e6 / seconds);
  }
  // Memory after a garbage collection. It grows with what is kept, not with the length of the log.
  const [early, late] = [heaps.slice(0, heaps.length / 2), heaps.slice(heaps.length / 2)].map((some) =>
    Math.min(...some),
  );
  const heap = `heap ${((early ?? 0) / 1e6).toFixed(0)} MB in the first half, ${((late ?? 0) / 1e6).toFixed(0)} MB in the second`;
  console.log(`${name.padEnd(34)} ${best.toFixed(0).padStart(5)} MB/s  ${heap}`);
  return best;
}

const fast = [
  measure('nginx combined', lineWith(none), false, megabytes),
  measure('nginx with upstream fields', lineWith(timings), false, megabytes),
  measure('ingress-nginx', lineWith(ingress), false, megabytes),
];
measure('nginx combined, every line read', lineWith(none), true, megabytes / 20);
measure('with upstream fields, every line', lineWith(timings), true, megabytes / 20);
measure('nginx error log of failures', errorLineOf, false, megabytes / 20);
measure('the same, each request another', variedErrorLineOf, false, megabytes / 20);
measureVerdicts('its verdicts, without the summary', errorLineOf);
if (Math.min(...fast) < least) {
  console.error(`a log without failures is to be read at ${least} MB/s at least`);
  process.exitCode = 1;
}
