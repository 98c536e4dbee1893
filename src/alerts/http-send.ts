import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { rootCertificates } from 'node:tls';

/** No answer that says what is wrong is longer. */
const bodyBytesMax = 16 * 1024;

interface JsonRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Root certificates in PEM that are trusted beside those of Node. */
  readonly ca: readonly string[];
}

export interface ReceivedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Its beginning. */
  readonly body: string;
}

/** A POST over HTTP/1.1 on a connection of its own; follows no redirect. Rejects as `node:http` does. */
export function sendJson({ url, headers, body, ca }: JsonRequest, signal: AbortSignal): Promise<ReceivedResponse> {
  return new Promise((resolve, reject) => {
    const isSecure = url.startsWith('https:');
    const trusted = isSecure && ca.length > 0 ? { ca: [...rootCertificates, ...ca] } : {};
    const length = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) };
    const options = { method: 'POST', headers: { ...headers, ...length }, agent: false as const, signal, ...trusted };
    const request = (isSecure ? requestHttps : requestHttp)(url, options, (response) => {
      readBeginning(response).then((text) => resolve(responseOf(response, text)), reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The rest of a longer body is not waited for. */
async function readBeginning(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= bodyBytesMax) break;
  }
  return Buffer.concat(parts).subarray(0, bodyBytesMax).toString();
}

function responseOf({ statusCode, headers }: IncomingMessage, body: string): ReceivedResponse {
  const texts = Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []));
  return { status: statusCode ?? 0, headers: Object.fromEntries(texts), body };
}
