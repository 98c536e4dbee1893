import type { TimedEvent } from './application-events.ts';
import { headOf } from './application/application.ts';
import { partiesOf } from './line-parties.ts';
import type { CauseConfidence, Incident } from './summary-report.ts';

/** How sure it is that an event concerns the upstream of an incident, and why. */
export interface CauseJudgement {
  readonly confidence: CauseConfidence;
  readonly reason: string;
}

/**
 * Only a name or an address that the upstream and the application share makes a cause certain. That the times agree, or
 * that both are on this machine, holds for everything that happened there at that time.
 */
export function judgeCause(
  incident: Incident,
  { event, source, addresses }: TimedEvent,
  isNear: boolean,
): CauseJudgement {
  const { upstreams, root } = incident;
  const names = [...event.names, source];
  const address = addresses.find((one) => upstreams.some((upstream) => isSameAddress(upstream, one)));
  if (address !== undefined) return { confidence: 'certain', reason: `The log of the application names ${address}` };
  const common = commonName(names, wordsOf(upstreams));
  if (common !== null)
    return { confidence: 'certain', reason: `The upstream and the application are both called ${common}` };
  const [first = ''] = event.names;
  if (isNoApplication(first))
    return { confidence: 'possible', reason: `${first} is not known to be the application behind this gateway` };
  const site = siteOf(root.text);
  const ofSite = commonName(names, wordsOf([site]));
  if (ofSite !== null && isNear && !hasForeignName(upstreams))
    return { confidence: 'likely', reason: `The requests were for ${site}, and the application is called ${ofSite}` };
  if (hasForeignName(upstreams) && wordsOf(names).size > 0)
    return { confidence: 'possible', reason: 'The names of the upstream and of the application differ' };
  return {
    confidence: 'possible',
    reason: 'Only the times agree: neither a name nor a port shows that it is this upstream',
  };
}

/** What happened on another host ends nothing that the gateway reaches over its own loopback addresses and sockets. */
export function isOnAnotherHost({ upstreams, root }: Incident, { example }: TimedEvent): boolean {
  if (upstreams.length === 0 || !upstreams.every(isOfThisMachine)) return false;
  const [ours, theirs] = [headOf(root.text).host, headOf(example.text).host];
  return ours !== null && theirs !== null && ours.split('.', 1)[0] !== theirs.split('.', 1)[0];
}

export function haveCommonName(some: readonly string[], others: readonly string[]): boolean {
  return some.some((name) => others.includes(name)) || commonName(some, wordsOf(others)) !== null;
}

/** Programs and units that serve no requests of a gateway: their end explains nothing by itself. */
const notApplications =
  /^(?:mysqld?|mariadbd?|postgres|postgresql|redis(?:-server)?|mongod|memcached|elasticsearch|chrome|chromium|firefox|nginx|haproxy|envoy|caddy|traefik|apache2|httpd|sshd?|crond?|anacron|dockerd?|containerd|kubelet|systemd(?:-[\w-]+)?|user@\d+|session-\w+|apt(?:-[\w-]+)?|dpkg|snapd|certbot|logrotate|cups(?:d|-browsed)?|rsyslogd?|dbus|rsync|tar|gzip|backup|unattended-upgrades)$/;

function isNoApplication(name: string): boolean {
  return notApplications.test(name.toLowerCase().replace(/\.(?:service|scope)$/, ''));
}

function isOfThisMachine(upstream: string): boolean {
  return /^(?:127\.|localhost\b|\[?::1\b|unix:|\/)/.test(upstream);
}

/** Words of paths, hosts and pools that name no application. */
const commonWords = new Set(
  'http https fastcgi uwsgi unix run var tmp sock socket sockets localhost local server servers service upstream upstreams backend backends default internal cluster node pod container slice system scope static srv user session main com net org www example kernel systemd docker kubernetes'.split(
    ' ',
  ),
);

/** What runs applications names none of them, unless there is no other name. */
const runtimeWords = new Set(
  'php fpm node nodejs java jvm python gunicorn uvicorn uwsgi puma ruby passenger dotnet deno bun'.split(' '),
);

/** 'shop' and 'api' of `shop-api.service`; no numbers, and none of the words above. */
function wordsOf(names: readonly string[]): ReadonlySet<string> {
  const words = names.flatMap((name) => name.toLowerCase().split(/[^a-z]+/));
  const own = words.filter((word) => word.length >= 3 && !commonWords.has(word));
  const specific = own.filter((word) => !runtimeWords.has(word));
  return new Set(specific.length > 0 ? specific : own);
}

function commonName(names: readonly string[], ours: ReadonlySet<string>): string | null {
  for (const word of wordsOf(names)) if (ours.has(word)) return word;
  return null;
}

const hasForeignName = (upstreams: readonly string[]): boolean => wordsOf(upstreams).size > 0;

/** The host that the requests were for, without its top-level domain: 'shop' of `shop.example`. */
function siteOf(line: string): string {
  const host = partiesOf({ request: null }, line).host ?? /, server: ([a-z\d.-]{1,255}),/i.exec(line)?.[1] ?? '';
  return host.replace(/:\d+$/, '').replace(/\.[a-z]{2,20}$/i, '');
}

/** `http://0.0.0.0:3000` listens for `127.0.0.1:3000`; sockets have equal paths. */
function isSameAddress(upstream: string, address: string): boolean {
  const path = pathOf(address);
  if (path !== null) return pathOf(upstream) === path;
  const port = portOf(address);
  return port !== null && portOf(upstream) === port;
}

const pathOf = (address: string): string | null =>
  /^(?:unix:(?:\/\/)?)?(\/[^/\s]\S{0,200}?):?$/.exec(address)?.[1] ?? null;

const portOf = (address: string): string | null => /(?:^|:)(\d{2,5})\/?$/.exec(address)?.[1] ?? null;
