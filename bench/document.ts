import { gatewayNames } from './gateways.ts';
import { addedMedians, cpuOf, type Figures, ratioText, ratioToBest, titles } from './report.ts';
import { works } from './works.ts';

/** `bench/README.md`: what is measured, how, and the last figures. */
export function benchDocument(figures: Figures): string {
  const parts = [
    intro,
    cpuTable(figures),
    '![CPU per request, as a multiple of nginx](figures.svg)',
    latencyTable(figures),
    memoryTable(figures),
    rest(figures),
    circumstances(figures),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const intro = `# What is measured, and the last figures

\`npm run bench\` measures Candor beside distro nginx (its default log; and with a buffered log and 64 KB buffers), HAProxy,
Caddy, Apache and two proxies of npm, and writes nothing; \`npm run bench -- --write\` writes this page and the plot.
\`--works\`, \`--gateways\`, \`--rounds\`, \`--seconds\`, \`--source\` (the unbuilt source in place of the installed tarball) and
\`--json\` do as \`--help\` says.

Every gateway is pinned to one core; the origin (nginx, pages and files from memory) and the load (wrk with 64 connections and
the fields of a browser) to another. All do the same work by turns, and ratios are taken within a round, because the figures of
one machine drift by a third from day to day. Below a tenth a difference is a tie. CPU time is user and system time of all of a
gateway's processes and threads, divided by completed requests. Candor writes its record of each exchange, and routes by its
configuration; nginx, HAProxy, Caddy and Apache write an access log, the proxies of npm none.`;

function cpuTable({ runs }: Figures): string {
  const gateways = gatewayNames.filter((name) => runs.some(({ gateway }) => gateway === name));
  const head = [
    'work',
    ...gateways.map((name) => titles[name]),
    'Candor ÷ the better of nginx and HAProxy (least to most)',
  ];
  const rows = works
    .filter(({ name }) => runs.some(({ work }) => work === name))
    .map(({ name, title }) => {
      const cells = gateways.map((gateway) => figureText(cpuOf(runs, name, gateway)));
      const to = ratioToBest(runs, name);
      return [title, ...cells, to === null ? '' : `${ratioText(to.ratio)}, ${titles[to.best]}`];
    });
  return `## CPU, microseconds per request\n\n${tableText([head, ...rows])}`;
}

function latencyTable({ added }: Figures): string {
  if (added.length === 0) return '';
  const rows = addedMedians(added).map(({ gateway, perSecond, p50Ms, p99Ms, p999Ms }) => [
    `${perSecond}/s`,
    titles[gateway],
    ...[p50Ms, p99Ms, p999Ms].map((ms) => ms.toFixed(2)),
  ]);
  const head = ['rate', 'gateway', 'p50', 'p99', 'p99.9'];
  return `## Time added, milliseconds

To what the origin alone takes at that rate, in the same round; small GET, open loop.

${tableText([head, ...rows])}`;
}

function memoryTable({ memory }: Figures): string {
  if (memory.length === 0) return '';
  const rows = memory.map(({ gateway, workers, connections, residentOctets }) => [
    gateway === 'candor' ? `${titles[gateway]}, ${workers === 1 ? '1 worker' : `${workers} workers`}` : titles[gateway],
    String(connections),
    (residentOctets / 1024 / 1024).toFixed(0),
  ]);
  return `## Memory, MiB\n\nResident, of all processes, with so many idle connections that have each made one request.\n\n${tableText([['gateway', 'connections', 'MiB'], ...rows])}`;
}

function rest({ garbage, scaling }: Figures): string {
  const lines: string[] = [];
  if (garbage !== null)
    lines.push(
      `Garbage of Candor at the small GET, all threads: ${(garbage.allocatedOctets / garbage.requests / 1024).toFixed(1)} KiB for each exchange; ${garbage.collections} collections, the longest pause ${garbage.pauseMsMax.toFixed(1)} ms, ${((garbage.pauseMsTotal / garbage.requests) * 1000).toFixed(2)} µs for each exchange.`,
    );
  if (scaling !== null)
    lines.push(
      `Two workers on two cores, with load and origin on the same: ${(scaling.two / scaling.one).toFixed(2)} times the requests per second of one (${Math.round(scaling.two)} and ${Math.round(scaling.one)}).`,
    );
  return lines.length === 0 ? '' : `## Garbage and scaling\n\n${lines.join('\n\n')}`;
}

function circumstances(figures: Figures): string {
  const said = Object.entries(figures.circumstances).map(([what, value]) => `- ${what}: ${value}`);
  return `## Circumstances\n\n${said.join('\n')}`;
}

function figureText(value: number | null): string {
  if (value === null) return '';
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}

function tableText([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[] = []): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head?.map(() => '---')), ...rows.map(line)].join('\n');
}
