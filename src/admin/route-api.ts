import type { ServerResponse } from 'node:http';
import { snakeCased } from '../core/json-case.ts';
import type { RouteQuestion } from '../control/explain-route.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { sendJson, sendProblem } from './answer.ts';
import type { ReadParameters } from './search-parameters.ts';

/** `GET /v2/route` */
export function sendRoute(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'explainRoute'>,
  response: ServerResponse,
): void {
  const read = readQuestion(searchParams);
  if (!read.ok) return sendProblem(response, 400, read.problem);
  sendJson(response, 200, snakeCased(gateway.explainRoute(read.value)));
}

/** The path stays as it is written: a URL parser would resolve what the router has to. */
function readQuestion(parameters: URLSearchParams): ReadParameters<RouteQuestion> {
  const url = parameters.get('url') ?? '';
  const parts = /^https?:\/\/([^/?#@\s]+)([^#\s]*)(?:#\S*)?$/i.exec(url);
  if (parts === null) return { ok: false, problem: 'url is http://host/path or https://host/path.' };
  const method = parameters.get('method') ?? 'GET';
  if (!/^[\w!#$%&'*+.^`|~-]{1,32}$/.test(method))
    return { ok: false, problem: 'method is a method of HTTP, such as GET.' };
  const headers = new Map<string, string>();
  for (const line of parameters.getAll('header')) {
    const colon = line.indexOf(':');
    if (colon < 1) return { ok: false, problem: 'header is a name, a colon and a value, such as X-Beta: 1.' };
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const [, authority = '', rest = ''] = parts;
  const target = rest.startsWith('/') ? rest : `/${rest}`;
  return { ok: true, value: { method, authority: authority.toLowerCase(), target, headers } };
}
