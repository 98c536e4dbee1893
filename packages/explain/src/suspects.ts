import type { UpstreamCount } from './fault-counts.ts';
import { truncateFix, truncateTexts } from './report-texts.ts';
import type { Finding, Fix, GatewayProduct } from './finding.ts';
import type { Incident, Suspect, SuspectName } from './summary-report.ts';
import { closedEarly } from './apache/failures.ts';
import { caddyFixes } from './caddy/error-line.ts';
import { envoyFixes } from './envoy/fixes.ts';
import { keepApplicationConnected } from './nginx/fixes.ts';
import type { NginxProduct } from './nginx/verdict.ts';
import { traefikFixes } from './traefik/access-verdict.ts';

/** An application that has closed an idle connection resets the request within this time. */
const quickMs = 50;

/** Fewer prove nothing. */
const racesMin = 3;

/** An endpoint that has not answered for this long is not being restarted. */
const silentMs = 600_000;

/** A restart takes no longer than this; otherwise it is an outage. */
const restartMs = 120_000;

/** A pattern that each line shows by itself. */
interface Count {
  count: number;
  evidence: readonly string[];
  fix: Suspect['fix'];
}

/** Collects evidence for patterns that no single line proves. */
export class Suspects {
  readonly #counts = new Map<SuspectName, Count>();
  readonly #races = {
    count: 0,
    quick: 0,
    unsafe: 0,
    seconds: 0,
    lastSecond: Number.NaN,
    sample: null as Finding | null,
  };

  /** Adds a gateway failure. */
  add(finding: Finding): void {
    const name = nameOf(finding);
    if (name !== null) this.#count(name, finding);
    if (mayBeRace(finding)) this.#addRace(finding);
  }

  /** Removes one that was added. */
  remove(finding: Finding): void {
    const name = nameOf(finding);
    const count = name === null ? undefined : this.#counts.get(name);
    if (count !== undefined) count.count -= 1;
    if (mayBeRace(finding)) this.#removeRace(finding);
  }

  #count(name: SuspectName, { evidence, fix }: Finding): void {
    const count = this.#counts.get(name);
    if (count === undefined)
      this.#counts.set(name, { count: 1, evidence: truncateTexts(evidence), fix: truncateFix(fix) });
    else count.count += 1;
  }

  #addRace(finding: Finding): void {
    const races = this.#races;
    races.sample ??= finding;
    races.count += 1;
    if (finding.durationMs !== null) races.quick += 1;
    if (isUnsafe(finding)) races.unsafe += 1;
    const second = finding.atMs === null ? races.lastSecond : Math.floor(finding.atMs / 1000);
    if (second !== races.lastSecond && !Number.isNaN(second)) races.seconds += 1;
    races.lastSecond = second;
  }

  /** The seconds stay: they only say that races came one at a time. */
  #removeRace(finding: Finding): void {
    const races = this.#races;
    races.count -= 1;
    if (finding.durationMs !== null) races.quick -= 1;
    if (isUnsafe(finding)) races.unsafe -= 1;
  }

  report(
    upstreams: readonly UpstreamCount[],
    incidents: readonly Incident[],
    lastMs: number | null,
  ): readonly Suspect[] {
    const found = [
      this.#race(),
      ...this.#counted(),
      wrongAddress(withoutKnownCause(upstreams, incidents), lastMs),
      deploy(incidents, lastMs),
    ];
    return found.filter((suspect) => suspect !== null).sort((a, b) => b.count - a.count);
  }

  #counted(): Suspect[] {
    const left = [...this.#counts].filter(([, { count }]) => count > 0);
    return left.map(([name, count]) => ({ name, sentence: sentences[name] ?? '', ...count }));
  }

  /** Keep-alive races come one at a time. Resets in groups mean that the application ended. */
  #race(): Suspect | null {
    const { count, quick, unsafe, seconds, sample } = this.#races;
    if (sample === null || count < racesMin || seconds < racesMin || seconds * 2 < count) return null;
    const evidence = [`${count} connections closed as a request was sent, in ${seconds} different seconds`];
    if (quick > 0) evidence.push(`${quick} of them within ${quickMs} ms`);
    if (unsafe > 0) evidence.push(`${unsafe} of them with a method that a gateway does not send twice`);
    const sentence =
      'The application closes idle connections sooner than the gateway does, so some requests are sent on a connection that is being closed.';
    return { name: 'keep_alive_race', count, sentence, evidence, fix: keepAliveFix(sample.gateway) };
  }
}

const sentences: Readonly<Partial<Record<SuspectName, string>>> = {
  saturation: 'The application is saturated: its queue, its workers or its connections are all in use.',
  header_too_large: "The application's response headers are larger than the gateway accepts; often these are cookies.",
  sni: 'The application refuses TLS handshakes: it expects another server name (SNI), or another version of TLS.',
  dns: 'The name of the application cannot be looked up, or the name server does not answer.',
};

function nameOf({ type, stage, evidence }: Finding): SuspectName | null {
  if (type === 'http_response_header_section_size' || type === 'http_response_header_size') return 'header_too_large';
  if (type === 'dns_error' || type === 'dns_timeout' || stage === 'dns') return 'dns';
  if (type?.startsWith('tls_') === true) return evidence.some(isHandshakeRefused) ? 'sni' : null;
  if (type === 'connection_limit_reached' || stage === 'queue') return 'saturation';
  return type === 'connection_refused' && evidence.some(isBacklogFull) ? 'saturation' : null;
}

/** The alert of a server that expected another server name: RFC 8446 §6.2, handshake_failure and unrecognized_name. */
function isHandshakeRefused(evidence: string): boolean {
  return /handshake[ _]failure|unrecognized[ _]name|alert (?:number )?(?:40|112)\b/i.test(evidence);
}

function isBacklogFull(evidence: string): boolean {
  return /\(11: |\bEAGAIN\b|temporarily unavailable/.test(evidence);
}

const isUnsafe = ({ request }: Finding): boolean => /^(?:POST|PUT|PATCH|DELETE) /.test(request ?? '');

function mayBeRace({ shape, type, stage, durationMs }: Finding): boolean {
  if (shape !== 'reset' || type !== 'connection_terminated') return false;
  return stage !== 'body' && (durationMs === null || durationMs <= quickMs);
}

/**
 * Suspects a wrong address for upstreams that were unreachable from the first line about them to the last, for longer
 * than a restart takes.
 */
function wrongAddress(upstreams: readonly UpstreamCount[], logEndMs: number | null): Suspect | null {
  const silent = upstreams.filter((one) => isSilent(one) && !hasRecovered(one, logEndMs));
  const [first] = silent;
  if (first === undefined) return null;
  const count = silent.reduce((sum, one) => sum + one.count, 0);
  const evidence = silent.slice(0, 5).map(silenceOf);
  const sentence =
    'Every failure there was a failure to connect: the application is down, or the address or the port is wrong.';
  return { name: 'wrong_address_or_port', count, sentence, evidence, fix: addressFix(first) };
}

/** Where an application ended that is known by its name or its port, the address is right. */
function withoutKnownCause(
  upstreams: readonly UpstreamCount[],
  incidents: readonly Incident[],
): readonly UpstreamCount[] {
  const known = new Set(incidents.filter(hasKnownCause).flatMap((incident) => incident.upstreams));
  return upstreams.filter(({ upstream }) => !known.has(upstream));
}

const hasKnownCause = ({ cause }: Incident): boolean => cause !== null && cause.confidence !== 'possible';

function isSilent({ count, unreached, firstMs, lastMs, upstream }: UpstreamCount): boolean {
  if (count < racesMin || unreached < count) return false;
  return isLoopback(upstream) || (firstMs !== null && lastMs !== null && lastMs - firstMs >= silentMs);
}

/** A wrong address fails until the end of the log. An upstream without failures for longer than it had failed has recovered. */
function hasRecovered({ firstMs, lastMs }: UpstreamCount, logEndMs: number | null): boolean {
  if (firstMs === null || lastMs === null || logEndMs === null) return false;
  return logEndMs - lastMs > Math.max(silentMs, lastMs - firstMs);
}

function silenceOf({ count, upstream, firstMs, lastMs }: UpstreamCount): string {
  const minutes = firstMs === null || lastMs === null ? 0 : Math.round((lastMs - firstMs) / 60_000);
  return `${upstream}: ${count} attempts to connect failed${minutes > 0 ? `, over ${minutes} minutes` : ''}`;
}

function addressFix({ sample, upstream }: UpstreamCount): Suspect['fix'] {
  if (!isLoopback(upstream)) return truncateFix(sample.fix);
  const text =
    'Check that the application listens at that port; in a container, 127.0.0.1 and localhost are the container itself: use the name of the application’s service';
  return { text, snippet: null };
}

function isLoopback(upstream: string): boolean {
  return /(?:^|[/@[])(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|::1)(?:[:/\]]|$)/.test(upstream);
}

/**
 * Short incidents of refused connections or resets that ended before the log did: one endpoint after another, one endpoint
 * more than once, or resets followed by refusals.
 */
function deploy(incidents: readonly Incident[], lastMs: number | null): Suspect | null {
  const restarts = incidents.filter((incident) => isRestart(incident, lastMs));
  if (restarts.length < 2 && !restarts.some(isCutAndRefused)) return null;
  const count = restarts.reduce((sum, incident) => sum + incident.count + incident.consequences, 0);
  const evidence = restarts.slice(0, 5).map(restartText);
  const text =
    'Start the new version and check that it answers before stopping the old one, and let the old one finish its requests';
  const sentence =
    'The application was probably restarted or deployed while requests arrived: for a short time no instance answered.';
  return { name: 'deploy', count, sentence, evidence, fix: { text, snippet: null } };
}

/** Fewer failures are no restart. */
const restartFailuresMin = 5;

/** An incident whose cause is known needs no suspicion. */
function isRestart(incident: Incident, lastMs: number | null): boolean {
  const { shape, type, startMs, endMs, root, count, consequences } = incident;
  if (count + consequences < restartFailuresMin || hasKnownCause(incident)) return false;
  if (root.isConsequence || lastMs === null || endMs + 1000 > lastMs || endMs - startMs > restartMs) return false;
  return shape === 'reset' || type === 'connection_refused';
}

function isCutAndRefused({ parts }: Incident): boolean {
  const sizeOf = (isOne: (part: Incident['parts'][0]) => boolean): number =>
    parts.filter(isOne).reduce((sum, part) => sum + part.count, 0);
  return (
    sizeOf(({ shape }) => shape === 'reset') >= restartFailuresMin &&
    sizeOf(({ type }) => type === 'connection_refused') >= restartFailuresMin
  );
}

/** '2026-11-21 21:14:03', in UTC, as the times in summaries. */
const secondOf = (ms: number): string =>
  Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().slice(0, 19).replace('T', ' ') : String(ms);

function restartText({ upstreams, parts, startMs, endMs, count }: Incident): string {
  const seconds = Math.max(1, Math.round((endMs - startMs) / 1000));
  const hasRefused = parts.some(({ type }) => type === 'connection_refused');
  const hasCut = parts.some(({ shape }) => shape === 'reset');
  const what = hasRefused && hasCut ? 'connections cut or refused' : hasCut ? 'connections cut' : 'connections refused';
  const where = upstreams.length === 0 ? '' : ` by ${upstreams.slice(0, 3).join(', ')}`;
  return `${secondOf(startMs)}: ${count} ${what} in ${seconds} s${where}`;
}

/** The setting of each gateway for how long it keeps an idle connection to an application. */
const snippets: Readonly<Partial<Record<GatewayProduct, string | null>>> = {
  nginx: snippetOfNginx('nginx'),
  openresty: snippetOfNginx('openresty'),
  'ingress-nginx': snippetOfNginx('ingress-nginx'),
  kong: snippetOfNginx('kong'),
  apache: closedEarly.fix?.snippet ?? null,
  haproxy: 'backend app\n    # keeps no idle connections\n    default-server pool-max-conn 0',
  envoy: envoyFixes.keepAlive.snippet,
  istio: 'trafficPolicy:\n  connectionPool:\n    http:\n      idleTimeout: 4s',
  caddy: caddyFixes.closed.snippet,
  traefik: traefikFixes.closed.snippet,
};

function snippetOfNginx(product: NginxProduct): string | null {
  return keepApplicationConnected({ product, module: 'proxy', isStream: false }).snippet;
}

/** One of two settings has to change, so that the gateway closes idle connections first. */
export function keepAliveFix(gateway: GatewayProduct): Fix {
  const snippet = snippets[gateway] ?? null;
  const ofApplication = 'have the application keep idle connections open longer than the gateway does';
  if (snippet === null)
    return {
      text: `${ofApplication.replace('have', 'Have')} (Node: server.keepAliveTimeout = 75_000; many servers close after 5 s)`,
      snippet: null,
    };
  const text = `Have the gateway close idle connections before the application does (many servers close after 5 s), or ${ofApplication}`;
  return { text, snippet };
}
