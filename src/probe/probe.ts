import { isIP, createServer } from 'node:net';
import { once } from 'node:events';
import { socketConnector } from '../transport/connect.ts';
import { createNameResolver } from '../transport/resolve.ts';
import { judgeProbe } from './judge-probe.ts';
import { type ProbeOptions, type ProbePorts, limitsFor } from './probe-ports.ts';
import type {
  ProbeReport,
  AddressReport,
  HttpReport,
  SeriesReport,
  WayReport,
  WriteReport,
  CertificateReport,
  TlsReport,
} from './probe-report.ts';
import { sessionPorts, ProbeSession, type SessionPorts, type SessionTarget } from './probe-session.ts';
import type { UpstreamTls } from '../core/upstream-spec.ts';
import { hostPort } from '../core/endpoint.ts';
import type { NameResolver } from '../core/name-resolver.ts';
import { resolveHost } from './probe-names.ts';
import { type ProbeRequest, webSocketHeaders } from './probe-exchange.ts';
import { runSeries } from './probe-series.ts';
import { chosenAddress } from './way-outcome.ts';
import { type Clock, after } from '../core/time.ts';
import { type InspectedCertificate, inspectTls, type TlsInspection } from '../transport/inspect-tls.ts';

interface InspectedServer {
  readonly address: string;
  readonly port: number;
  /** The name to ask for, or the address. */
  readonly name: string;
  readonly isName: boolean;
  readonly settings: UpstreamTls;
}

const dayMs = 86_400_000;

/** What a TLS server shows, with its name and without; null if no handshake comes to an end. */
async function reportTls(server: InspectedServer, limitMs: number, clock: Clock): Promise<TlsReport | null> {
  const named = await inspect(server, true, limitMs, clock);
  if (named === null) return null;
  const unnamed = server.isName ? await inspect(server, false, limitMs, clock) : named;
  return {
    version: named.version,
    cipher: named.cipher,
    alpn: named.alpn,
    serverName: server.isName ? server.name : null,
    withoutName: server.isName ? compared(named, unnamed) : 'unknown',
    refusal: named.refusal,
    chain: named.chain.map((certificate) => certificateReport(certificate, clock.wallTime())),
  };
}

function inspect(
  { address, port, name, settings }: InspectedServer,
  sendsName: boolean,
  limitMs: number,
  clock: Clock,
): Promise<TlsInspection | null> {
  return new Promise((resolve) => {
    const target = { address, port, name, sendsName, protocols: ['h2', 'http/1.1'], settings };
    const inspection = inspectTls(target, {
      onInspected(found) {
        timer.cancel();
        resolve(found);
      },
      // Why a handshake fails is reported by the connection that requests are sent on.
      onInspectionFailed() {
        timer.cancel();
        resolve(null);
      },
    });
    const timer = clock.schedule(
      after(clock.now(), limitMs),
      () => {
        inspection.cancel();
        resolve(null);
      },
      undefined,
    );
  });
}

function compared(named: TlsInspection, unnamed: TlsInspection | null): TlsReport['withoutName'] {
  if (unnamed === null) return 'refused';
  return named.chain[0]?.fingerprint === unnamed.chain[0]?.fingerprint ? 'same' : 'other';
}

function certificateReport(certificate: InspectedCertificate, now: number): CertificateReport {
  const { subject, issuer, names, notBefore, notAfter } = certificate;
  const daysLeft = notAfter === null ? null : Math.floor((notAfter - now) / dayMs);
  return { subject, issuer, names, notBefore: dateText(notBefore), notAfter: dateText(notAfter), daysLeft };
}

function dateText(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

/**
 * The bypass test: requests a URL directly and, if there is a gateway, through it, and says which layer fails. It sends GET and
 * HEAD alone unless it may write, follows no redirect, sends no credentials, and limits time and bytes. The ways are probed one
 * after the other, so that neither disturbs the other's times.
 */
export async function probe(options: ProbeOptions, ports: ProbePorts): Promise<ProbeReport> {
  const resolver = ports.resolver ?? createNameResolver(ports.clock);
  const shared = sessionPorts(ports, ports.connector ?? socketConnector);
  const { target, via } = options;
  await warmUp(shared);
  const direct = await probeWay('direct', target, options, resolver, shared);
  const gateway = via === null ? null : await probeWay('gateway', via, options, resolver, shared);
  return { direct, gateway, verdict: judgeProbe(direct, gateway) };
}

type WayName = 'direct' | 'gateway';

/** Probes one URL: its name, every address, TLS, then requests at the first address that works. */
async function probeWay(
  label: WayName,
  url: URL,
  options: ProbeOptions,
  resolver: NameResolver,
  ports: SessionPorts,
): Promise<WayReport> {
  return await new ProbedWay(label, url, options, ports).run(resolver);
}

/** The header that `--write` sends once: larger than the 8 KiB that many servers take, smaller than what Candor takes. */
const largeHeaderBytes = 12 * 1024;

class ProbedWay {
  readonly #label: WayName;
  readonly #url: URL;
  readonly #options: ProbeOptions;
  readonly #ports: SessionPorts;
  /** The host of the URL, without brackets. */
  readonly #urlHost: string;
  readonly #port: number;
  /** As the Host header has it. */
  readonly #authority: string;
  readonly #name: string;
  readonly #tls: UpstreamTls | null;
  readonly #http2: boolean;

  constructor(label: WayName, url: URL, options: ProbeOptions, ports: SessionPorts) {
    this.#label = label;
    this.#url = url;
    this.#options = options;
    this.#ports = ports;
    this.#urlHost = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const isSecure = url.protocol === 'https:';
    this.#port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
    this.#authority = options.host ?? url.host;
    this.#name = options.host === null ? this.#urlHost : nameIn(options.host);
    // Gateways take HTTP/2 in clear text from other gateways, not from clients.
    this.#http2 = options.http2 && (isSecure || label === 'direct');
    this.#tls = isSecure ? { ...options.tls, serverName: this.#name, certificate: null, key: null } : null;
  }

  async run(resolver: NameResolver): Promise<WayReport> {
    const { requests, allowsWrite } = this.#options;
    this.#step('looking up the name');
    const { dns, addresses } = await resolveHost(this.#urlHost, resolver, this.#options, this.#ports);
    this.#step(addresses.length === 1 ? 'GET' : `GET at ${addresses.length} addresses`);
    const firsts = await Promise.all(addresses.map((address) => this.#first(address)));
    const chosen = choose(firsts);
    for (const { session } of firsts) if (session !== chosen?.session) session.close();
    const tls = await this.#inspect(chosen);
    let head: HttpReport | null = null;
    let series: SeriesReport | null = null;
    let write: WriteReport | null = null;
    if (chosen?.get != null) {
      const { session, get } = chosen;
      series = await runSeries(session, get, requests, () => this.#request('GET'), {
        ...this.#ports,
        seriesMs: this.#options.limits.seriesMs,
        onRequest: (number) => this.#step(`GET ${number} of ${requests}`),
      });
      session.close();
      if (get.failure === null) head = await this.#once(chosen, { ...this.#request('HEAD') });
      if (allowsWrite) write = await this.#write(chosen);
    }
    return {
      url: this.#url.href,
      host: this.#authority,
      dns,
      addresses: firsts.map(({ report }) => report),
      tls,
      get: chosen?.get ?? null,
      head,
      series,
      write,
    };
  }

  async #first(address: string): Promise<FirstRequest> {
    const session = new ProbeSession(this.#sessionTarget(address), this.#ports);
    const get = await session.request(this.#request('GET', this.#options.limits.bodyBytesMax));
    const dial = session.lastDial;
    const report: AddressReport = {
      address: hostPort(address, this.#port),
      connectMs: dial?.connectMs ?? null,
      tlsMs: dial?.tlsMs ?? null,
      status: get?.status ?? null,
      failure: dial?.failure ?? get?.failure ?? null,
    };
    return { address, session, get, report };
  }

  async #inspect(chosen: FirstRequest | null): Promise<WayReport['tls']> {
    if (this.#tls === null || chosen === null || chosen.report.connectMs === null) return null;
    this.#step('reading the certificate');
    const name = { name: this.#name, isName: isIP(this.#name) === 0 };
    const server = { address: chosen.address, port: this.#port, ...name, settings: this.#tls };
    return await reportTls(server, this.#options.limits.tlsMs, this.#ports.clock);
  }

  async #write(chosen: FirstRequest): Promise<WriteReport | null> {
    const body = new TextEncoder().encode('candor probe\n');
    const type = [['Content-Type', 'text/plain; charset=utf-8']] as const;
    const large = [['X-Candor-Probe', 'x'.repeat(largeHeaderBytes)]] as const;
    this.#step('POST');
    const post = await this.#once(chosen, { ...this.#request('POST', undefined, type), body });
    this.#step('GET with a large header');
    const largeHeader = await this.#once(chosen, this.#request('GET', undefined, large));
    this.#step('WebSocket');
    const handshake = this.#request('GET', undefined, webSocketHeaders(this.#ports.random));
    const webSocket = await this.#once(chosen, { ...handshake, upgrade: 'websocket' });
    return post === null || largeHeader === null || webSocket === null ? null : { post, largeHeader, webSocket };
  }

  /** A request on a connection of its own. Null if the connection cannot be made, although it could before. */
  async #once({ address }: FirstRequest, request: ProbeRequest): Promise<HttpReport | null> {
    this.#step(request.method);
    // A WebSocket is asked for as most clients do: by Upgrade, which HTTP/2 has not.
    const http2 = this.#http2 && request.upgrade === null;
    const session = new ProbeSession({ ...this.#sessionTarget(address), http2 }, this.#ports);
    const report = await session.request(request);
    session.close();
    return report;
  }

  #sessionTarget(host: string): SessionTarget {
    const { limits } = this.#options;
    return { host, port: this.#port, name: this.#name, tls: this.#tls, http2: this.#http2, limits };
  }

  #request(
    method: ProbeRequest['method'],
    bodyBytesMax = this.#options.limits.furtherBytesMax,
    more: ProbeRequest['headers'] = [],
  ): ProbeRequest {
    return {
      method,
      scheme: this.#tls === null ? 'http' : 'https',
      authority: this.#authority,
      target: `${this.#url.pathname}${this.#url.search}`,
      headers: [['User-Agent', this.#options.userAgent], ['Accept', '*/*'], ...more],
      upgrade: null,
      body: null,
      bodyBytesMax,
    };
  }

  #step(step: string): void {
    this.#ports.onStep(`${this.#label}: ${step}`);
  }
}

/** The first GET at an address, or the failure of its connection. */
interface FirstRequest {
  readonly address: string;
  readonly session: ProbeSession;
  readonly get: HttpReport | null;
  readonly report: AddressReport;
}

function choose(firsts: readonly FirstRequest[]): FirstRequest | null {
  const chosen = chosenAddress(firsts.map(({ report }) => report));
  return firsts.find(({ report }) => report === chosen) ?? null;
}

/** 'shop.test:8443' has the name 'shop.test'. */
function nameIn(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** V8 has compiled the paths of a request after so many. */
const requests = 3;
const limitMs = 1000;

/**
 * Sends a few requests to a server within this process, on a loopback port. Without it the first request of a probe took some
 * 8 ms longer than the second, most of it this program's own compilation, and would be shown as the server's time.
 */
async function warmUp(ports: SessionPorts): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwarm\n'));
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return; // Without a loopback address the first request is shown as it is.
  }
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  const plain = { host: '127.0.0.1', port, name: '127.0.0.1', tls: null, http2: false };
  const target = { ...plain, limits: limitsFor(limitMs) };
  const session = new ProbeSession(target, { ...ports, authorOf: () => null });
  for (let sent = 0; sent < requests; sent++) {
    await session.request({
      method: 'GET',
      scheme: 'http',
      authority: 'localhost',
      target: '/',
      headers: [],
      upgrade: null,
      body: null,
      bodyBytesMax: 100,
    });
  }
  session.close();
  server.close();
}
