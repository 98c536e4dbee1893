import type { ServerResponse } from 'node:http';
import type { ProblemDetails } from '../core/schemas/answers.ts';
import { jsonOf } from '../record/json-text.ts';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

function problemDetailsOf(status: number, detail: string, errors?: readonly string[]): ProblemDetails {
  const title = titles[status] ?? 'Error';
  return { type: 'about:blank', title, status, detail, ...(errors === undefined ? {} : { errors }) };
}

/**
 * Headers of every response: it is only for its requester (no cache), has the type that it names, and is shown in no
 * page. There are no CORS headers: no other origin may read a response.
 */
export function protect(response: ServerResponse): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Referrer-Policy', 'no-referrer');
}

export function sendJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, 'application/json', `${jsonOf(value)}\n`);
}

export function sendProblem(
  response: ServerResponse,
  status: number,
  detail: string,
  errors?: readonly string[],
): void {
  const details: ProblemDetails = problemDetailsOf(status, detail, errors);
  send(response, status, 'application/problem+json', `${jsonOf(details)}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, content: string): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(content),
  });
  response.end(content);
}

/** Sends content that was put together in parts, without joining them. */
export function sendParts(
  response: ServerResponse,
  status: number,
  contentType: string,
  parts: readonly Uint8Array[],
): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': parts.reduce((sum, { length }) => sum + length, 0),
  });
  for (const part of parts) response.write(part);
  response.end();
}
