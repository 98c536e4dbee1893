import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { createInterface } from 'node:readline';
import { nodeHttps } from '../admin/admin-tls.ts';
import { nodeHttp } from '../admin/node-http.ts';
import { apiRoot } from '../admin/operations.ts';
import type { Event } from '../core/event.ts';
import { type EventJson, eventOfJson } from '../core/event-json.ts';
import { after, type Clock } from '../core/time.ts';
import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';

/** The address of an admin API: a socket, or a URL with a token. */
export type AdminTarget =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'url'; readonly url: URL; readonly token: string; readonly trust?: AdminTrust };

/** Which certificate a gateway may show, instead of one that an authority of the system has issued for the host of the URL. */
interface AdminTrust {
  /** In PEM, in place of the authorities of the system; null: those. */
  readonly authorities: string | null;
  /**
   * The one in the gateway's configuration, in PEM: it is trusted by itself. Any other must be for the same host, since the address in the
   * configuration is seldom a name. Null: not known.
   */
  readonly certificate: string | null;
}

/** As people know it. */
export function targetText(target: AdminTarget): string {
  return target.kind === 'socket' ? target.path : target.url.origin;
}

/** A gateway that is alive answers its admin socket within milliseconds; a reload may have to read files. */
const answerMs = 10_000;
/** Far beyond any answer: the status of a thousand endpoints takes about 200 KB. */
const answerBytesMax = 64 * 1024 * 1024;

export type AdminResponse =
  | { readonly ok: true; readonly status: number; readonly body: unknown }
  | {
      readonly ok: false;
      readonly why: 'nobody_there' | 'not_permitted' | 'not_trusted' | 'timeout' | 'not_an_answer';
      readonly errno: string | null;
    };

/** For an answer that takes long and reports its progress line by line. */
interface StreamedResponse {
  /** The time limit for the whole answer. */
  readonly answerMs: number;
  /** Called with each line. The last line is the result. */
  readonly onLine: (line: unknown) => void;
}

/** Sends a request to the admin API of a gateway. Never rejects. */
export function askAdmin(
  target: AdminTarget,
  method: 'GET' | 'POST',
  path: string,
  clock: Clock,
  slow: StreamedResponse | null = null,
  body: object | null = null,
): Promise<AdminResponse> {
  return new Promise((resolve) => {
    const sent = requestTo(target, method, path);
    const timer = clock.schedule(
      after(clock.now(), slow?.answerMs ?? answerMs),
      () => {
        resolve({ ok: false, why: 'timeout', errno: null });
        sent.destroy();
      },
      null,
    );
    const end = (answer: AdminResponse): void => {
      timer.cancel();
      resolve(answer);
    };
    sent.on('error', (error: NodeJS.ErrnoException) => end(refusalOf(error)));
    sent.on('response', (response) => {
      const inLines = response.headers['content-type'] === 'application/x-ndjson';
      (inLines ? readLines(response, slow?.onLine ?? (() => {})) : readJson(response)).then(
        (body) => end({ ok: true, status: response.statusCode ?? 0, body }),
        (error: NodeJS.ErrnoException) => end({ ok: false, why: 'not_an_answer', errno: error.code ?? null }),
      );
    });
    if (body === null) sent.end();
    else sent.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  });
}

/** Redirects are not followed, so that the token reaches only the address that the user named. */
export function requestTo(
  target: AdminTarget,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
): ClientRequest {
  if (target.kind === 'socket')
    return nodeHttp.request({ socketPath: target.path, method, path, agent: false, headers });
  const { url, token, trust } = target;
  const options = { method, path, agent: false, headers: { ...headers, Authorization: `Bearer ${token}` } };
  if (url.protocol === 'http:') return nodeHttp.request(url, options);
  return nodeHttps().request(url, { ...options, ...trustOptions(trust ?? anyAuthority) });
}

const anyAuthority: AdminTrust = { authorities: null, certificate: null };

/** Errors that mean that no gateway is there: no socket, or no process that listens at the socket or address. */
const unreachableErrnos: readonly string[] = [
  'ENOENT',
  'ENOTSOCK',
  'ENOTDIR',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
];

function refusalOf(error: NodeJS.ErrnoException): AdminResponse {
  const errno = error.code ?? null;
  if (errno === 'EACCES' || errno === 'EPERM') return { ok: false, why: 'not_permitted', errno };
  if (isUntrusted(errno ?? '')) return { ok: false, why: 'not_trusted', errno };
  return { ok: false, why: unreachableErrnos.includes(errno ?? '') ? 'nobody_there' : 'not_an_answer', errno };
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error('The response is too large.');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** Parses each line as JSON. The last line is the result. */
async function readLines(response: IncomingMessage, onLine: (line: unknown) => void): Promise<unknown> {
  let last: unknown = null;
  for await (const line of createInterface({ input: response })) {
    last = JSON.parse(line);
    onLine(last);
  }
  if (!response.complete) throw new Error('The response was truncated.');
  return last;
}

/** A block of an event stream other than a comment. */
type StreamPart =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'gap'; readonly reason: string; readonly missed: number };

interface EventSubscription {
  /** How the stream ended: the gateway closed it, no connection was possible, or the gateway sent another response. */
  readonly ended: Promise<'ended' | 'nobody_there' | { readonly status: number; readonly body: unknown }>;
  close(): void;
}

/** Reads the events that a gateway holds; with `follow`, also the events that happen from now on. */
export function readEvents(
  target: AdminTarget,
  follow: boolean,
  onPart: (part: StreamPart) => void,
): EventSubscription {
  const sent = requestTo(target, 'GET', `${apiRoot}/events?follow=${follow}`);
  const ended: EventSubscription['ended'] = new Promise((resolve) => {
    sent.on('error', () => resolve('nobody_there'));
    sent.on('response', (response) => {
      if (response.statusCode !== 200) {
        const refused = (body: unknown): void => resolve({ status: response.statusCode ?? 0, body });
        readJson(response).then(refused, () => refused(null));
        return;
      }
      response.setEncoding('utf8');
      let rest = '';
      response.on('data', (chunk: string) => {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const part = parseBlock(block);
          if (part !== null) onPart(part);
        }
      });
      response.on('error', () => {});
      response.on('close', () => resolve('ended'));
    });
  });
  sent.end();
  return { ended, close: () => sent.destroy() };
}

/** Null for comments. */
export function parseBlock(block: string): StreamPart | null {
  // Splits at \n only, as the standard of event streams says: the "." and "$" of a pattern also stop at U+2028, which JSON
  // allows.
  const lines = block.split('\n');
  const data = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length);
  if (data === undefined) return null;
  if (lines.includes('event: gap')) {
    const { reason, missed } = JSON.parse(data) as { reason: string; missed: number };
    return { kind: 'gap', reason, missed };
  }
  return { kind: 'event', event: eventOfJson(JSON.parse(data) as EventJson) };
}

type TrustOptions = Pick<ConnectionOptions, 'ca' | 'checkServerIdentity'> & {
  /** A certificate may be trusted by itself, without the authority that has issued it. */
  readonly allowPartialTrustChain?: boolean;
};

/** How a connection to an admin API judges the certificate of the gateway. */
function trustOptions({ authorities, certificate }: AdminTrust): TrustOptions {
  const ca = authorities === null ? systemAuthorities() : [authorities];
  if (certificate === null) return { ca };
  const own = new X509Certificate(certificate); // The first: those behind it are authorities, which issue for others too.
  const { checkServerIdentity } = process.getBuiltinModule('node:tls');
  const host = own.subjectAltName?.match(/\bDNS:([-\w.]+)/)?.[1] ?? '';
  return {
    ca: [...ca, own.toString()],
    allowPartialTrustChain: true,
    checkServerIdentity: (_, shown) =>
      shown.fingerprint256 === own.fingerprint256 ? undefined : checkServerIdentity(host, shown),
  };
}

/**
 * How to judge the certificate of a gateway that has said itself, on a connection that is trusted, that it shows `certificate` (in PEM)
 * from now on.
 */
export function trustingToo(target: AdminTarget, certificate: string | null): AdminTarget {
  if (target.kind === 'socket' || target.url.protocol !== 'https:' || certificate === null) return target;
  return { ...target, trust: { authorities: target.trust?.authorities ?? null, certificate } };
}

/** Whether a later command with the same authorities (in PEM; null: those of the system) accepts the certificate, as far as can be told. */
export function isTrustedLater(certificate: string, authorities: string | null): boolean {
  const chain = certificatesOf(certificate);
  const [shown] = chain;
  if (shown === undefined) return false;
  // The list of the system is long, and has no certificate that is self-signed and no authority's.
  if (authorities === null) return shown.subject !== shown.issuer;
  return certificatesOf(authorities).some((authority) =>
    chain.some((one) => one.fingerprint256 === authority.fingerprint256 || one.verify(authority.publicKey)),
  );
}

function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** Node's list, and what the organisation of this machine has installed. */
function systemAuthorities(): string[] {
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
}

/** Node's codes for a certificate that was refused: results of OpenSSL's verification, and that it is for another host. */
const untrustedCodes =
  /^(?:CERT_|UNABLE_TO_(?:GET|VERIFY)_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_(?:CA|PURPOSE)$|ERR_TLS_CERT_ALTNAME_)/;

/** Whether this code of an error says that the certificate is not trusted. */
function isUntrusted(code: string): boolean {
  return untrustedCodes.test(code);
}
