import type {
  ProbeReport,
  AddressReport,
  HttpReport,
  SeriesReport,
  TimingReport,
  TlsReport,
  WayReport,
} from '../../probe/probe-report.ts';
import { sizeText } from '../explain-log/progress-bar.ts';
import { columnsMax, countText, harmless, padTo, shorten, wrapAfter, durationText } from '../layout.ts';
import type { Style } from '../style.ts';
import { networkInterfaces } from 'node:os';
import { type ProcessUsage, processUsage } from '../../system/process-usage.ts';
import { findPortHolder } from '../../deploy/port-holder.ts';

const labelWidth = 12;
const gap = 2;

/** The whole report within 80 columns: what came on each way side by side, the process behind, and the verdict. */
export function probeLines(
  { direct, gateway, verdict, process }: ProbeReport & { readonly process: ProbedProcess | null },
  style: Style,
): string[] {
  const ways = gateway === null ? [wayRows(direct)] : [wayRows(direct), wayRows(gateway)];
  const width = Math.floor((columnsMax - labelWidth - gap * (ways.length - 1)) / ways.length);
  const labels = [...new Set(ways.flatMap((rows) => [...rows.keys()]))];
  const titles = gateway === null ? [] : [padTo('', labelWidth) + padTo('DIRECT', width + gap) + 'THROUGH THE GATEWAY'];
  return [
    ...titles.map(style.bold),
    ...labels.flatMap((label) =>
      rowLines(
        label,
        ways.map((rows) => rows.get(label) ?? []),
        width,
        style,
      ),
    ),
    ...processLines(process, style),
    '',
    ...verdictLines(verdict, style),
  ];
}

/** One row: cells of several lines beside each other. A cell is plain text, and is marked by its first character. */
function rowLines(label: string, cells: readonly (readonly string[])[], width: number, style: Style): string[] {
  const fitted = cells.map((lines) => lines.flatMap((line) => fit(harmless(line), width)));
  const height = Math.max(...fitted.map((lines) => lines.length));
  if (height === 0) return [];
  return Array.from({ length: height }, (_, line) => {
    const head = style.dim(padTo(line === 0 ? label : '', labelWidth));
    const texts = fitted.map((lines, column) => {
      const text = lines[line] ?? '';
      const padded = column === fitted.length - 1 ? text : padTo(text, width + gap);
      return text.startsWith('✖') ? style.bad(padded) : padded;
    });
    return (head + texts.join('')).trimEnd();
  });
}

/** Breaks a line between words, and a word that is too long where it must be. */
function fit(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of wordsOf(text)) {
    const separator = line === '' ? '' : ' ';
    if ([...line, ...separator, ...word].length <= width) {
      line += separator + word;
      continue;
    }
    if (line !== '') lines.push(line);
    const characters = [...word];
    while (characters.length > width) lines.push(characters.splice(0, width).join(''));
    line = characters.join('');
  }
  return line === '' ? lines : [...lines, line];
}

/** The words of a text. A number and its unit are one. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const word of text.split(' ')) {
    const before = words.at(-1);
    if (before !== undefined && /\d$/.test(before) && /^(?:ms|s|bytes|kB|MB|GB)[,;.]?$/.test(word))
      words[words.length - 1] = `${before} ${word}`;
    else words.push(word);
  }
  return words;
}

function processLines(process: ProbedProcess | null, style: Style): string[] {
  if (process === null) return [];
  const { command, usage, unknown } = process;
  const who = command === null || usage === null ? null : `${command} (pid ${usage.pid})`;
  const facts = usage === null ? [] : usageTexts(usage);
  const text = [who, ...facts, unknown].filter((part) => part !== null).join(', ');
  return ['', ...labelled('process', shorten(harmless(text), 600), style)];
}

function usageTexts(usage: NonNullable<ProbedProcess['usage']>): string[] {
  const { openFiles, openFilesMax, memoryBytes, memoryPeakBytes, threads, controlGroup: group } = usage;
  const texts: string[] = [];
  texts.push(
    openFiles === null
      ? 'open files not readable (try as root)'
      : `${openFiles} of ${openFilesMax ?? 'unknown'} files open`,
  );
  if (memoryBytes !== null)
    texts.push(
      `${sizeText(memoryBytes)} of memory${memoryPeakBytes === null ? '' : ` (at most ${sizeText(memoryPeakBytes)})`}`,
    );
  if (threads !== null) texts.push(countText(threads, 'thread'));
  if (group === null) return [...texts, 'its control group is not readable'];
  if (group.memoryBytes !== null)
    texts.push(
      `its control group uses ${sizeText(group.memoryBytes)}${group.memoryMaxBytes === null ? ' without a limit' : ` of ${sizeText(group.memoryMaxBytes)}`}`,
    );
  if (group.oomKills !== null)
    texts.push(group.oomKills === 0 ? 'no OOM kills' : countText(group.oomKills, 'OOM kill'));
  const pressures: readonly (readonly [string, number | null])[] = [
    ['CPU', group.cpuPressure],
    ['memory', group.memoryPressure],
    ['I/O', group.ioPressure],
  ];
  for (const [name, share] of pressures)
    if (share !== null && share > 0) texts.push(`${share} % of the last 10 s waiting for ${name}`);
  if (group.cpuThrottled !== null && group.cpuThrottled > 0)
    texts.push(`throttled ${countText(group.cpuThrottled, 'time')}`);
  return texts;
}

const layerTexts = {
  application: 'the application fails',
  gateway: 'the gateway fails',
  between: 'between the gateway and the application',
  direct: 'only the direct way fails',
} as const;

/** Before a request was sent, it is not the application that failed, but the way to it. */
const stageTexts: Readonly<Partial<Record<string, string>>> = {
  dns: 'the name lookup fails',
  connect: 'the connection fails',
  tls: 'the TLS handshake fails',
};

function verdictLines(
  { works, layer, stage, shape, cause, ...verdict }: ProbeReport['verdict'],
  style: Style,
): string[] {
  const how = [shape === 'none' ? null : shape, stage === null ? null : `at ${stage}`].filter((part) => part !== null);
  const colour = works ? style.good : style.bad;
  const early = layer === 'application' ? stageTexts[stage ?? ''] : undefined;
  const title = works || layer === null ? '✔ works' : `✖ ${[early ?? layerTexts[layer], how.join(', ')].join(': ')}`;
  return [
    ...fit(harmless(title), columnsMax).map(colour),
    ...labelled('', verdict.sentence, style),
    ...(cause === null ? [] : labelled('cause', cause, style)),
    ...(verdict.nextStep === null ? [] : labelled('next', verdict.nextStep, style)),
    ...verdict.notes.flatMap((note, index) => labelled(index === 0 ? 'notes' : '', note, style)),
  ];
}

function labelled(label: string, text: string, style: Style): string[] {
  const indent = `  ${label}`;
  return wrapAfter(indent, fit(harmless(text), columnsMax - labelWidth).join(' '), labelWidth).map((line, index) =>
    index === 0 && label !== '' ? style.dim(line.slice(0, labelWidth)) + line.slice(labelWidth) : line,
  );
}

/** The cells of one way by their labels. A line that begins with ✖ is a failure. */
export function wayRows(way: WayReport): ReadonlyMap<string, readonly string[]> {
  const { url, host, tls, get, head, series, write } = way;
  return new Map<string, readonly string[]>([
    ['URL', [shorten(url, 200)]],
    ['Host', url.includes(`//${host}/`) ? [] : [host]],
    ['DNS', dnsLines(way)],
    ['connect', way.addresses.flatMap(addressLines)],
    ['TLS', tls === null ? [] : tlsLines(tls)],
    ['GET', get === null ? [] : httpLines(get)],
    ['body', get === null ? [] : bodyLines(get)],
    ['HEAD', head === null ? [] : statusLines(head)],
    ['keep-alive', get === null || series === null ? [] : reuseLines(get, series)],
    ['requests', series === null ? [] : requestLines(series)],
    ['median', timingLines(series?.headMs ?? null)],
    ['', series === null || series.requests < 2 ? [] : histogramLines(series)],
    ['POST', write === null ? [] : statusLines(write.post)],
    ['long header', write === null ? [] : statusLines(write.largeHeader)],
    ['WebSocket', write === null ? [] : statusLines(write.webSocket)],
  ]);
}

function dnsLines({ dns, addresses }: WayReport): string[] {
  if (dns === null) return [];
  const ttl = dns.ttlS === null ? '' : `, TTL ${dns.ttlS} s`;
  const source = dns.source === 'machine' ? ' (this machine)' : dns.source === 'system' ? ' (the system)' : '';
  const found = `${addresses.length === 1 ? '1 address' : `${addresses.length} addresses`}${source}, ${durationText(dns.ms)}${ttl}`;
  return addresses.length === 0 ? [failureText(dns)] : [found];
}

function addressLines(address: AddressReport): string[] {
  const { connectMs, tlsMs, failure, status } = address;
  const times = [
    connectMs === null ? null : `TCP ${durationText(connectMs)}`,
    tlsMs === null ? null : `TLS ${durationText(tlsMs)}`,
    status === null ? null : String(status),
  ].filter((part) => part !== null);
  const text = `${address.address}${times.length === 0 ? '' : ` ${times.join(', ')}`}`;
  return [failure === null ? text : `✖ ${text}: ${failure.cause}`];
}

function tlsLines({ version, cipher, alpn, serverName, withoutName, refusal, chain }: TlsReport): string[] {
  const [own] = chain;
  const expiry = own?.daysLeft == null ? null : own.daysLeft < 0 ? 'has expired' : `expires in ${own.daysLeft} days`;
  const without = { same: 'the same certificate', other: 'another certificate', refused: 'refused', unknown: null };
  return [
    `${version}${cipher === null ? '' : `, ${cipher}`}`,
    `ALPN: ${alpn ?? 'none chosen'}`,
    serverName === null ? 'no server name (an address)' : `SNI: ${serverName}`,
    ...(without[withoutName] === null ? [] : [`without SNI: ${without[withoutName]}`]),
    ...(own === undefined ? [] : [`names: ${shorten(own.names === '' ? own.subject : own.names, 120)}`]),
    ...(expiry === null ? [] : [`${expiry}${own?.notAfter == null ? '' : ` (${own.notAfter.slice(0, 10)})`}`]),
    `chain of ${chain.length}, up to ${shorten(chain.at(-1)?.issuer ?? 'unknown', 100)}`,
    refusal === null ? 'accepted' : `✖ not accepted: ${refusal}`,
  ];
}

function httpLines(report: HttpReport): string[] {
  const server = report.headers.find(({ name }) => name === 'server')?.value;
  const location = report.headers.find(({ name }) => name === 'location')?.value;
  return [
    ...statusLines(report),
    ...(report.interim.length === 0 ? [] : [`after ${[...new Set(report.interim)].join(', ')}`]),
    ...(server === undefined ? [] : [`Server: ${shorten(server, 80)}`]),
    ...(location === undefined ? [] : [`Location: ${shorten(location, 120)}`]),
    ...(report.author === null ? [] : [`written by ${report.author.layer}`]),
  ];
}

function statusLines({ status, reason, version, failure, headMs }: HttpReport): string[] {
  const head = status === null ? [] : [`${status} ${shorten(reason, 40)}`.trim()];
  const time = headMs === null ? [] : [durationText(headMs)];
  const text = [...head, ...(version === null ? [] : [version]), ...time].join(', ');
  if (failure === null) return [text];
  return [...(text === '' ? [] : [text]), `✖ ${failure.shape}: ${failure.cause}`];
}

const framings = {
  none: 'none',
  length: 'Content-Length',
  chunked: 'chunked',
  'until-close': 'until the connection ends',
} as const;

function bodyLines({ framing, bytesReceived, end, totalMs }: HttpReport): string[] {
  if (framing === null) return [];
  const whole = totalMs === null ? '' : `, ${durationText(totalMs)} in all`;
  const how = { complete: '', limit: ', left unread', unread: ', left open', failed: ', incomplete' }[end];
  return [`${framings[framing]}, ${sizeText(bytesReceived)}${whole}${how}`];
}

function reuseLines(get: HttpReport, series: SeriesReport): string[] {
  if (series.requests < 2) return [get.keepsAlive ? 'offered' : 'not offered'];
  const timeout = get.keepAliveTimeoutS === null ? '' : `, timeout ${get.keepAliveTimeoutS} s`;
  const used = `${series.reused} of ${series.requests - 1} requests on a used connection${timeout}`;
  if (series.stale === 0) return [used];
  return [used, `✖ ${series.stale} of them failed: ${series.staleFailure?.cause ?? ''}`];
}

function requestLines({ requests, failed, statuses, connections }: SeriesReport): string[] {
  const counts = statuses.map(({ status, count }) => `${count} × ${status}`).join(', ');
  const sent = `${requests} on ${countText(connections, 'connection')}${counts === '' ? '' : `: ${counts}`}`;
  return failed === 0 ? [sent] : [sent, `✖ ${failed} failed`];
}

function timingLines(timing: TimingReport | null): string[] {
  if (timing === null) return [];
  const { median, p90, max } = timing;
  return [`${durationText(median)}, p90 ${durationText(p90)}, max ${durationText(max)}`];
}

const barColumns = 16;

/** From the first bound that has a count to the last. */
function histogramLines({ histogram }: SeriesReport): string[] {
  const first = histogram.findIndex(({ count }) => count > 0);
  if (first < 0) return [];
  const last = histogram.findLastIndex(({ count }) => count > 0);
  const most = Math.max(...histogram.map(({ count }) => count));
  return histogram.slice(first, last + 1).map(({ upToMs, count }) => {
    const bound = upToMs === null ? '>    5 s' : `≤ ${boundText(upToMs).padStart(6)}`;
    return `${bound} ${'█'.repeat(Math.ceil((count / most) * barColumns))} ${count}`.replace(/ {2,}(?=\d+$)/, ' ');
  });
}

function boundText(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

function failureText({ failure }: { readonly failure: { readonly cause: string } | null }): string {
  return failure === null ? 'no address' : `✖ ${failure.cause}`;
}

/** The process that serves the target, if it runs on this machine. */
interface ProbedProcess {
  readonly port: number;
  /** Null: it is not known; `unknown` says why. */
  readonly command: string | null;
  readonly usage: ProcessUsage | null;
  readonly unknown: string | null;
}

/** Null if the target is on another machine. */
export function findProcess({ addresses }: WayReport, platform: string): ProbedProcess | null {
  const own = ownAddresses();
  const local = addresses.map(({ address }) => splitAddress(address)).find(({ host }) => isOwn(host, own));
  if (local === undefined) return null;
  const { port } = local;
  const nothing = { port, command: null, usage: null };
  if (platform !== 'linux') return { ...nothing, unknown: 'which process listens is known on Linux only' };
  const holder = findPortHolder(port);
  if (holder === null) {
    return { ...nothing, unknown: 'no process that this user may inspect listens on the port (try as root)' };
  }
  const usage = processUsage(holder.pid);
  return { port, command: holder.command, usage, unknown: usage === null ? 'the process has ended meanwhile' : null };
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
}

function isOwn(host: string, own: ReadonlySet<string>): boolean {
  return host === '::1' || host.startsWith('127.') || own.has(host);
}

/** '[::1]:3000' or '127.0.0.1:3000'. */
function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return { host, port: Number(port) };
}
