import type { Born, FindingShape, GatewayProduct } from '../finding.ts';
import type { Example, SummaryReport, UpstreamTotal } from '../summary-report.ts';
import { shapeWords } from '../../../failures/src/failure-words.ts';

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
