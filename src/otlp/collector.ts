import type { IncomingMessage } from 'node:http';
import type { OtlpSpec } from '../core/configuration.ts';
import type { OtlpSignal } from '../core/otlp-counts.ts';
import { timeoutSignal } from '../system/timeout-signal.ts';
import type { CollectorResponse } from './judge-response.ts';

/** An answer of a collector has some hundred bytes. */
const bodyBytesMax = 64 * 1024;

/** Why no response came, in words. */
interface NoResponse {
  readonly why: string;
}

/**
 * Sends requests to the collector over HTTP/1.1 connections that are kept. Node's HTTP is loaded at the first use, and only in this thread. A
 * redirect is not followed: credentials in headers are for the collector alone.
 */
export class Collector {
  readonly #spec: OtlpSpec;
  readonly #module: typeof import('node:http') | typeof import('node:https');
  readonly #agent: import('node:http').Agent;

  #pending = 0;
  #isClosing = false;

  constructor(spec: OtlpSpec) {
    this.#spec = spec;
    const options = { keepAlive: true, maxSockets: 3 };
    if (spec.endpoint.startsWith('https:')) {
      const https = process.getBuiltinModule('node:https');
      const { authorities, identity } = spec;
      this.#module = https;
      this.#agent = new https.Agent({
        ...options,
        ...(authorities.length === 0 ? {} : { ca: [...authorities] }),
        ...(identity === null ? {} : { cert: identity.certificate, key: identity.key }),
      });
    } else {
      const http = process.getBuiltinModule('node:http');
      this.#module = http;
      this.#agent = new http.Agent(options);
    }
  }

  /** Never rejects. */
  post(
    signal: OtlpSignal,
    body: Uint8Array,
    timeoutMs = this.#spec.timeoutMs,
  ): Promise<CollectorResponse | NoResponse> {
    this.#pending += 1;
    return this.#send(signal, body, timeoutMs)
      .catch((error: unknown) => ({ why: whyOf(error) }))
      .finally(() => {
        this.#pending -= 1;
        if (this.#isClosing) this.close();
      });
  }

  /** Rejects where Node makes no request of it, such as one with a header that it does not allow. */
  async #send(signal: OtlpSignal, content: Uint8Array, timeoutMs: number): Promise<CollectorResponse | NoResponse> {
    const { endpoint, headers, format, compression } = this.#spec;
    const isCompressed = compression === 'gzip';
    const body = isCompressed ? compressed(content) : content;
    return new Promise((resolve) => {
      const abort = timeoutSignal(timeoutMs);
      const fail = (error: unknown): void =>
        resolve({ why: abort.aborted ? `it did not answer within ${Math.ceil(timeoutMs) / 1000} s` : whyOf(error) });
      const attempt = (isSecond: boolean): void => {
        const request = this.#module.request(`${endpoint}/v1/${signal}`, {
          method: 'POST',
          agent: this.#agent,
          signal: abort,
          headers: {
            ...headers,
            'content-type': format === 'json' ? 'application/json' : 'application/x-protobuf',
            'content-length': String(body.length),
            ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
          },
        });
        request.on('error', (error: NodeJS.ErrnoException) => {
          // The collector has closed an idle connection at the same moment, and is well.
          if (!isSecond && request.reusedSocket && closedCodes.has(error.code ?? '')) attempt(true);
          else fail(error);
        });
        request.on('response', (response) => {
          readBody(response).then((bytes) => resolve(responseOf(response, bytes)), fail);
        });
        request.end(body);
      };
      attempt(false);
    });
  }

  /** Closes its connections once the requests in flight have ended. */
  close(): void {
    this.#isClosing = true;
    if (this.#pending === 0) this.#agent.destroy();
  }
}

/** Synchronously: this thread has nothing else to do, and the thread pool is for files and names. The fastest level: lines are much alike. */
function compressed(content: Uint8Array): Uint8Array {
  return process.getBuiltinModule('node:zlib').gzipSync(content, { level: 1 });
}

async function readBody(response: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > bodyBytesMax) {
      response.destroy();
      break;
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function responseOf({ statusCode = 0, headers }: IncomingMessage, body: Uint8Array): CollectorResponse {
  return {
    status: statusCode,
    contentType: headers['content-type'] ?? '',
    retryAfter: headers['retry-after'] ?? null,
    date: headers.date ?? null,
    body,
  };
}

const closedCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

const reasons: Readonly<Record<string, string>> = {
  ERR_INVALID_CHAR: 'a header below "headers" or "header_files" has a character that HTTP does not allow',
  ECONNREFUSED: 'it refuses connections: nothing listens there',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve now',
  ECONNRESET: 'it closed the connection before it answered',
  EPIPE: 'it closed the connection before it answered',
  ETIMEDOUT: 'it cannot be connected to: no answer',
  EHOSTUNREACH: 'it cannot be connected to: no route to the host',
  ENETUNREACH: 'it cannot be connected to: no route to the network',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; name it in "ca_file"',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted; name that in "ca_file"',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that is not trusted; name that in "ca_file"',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that is not trusted; name that in "ca_file"',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it wants a certificate of the gateway; name one in "certificate_file"',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the authority of the certificate in "certificate_file"',
};

/** In words, by the code of the error; its text may hold anything. */
function whyOf(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code.startsWith('HPE_')) return 'it sent no HTTP';
  return reasons[code] ?? `the connection failed${code === '' ? '' : ` (${code})`}`;
}
