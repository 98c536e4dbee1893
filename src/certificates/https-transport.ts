import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { rootCertificates } from 'node:tls';
import { failWith, type Result, succeed } from '#failures/result.ts';
import type {
  AcmeRequest,
  AcmeResponse,
  AcmeTransport,
  TransportFailure,
  TransportFailureReason,
} from './acme-transport.ts';

/** No document of a CA is nearly as large. */
const bodyBytesMax = 1024 * 1024;

/** Sends requests over HTTP/1.1, a connection each. It sets no time limit: its caller aborts. */
export class HttpsTransport implements AcmeTransport {
  readonly #authorities: string[] | undefined;

  /** `authorities`: root certificates in PEM that are trusted beside those of Node. */
  constructor(authorities: readonly string[] = []) {
    this.#authorities = authorities.length === 0 ? undefined : [...rootCertificates, ...authorities];
  }

  send(
    { method, url, headers, body }: AcmeRequest,
    signal: AbortSignal,
  ): Promise<Result<AcmeResponse, TransportFailure>> {
    return new Promise((resolve) => {
      const isSecure = url.startsWith('https:');
      const ca = isSecure && this.#authorities !== undefined ? { ca: this.#authorities } : {};
      const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const options = { method, headers: { ...headers, ...length }, agent: false as const, signal, ...ca };
      const fail = (error: unknown) => resolve(failWith(failureFrom(error)));
      const request = (isSecure ? requestHttps : requestHttp)(url, options, (response) => {
        read(response).then(
          (text) => resolve(text === null ? failWith(tooLarge) : succeed(answerFrom(response, text))),
          fail,
        );
      });
      request.on('error', fail);
      request.end(body ?? undefined);
    });
  }
}

const tooLarge: TransportFailure = { reason: 'garbage', code: '' };

/** Null: it is larger than it may be. */
async function read(response: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bodyBytesMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function answerFrom({ statusCode, headers }: IncomingMessage, body: string): AcmeResponse {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value]] : [],
  );
  return { status: statusCode ?? 0, headers: Object.fromEntries(entries), body };
}

function failureFrom(error: unknown): TransportFailure {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return { reason: reasons[code] ?? reasonByFamily(code), code };
}

const reasons: Readonly<Record<string, TransportFailureReason>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_not_found',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  ABORT_ERR: 'timeout',
  CERT_NOT_YET_VALID: 'certificate_time',
  CERT_HAS_EXPIRED: 'certificate_time',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate',
};

function reasonByFamily(code: string): TransportFailureReason {
  if (code.startsWith('HPE_')) return 'garbage';
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') ? 'tls' : 'unreachable';
}
