import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { currentRequest } from './request-context.ts';

/** Whether calls to a host get the ids of the request: `example.org`, without a port. */
export type OutgoingRule = (host: string) => boolean;

/** A request of undici, which `fetch` uses too. Its headers are names and values in turn. */
interface UndiciRequest {
  readonly origin?: string | URL;
  readonly headers: unknown;
  addHeader(name: string, value: string): void;
}

/** A request of `node:http`. */
interface NodeRequest {
  readonly host: string;
  readonly headersSent: boolean;
  hasHeader(name: string): boolean;
  setHeader(name: string, value: string): void;
}

/**
 * Adds id and trace of the request to the calls that are made for it, unless the caller has set them. Node and undici publish each
 * call on a channel, in the context of the caller. The function returned ends it.
 */
export function passOn(allows: OutgoingRule): () => void {
  const onUndici = (message: unknown): void => {
    const { request } = message as { readonly request: UndiciRequest };
    const { hostname } = new URL(String(request.origin ?? 'http://unknown'));
    const names = Array.isArray(request.headers) ? request.headers.filter((_, at) => at % 2 === 0) : [];
    const set = new Set(names.map((name) => String(name).toLowerCase()));
    for (const [name, value] of headersFor(hostname, allows, (name) => set.has(name))) request.addHeader(name, value);
  };
  const onNode = (message: unknown): void => {
    const { request } = message as { readonly request: NodeRequest };
    // Of a request whose headers were given as a list, Node has written them already.
    if (request.headersSent) return;
    for (const [name, value] of headersFor(request.host, allows, (name) => request.hasHeader(name)))
      request.setHeader(name, value);
  };
  subscribe('undici:request:create', onUndici);
  subscribe('http.client.request.created', onNode);
  return () => {
    unsubscribe('undici:request:create', onUndici);
    unsubscribe('http.client.request.created', onNode);
  };
}

type Headers = readonly (readonly [name: string, value: string])[];

function headersFor(host: string, allows: OutgoingRule, has: (name: string) => boolean): Headers {
  const request = currentRequest();
  if (request === undefined || !allows(host)) return [];
  const { id, traceparent, tracestate } = request;
  // A tracestate belongs to its traceparent, which a tracer of the application may have set.
  const trace = has('traceparent') || traceparent === null ? [] : [['traceparent', traceparent] as const];
  const state = trace.length === 0 || tracestate === null ? [] : [['tracestate', tracestate] as const];
  return [...(has('x-request-id') ? [] : [['x-request-id', id] as const]), ...trace, ...state];
}
