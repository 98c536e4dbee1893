import { amortizedRotateMiB, gatewayNames, type GatewayName } from './gateways.ts';
import { type Added, addedMedians, cpuOf, type Figures, ratioText, ratioToBest, titles } from './report.ts';
import { targetsReached } from './targets.ts';
import { type WorkName, works } from './works.ts';

/** Creates `bench/README.md`: the last figures, with their circumstances. */
export function benchDocument(figures: Figures): string {
  const parts = [
    intro(figures),
    targetTable(figures),
    plotOf(figures),
    cpuTable(figures),
    latencyTable(figures),
    disturbedList(figures),
    memoryTable(figures),
    rest(figures),
    howItIsMeasured,
    circumstances(figures),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function intro({ circumstances: { date, machine } }: Figures): string {
  return `# What Candor costs, compared with other gateways

\`npm run bench\` measures Candor (with its log, without its rotation, and without a log), nginx and HAProxy with the same
requests, and with \`--all\` Caddy, Apache and two npm proxies. It writes no file; \`npm run bench -- --write\` writes this
page and its plot. \`--help\` lists the options.

Measured on ${date}: ${machine}.`;
}

function targetTable(figures: Figures): string {
  const rows = targetsReached(figures).map(({ what, target, measured, verdict, aim }) => [
    what,
    target,
    measured ?? '',
    verdict,
    aim,
  ]);
  return `## Targets

With routing, policies, record and log on, one worker. A ratio is Candor's figure divided by the other's: the median of
the rounds, with the least and the most.

${tableText(['', 'the first release', 'measured', 'verdict', 'the aim'], rows)}`;
}

function plotOf({ runs }: Figures): string {
  return runs.some(({ gateway }) => gateway === 'nginx')
    ? '![CPU per request, as a multiple of nginx: the tables have the figures](figures.svg)'
    : '';
}

function measuredGateways({ runs, failed }: Figures): GatewayName[] {
  return gatewayNames.filter((name) => [...runs, ...failed].some(({ gateway }) => gateway === name));
}

function measuredWorks({ runs }: Figures): (typeof works)[number][] {
  return works.filter(({ name }) => runs.some(({ work }) => work === name));
}

/** A table with a row for each work and a column for each gateway. */
function figureTable(
  figures: Figures,
  text: (work: WorkName, gateway: GatewayName) => string | null,
  more?: { title: string; of: (work: WorkName) => string },
): string {
  const gateways = measuredGateways(figures);
  const head = ['', ...gateways.map((name) => titles[name]), ...(more === undefined ? [] : [more.title])];
  const rows = measuredWorks(figures).map(({ name, title }) => [
    title,
    ...gateways.map((gateway) => {
      const value = text(name, gateway);
      if (value === null) return hasFailed(figures, name, gateway) ? 'failed' : '';
      return `${value}${markOf(figures, title, gateway)}`;
    }),
    ...(more === undefined ? [] : [more.of(name)]),
  ]);
  return tableText(head, rows, 'numbers');
}

/** Figures of rounds of which too few were quiet carry this mark. */
function markOf({ disturbed }: Figures, what: string, gateway: GatewayName): string {
  return disturbed.some((one) => one.what === what && one.gateway === gateway && one.isMarked) ? ' †' : '';
}

/** One line for each gateway and work of which rounds were disturbed. */
export function disturbedLines({ disturbed }: Figures): string[] {
  return disturbed.map(({ what, gateway, rounds, quiet, thrownAway, isMarked, why }) => {
    const counts = `${quiet} of ${rounds} rounds were quiet, ${thrownAway} were thrown away and repeated`;
    const mark = isMarked ? '; too few are quiet, and the figure † is of the disturbed ones too' : '';
    return `${titles[gateway]}, ${what}: ${counts} (the last: ${why})${mark}`;
  });
}

function disturbedList(figures: Figures): string {
  const lines = disturbedLines(figures);
  if (lines.length === 0) return '';
  return `## Disturbed rounds\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}

function hasFailed({ failed }: Figures, work: WorkName, gateway: GatewayName): boolean {
  return failed.some((run) => run.work === work && run.gateway === gateway);
}

function cpuTable(figures: Figures): string {
  const { runs, failed } = figures;
  if (runs.length === 0) return '';
  const table = figureTable(figures, (work, gateway) => figureText(cpuOf(runs, work, gateway)), {
    title: 'Candor ÷ the better of nginx and HAProxy',
    of: (work) => {
      const to = ratioToBest(runs, work);
      return to === null ? '' : `${ratioText(to.ratio)}, ${titles[to.best]}`;
    },
  });
  const note = failed.length === 0 ? '' : `\n\n${failureText(figures)}`;
  return `## CPU, microseconds per request\n\nUser and system time, of all of a gateway's processes.\n\n${table}${note}`;
}

/** A sentence for each gateway and work. */
function failureText({ failed }: Figures): string {
  const groups = Map.groupBy(failed, ({ gateway, work }) => `${titles[gateway]} at "${titleOf(work)}"`);
  const said = [...groups].map(([what, some]) => {
    const [failures, done] = [
      some.reduce((sum, run) => sum + run.failures, 0),
      some.reduce((sum, run) => sum + run.done, 0),
    ];
    return `${what} (${failures} failures in ${done} requests)`;
  });
  return `A round in which requests failed does not count: ${said.join('; ')}.`;
}

function titleOf(work: WorkName): string {
  return works.find(({ name }) => name === work)?.title ?? work;
}

function latencyTable(figures: Figures): string {
  const { added } = figures;
  if (added.length === 0) return '';
  const medians = addedMedians(added);
  const rates = [...new Set(medians.map(({ perSecond }) => perSecond))];
  const rows = gatewayNames
    .filter((name) => medians.some(({ gateway }) => gateway === name))
    .map((name) => [
      titles[name],
      ...rates.flatMap((rate) => {
        const one = medians.find(({ gateway, perSecond }) => gateway === name && perSecond === rate);
        const mark = markOf(figures, `${rate.toLocaleString('en')}/s`, name);
        return one === undefined
          ? ['', '', '']
          : [one.p50Ms, one.p99Ms, one.p999Ms].map((ms) => `${ms.toFixed(2)}${mark}`);
      }),
    ]);
  const head = [
    '',
    ...rates.flatMap((rate) => ['p50', 'p99', 'p99.9'].map((at) => `${at} at ${rate.toLocaleString('en')}/s`)),
  ];
  return `## Time added, milliseconds

The time beyond what the origin alone takes at that rate, in the same round. Each small GET is timed from when it was due. The load generator was
more than 1 ms late for ${lateText(added)}; they are in no figure.

${tableText(head, rows, 'numbers')}`;
}

function lateText(added: readonly Added[]): string {
  const late = added.reduce((sum, one) => sum + one.late, 0);
  return `${late.toLocaleString('en')} ${late === 1 ? 'request' : 'requests'}`;
}

function memoryTable({ memory }: Figures): string {
  if (memory.length === 0) return '';
  const counts = [...new Set(memory.map(({ connections }) => connections))];
  const groups = Map.groupBy(memory, ({ gateway, workers }) =>
    gateway === 'candor' ? `${titles[gateway]}, ${workers === 1 ? '1 worker' : `${workers} workers`}` : titles[gateway],
  );
  const rows = [...groups].map(([title, some]) => [
    title,
    ...counts.map((count) => {
      const found = some.find(({ connections }) => connections === count);
      return found === undefined ? '' : (found.residentBytes / 1e6).toFixed(0);
    }),
  ]);
  const head = ['', ...counts.map((count) => `${count.toLocaleString('en')} connections`)];
  return `## Memory, MB\n\nResident, of all processes, with idle connections that have each made one request.\n\n${tableText(head, rows, 'numbers')}`;
}

function rest({ garbage, scaling }: Figures): string {
  const lines: string[] = [];
  if (garbage !== null)
    lines.push(
      `Garbage of Candor with the small GET, in all threads: ${(garbage.allocatedBytes / garbage.requests / 1024).toFixed(1)} KiB per exchange; ${garbage.collections} collections, the longest pause ${garbage.pauseMsMax.toFixed(1)} ms, ${((garbage.pauseMsTotal / garbage.requests) * 1000).toFixed(2)} µs per exchange.`,
    );
  if (scaling !== null)
    lines.push(
      `Two workers on two cores, shared with load and origin: ${(scaling.two / scaling.one).toFixed(2)} times the requests per second of one (${Math.round(scaling.two).toLocaleString('en')} and ${Math.round(scaling.one).toLocaleString('en')}).`,
    );
  return lines.length === 0 ? '' : `## Garbage and scaling\n\n${lines.join('\n\n')}`;
}

const howItIsMeasured = `## Method

- Every gateway has one worker or process and is pinned to one core; the origin (nginx, pages and files from memory) and the load
  (wrk with 64 connections and the headers of a browser) have another.
- gRPC calls go over HTTP/2 in clear text on both sides, from h2load with eight connections of eight streams; a program on Node (bench/grpc-origin.ts) answers them,
  nginx has \`grpc_pass\`. A program on Node (bench/fastcgi-origin.ts) answers FastCGI; each request has a connection of its own,
  as by default, but for the work over kept connections.
- The gateways take turns at the same work, and ratios are taken within a round, because the figures of one machine drift by a third
  from day to day. A difference below a tenth is a tie. Each gateway gets 10 s of load before its first round, and 3 s before each
  later work, because V8 compiles the code after some 30,000 requests.
- CPU is user and system time, divided by the completed requests. A round in which a request failed does not count.
- A round counts only if it was quiet: other programs took less than a tenth of the gateway's core, and the hypervisor less than 6 %
  of each of the two cores. What others took is the busy time of the core in \`/proc/stat\`, interrupts included, minus the CPU
  time of the gateway, to which the kernel charges the packets that the gateway sends over loopback. A disturbed round of a
  gateway is repeated after the others of the round, at most as often as there are rounds. With fewer than three quiet rounds the figure is of
  all rounds, and has the mark †.
- Candor routes by its configuration and writes its record of each exchange. Its log is rotated at ${amortizedRotateMiB} MiB, and not at the
  100 MiB of the default, after which one of three runs had the whole of a rotation and the others none of it. Each byte of
  the log is compressed once either way, so a run pays for as much compression as it wrote; a rotation by itself (renames, a new
  file) happens ${Math.round(100 / amortizedRotateMiB)} times as often as by default, which is against Candor. "No rotation" is the same with \`rotate_at: none\`, "no log" with
  \`path: none\`.
- At a fixed rate each request is sent when it is due, over 20 connections, and timed from then, whether a connection was free or
  not. The load generator never sleeps, and yields its core to the origin at once (SCHED_IDLE). A request that it sent, or whose
  answer it saw, more than 1 ms late is in no figure; a run with more than 1 % of these is repeated as a disturbed one is.
- nginx has its default log;
  "buffered" is nginx with a log in 64 KB writes and 64 KB buffers for large responses. HAProxy, Caddy and Apache write a log of
  each request too; the npm proxies write none.
- The installed tarball is measured, unless circumstances say "unbuilt source".

\`npm run bench:compare\` compares two commits of Candor (\`docs/development/testing.md\`).`;

function circumstances(figures: Figures): string {
  // Date and machine are at the top of the page.
  const said = Object.entries(figures.circumstances)
    .filter(([what]) => what !== 'date' && what !== 'machine')
    .map(([what, value]) => `- ${what}: ${value}`);
  return `## Circumstances\n\n${said.join('\n')}`;
}

function figureText(value: number | null): string | null {
  if (value === null) return null;
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** In a table of `numbers`, all columns but the first are aligned to the right. */
function tableText(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  kind: 'words' | 'numbers' = 'words',
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (kind === 'numbers' && index > 0 ? '---:' : '---'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
