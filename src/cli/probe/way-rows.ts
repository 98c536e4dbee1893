import type {
  AddressReport,
  HttpReport,
  SeriesReport,
  TimingReport,
  TlsReport,
  WayReport,
} from '../../probe/probe-report.ts';
import { sizeText } from '../explain-log/progress-bar.ts';
import { countText, durationText, shorten } from '../layout.ts';

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
