import type { Born, FindingShape, GatewayProduct } from '../finding.ts';
import type {
  Example,
  SummaryReport,
  UpstreamTotal,
  CauseConfidence,
  Incident,
  IncidentPart,
  LeftOut,
  RetriedTotal,
  SuspectName,
} from '../summary-report.ts';
import { shapeWords } from '../../../failures/src/failure-words.ts';

/** How many requests failed in the incident, with a cause of their own or as a consequence. */
function incidentSize(incident: Incident | undefined): number {
  return incident === undefined ? 0 : incident.count + incident.consequences;
}

/**
 * The largest incident first, since that is the one that people were alerted for; it is seldom the first in time. Equal
 * ones stay in order.
 */
export function worstFirst(incidents: readonly Incident[]): readonly Incident[] {
  return incidents.toSorted((a, b) => incidentSize(b) - incidentSize(a));
}

/** '2026-11-21 12:03:07 to 12:03:19'. */
export function incidentSpan({ startMs, endMs }: Incident): string {
  const [start, end] = [timeText(startMs), timeText(endMs)];
  return start === end ? start : `${start} to ${timeAfter(endMs, startMs)}`;
}

/** '54 failures at 127.0.0.1:3000, 270 a minute'. */
export function incidentHead(incident: Incident): string {
  const { upstreams, gateway, perMinute } = incident;
  const where = upstreams.length === 0 ? gatewayWords[gateway] : upstreams.join(', ');
  const noun = incident.parts.every(({ shape }) => shape === 'unknown') ? 'failed request' : 'failure';
  return `${manyText(incidentSize(incident), noun)} at ${where}, ${numberText(Math.round(perMinute))} a minute`;
}

const typeWords: Readonly<Partial<Record<string, string>>> = {
  connection_refused: 'connections refused',
  connection_timeout: 'connections not answered',
  connection_terminated: 'connections reset',
  http_response_incomplete: 'responses cut',
};

/** '3 connections reset, then 41 connections refused until 12:03:19, then 10 consequences'. */
export function partsText({ parts, startMs }: Incident): string {
  const start = timeText(startMs);
  const texts = parts.map((part) => {
    const until = timeText(part.endMs) !== start ? ` until ${timeAfter(part.endMs, startMs)}` : '';
    return `${numberText(part.count)} ${partWords(part)}${until}`;
  });
  return texts.join(', then ');
}

function partWords({ shape, type, isConsequence, count }: IncidentPart): string {
  if (isConsequence) return count === 1 ? 'consequence' : 'consequences';
  const words = type === null ? undefined : typeWords[type];
  if (words !== undefined) return count === 1 ? words.replace(/^(\w+)s /, '$1 ') : words;
  return `${findingShapeWords[shape]}${type === null ? '' : ` (${type})`}`;
}

export const confidenceWords: Readonly<Record<CauseConfidence, string>> = {
  certain: 'certain cause',
  likely: 'likely cause',
  possible: 'possible cause',
};

/** Incidents that are shown in a terminal; the page and JSON have more. */
const incidentsShown = 5;

/**
 * The largest incidents. One smaller than a twentieth of the largest is background noise and is left out, unless the
 * application's side explains it.
 */
export function shownIncidents(
  incidents: readonly Incident[],
  beyond: LeftOut,
): { readonly shown: readonly Incident[]; readonly leftOut: LeftOut } {
  const sorted = worstFirst(incidents);
  const least = incidentSize(sorted[0]) / 20;
  const worth = sorted.filter((one) => incidentSize(one) >= least || one.cause !== null).slice(0, incidentsShown);
  const passedOver = sorted.filter((one) => !worth.includes(one));
  const count = passedOver.reduce((sum, one) => sum + incidentSize(one), beyond.count);
  return { shown: worth, leftOut: { kinds: beyond.kinds === null ? null : beyond.kinds + passedOver.length, count } };
}

/** The first line of a summary: only failures between a gateway and its application are called failures. */
export function headline({ failures, unclear, recognised, lines }: SummaryReport): string {
  const of = manyText(lines, 'line');
  if (recognised === 0) return `No line was recognised in ${of}`;
  if (failures > 0) return `${manyText(failures, 'gateway failure')} in ${of}`;
  return unclear > 0 ? `No certain gateway failure in ${of}` : `No gateway failure in ${of}`;
}

/** What is counted apart from failures, each with why. */
export function countNotes(report: SummaryReport): string[] {
  const { unclear, denials, appErrors, clientAborts, retried, consequences, repeats, unrecognised } = report;
  const notes: readonly (readonly [count: number, noun: string, rest: string])[] = [
    [unclear, 'failed request', ' of which the log cannot show whose failure it was'],
    [appErrors, 'error', ' of the application itself, which the gateway passed on'],
    [retried, 'failed attempt', ' whose request was answered all the same, by another attempt or from a cache'],
    [denials, 'request', ' denied by a limit or a rule'],
    [clientAborts, 'request', ' that the client aborted or sent wrongly'],
    [unrecognised, 'line', ' in an unknown format'],
  ];
  return [
    ...notes.filter(([count]) => count > 0).map(([count, noun, rest]) => `${manyText(count, noun)}${rest}`),
    ...(consequences === 0 ? [] : [`${numberText(consequences)} of the failures were consequences of others`]),
    ...(repeats === 0 ? [] : [`${manyText(repeats, 'line')} reported a failure that another line had reported`]),
  ];
}

/** How times without a zone or a year were read; empty if all had both. */
export function clockNotes({ clock, timeline }: SummaryReport): string[] {
  if (timeline.firstMs === null) return [];
  const { zone, withoutZone, withoutYear } = clock;
  const year =
    withoutYear.length === 0
      ? []
      : [`The year is missing in: ${withoutYear.join(', ')}. It is taken from the other logs, or is the current one`];
  if (withoutZone.length === 0 || zone === null || zone === '+00:00') return year;
  return [`Times without a zone (${withoutZone.join(', ')}) are read as ${zone}, the zone of another line`, ...year];
}

/** 'nginx: unreachable (connection_refused) at 10.0.0.1:3000, 2026-11-21 12:03:07 to 12:05:09'. */
export function retriedWords({ gateway, upstream, shape, type, firstMs, lastMs }: RetriedTotal): string {
  const what = `${findingShapeWords[shape]}${type === null ? '' : ` (${type})`}`;
  const where = upstream === null ? '' : ` at ${upstream}`;
  return `${gatewayWords[gateway]}: ${what}${where}${spanOf(firstMs, lastMs)}`;
}

function spanOf(firstMs: number | null, lastMs: number | null): string {
  if (firstMs === null || lastMs === null) return '';
  const [first, last] = [timeText(firstMs), timeText(lastMs)];
  return first === last ? `, ${first}` : `, ${first} to ${timeAfter(lastMs, firstMs)}`;
}

export const suspectWords: Record<SuspectName, string> = {
  keep_alive_race: 'keep-alive race',
  saturation: 'saturation',
  header_too_large: 'header too large',
  wrong_address_or_port: 'wrong address or port',
  sni: 'name in the TLS handshake (SNI)',
  dns: 'names that cannot be looked up',
  deploy: 'a deploy, or restarts',
};

export const findingShapeWords: Record<FindingShape, string> = { ...shapeWords, unknown: 'unknown from this log' };

export const bornWords: Record<Born, string> = {
  'cdn-edge': 'at the edge of a CDN',
  'load-balancer': 'at the load balancer',
  'reverse-proxy': 'at the reverse proxy',
  'platform-edge': "at the platform's edge",
  application: 'in the application',
  client: 'at the client',
};

export const gatewayWords: Record<GatewayProduct, string> = {
  nginx: 'nginx',
  openresty: 'OpenResty',
  'ingress-nginx': 'ingress-nginx',
  kong: 'Kong',
  apisix: 'APISIX',
  apache: 'Apache',
  haproxy: 'HAProxy',
  envoy: 'Envoy',
  istio: 'Istio',
  caddy: 'Caddy',
  traefik: 'Traefik',
  'aws-alb': 'AWS ALB',
  'aws-clb': 'AWS CLB',
  heroku: 'Heroku',
  varnish: 'Varnish',
  node: 'Node proxy',
  fly: 'Fly',
  vercel: 'Vercel',
  'gcp-lb': 'GCP load balancer',
  cloudflared: 'cloudflared',
  cloudflare: 'Cloudflare',
  cloudfront: 'CloudFront',
  fastly: 'Fastly',
  'azure-app-gateway': 'Azure Application Gateway',
  'azure-front-door': 'Azure Front Door',
  iis: 'IIS',
  'kamal-proxy': 'kamal-proxy',
  'go-proxy': 'reverse proxy in Go',
  lighttpd: 'lighttpd',
  linkerd: 'Linkerd',
  candor: 'Candor',
  'php-fpm': 'php-fpm',
  gunicorn: 'gunicorn',
  uwsgi: 'uWSGI',
  puma: 'Puma',
  passenger: 'Passenger',
  nodejs: 'Node.js',
  jvm: 'Java',
  kernel: 'Linux',
  systemd: 'systemd',
  kubernetes: 'Kubernetes',
  docker: 'Docker',
};

/** How the failures of an upstream look: 'too slow', 'mostly too slow (9)', or 'too slow (3) and others'. */
export function upstreamShapeWords({ failures, shape, ofThatShape }: UpstreamTotal): string {
  const words = findingShapeWords[shape];
  if (failures === ofThatShape) return words;
  const count = numberText(ofThatShape);
  return ofThatShape * 2 > failures ? `mostly ${words} (${count})` : `${words} (${count}) and others`;
}

/** "nginx error log" names the gateway; "access log" does not, so the name is put before it. */
export function formatText(gateway: GatewayProduct, format: string): string {
  const name = gatewayWords[gateway];
  return format.toLowerCase().startsWith(name.toLowerCase()) ? format : `${name}: ${format}`;
}

/** '12,345'. */
export function numberText(count: number): string {
  return count.toLocaleString('en-US');
}

/** '1 failure', '12,345 failures'. */
export function manyText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** '2026-11-21 21:14:03', in UTC. A time outside the calendar is shown as its number. */
export function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().slice(0, 19).replace('T', ' ') : String(ms);
}

/** Leaves the date out if the second time is of the same day. */
export function timeAfter(ms: number, before: number): string {
  const [text, earlier] = [timeText(ms), timeText(before)];
  return text.slice(0, 10) === earlier.slice(0, 10) ? text.slice(11) : text;
}

/** 'from … to …', or 'at …' if both are of the same second; null if no line has a time. */
export function spanText(report: Pick<SummaryReport, 'byGateway' | 'timeline' | 'clock'>): string | null {
  const { firstMs, lastMs } = report.timeline;
  if (firstMs === null || lastMs === null) return null;
  const [first, last] = [timeText(firstMs), timeText(lastMs)];
  return `${first === last ? `at ${first}` : `from ${first} to ${timeAfter(lastMs, firstMs)}`}${zoneText(report)}`;
}

/** What to try if no line was recognised. */
export const unknownFormatWords =
  'For an access log in a custom format of nginx, Envoy or HAProxy, pass the text of that format with `--log-format`. Candor reads logs of other gateways in their default format and in JSON.';

/** ' UTC', unless a log has local time without a zone and no other line shows the zone. */
function zoneText({ byGateway, clock }: Pick<SummaryReport, 'byGateway' | 'clock'>): string {
  const { zone, withoutZone } = clock;
  if (withoutZone.length === 0 || zone !== null) return ' UTC';
  if (byGateway.every(({ format }) => withoutZone.includes(format))) return ", by the server's clock";
  const names = byGateway.filter(({ format }) => withoutZone.includes(format));
  return ` UTC; no time zone in: ${names.map(({ gateway, format }) => formatText(gateway, format)).join(', ')}`;
}

/** 'error.log:12', or 'line 12' of text without a file. */
export function positionText({ file, line }: Pick<Example, 'file' | 'line'>): string {
  return file === null ? `line ${line}` : `${file}:${line}`;
}

/** Lengths of the intervals of a timeline: '1 s', '5 min', '1 h', '2 d'. */
export function intervalText(ms: number): string {
  for (const [unit, unitMs] of units) if (ms >= unitMs) return `${Number((ms / unitMs).toFixed(1))} ${unit}`;
  return `${ms} ms`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;
