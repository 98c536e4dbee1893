import type { OriginRequestHead } from './origin-request.ts';

/**
 * The behaviour of an origin, step by step. Scripts are data, so that they can be read, counted and created by other code. A
 * script without an end is a generator.
 */
export type Step =
  | { readonly do: 'send'; readonly bytes: Uint8Array }
  | { readonly do: 'pause'; readonly ms: number }
  /** FIN after the sent bytes. Bytes that the peer still sends are read and discarded. */
  | { readonly do: 'fin' }
  /** RST at once. */
  | { readonly do: 'reset' }
  /** Stops reading from the peer. */
  | { readonly do: 'stop-reading' }
  /** The response is complete: the next request on this connection may come. */
  | { readonly do: 'keep' };

/** The steps after a request. If they run out without an end, the connection stays open and silent. */
export type Script = Iterable<Step>;

/** A request as the origin sees it. */
export interface OriginRequest extends OriginRequestHead {
  /** 1 for the first request on its connection. */
  readonly numberOnConnection: number;
  /** The whole body, if the script waits for it; else the bytes that have come. */
  readonly body: Uint8Array;
}

export function send(bytes: string | Uint8Array): Step {
  return { do: 'send', bytes: typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes };
}

export function pause(ms: number): Step {
  return { do: 'pause', ms };
}

export const fin: Step = { do: 'fin' };
export const reset: Step = { do: 'reset' };
export const stopReading: Step = { do: 'stop-reading' };
export const keep: Step = { do: 'keep' };

/**
 * Long enough that the bytes before and after it reach the peer in two reads, so that the result does not depend on TCP
 * segments; short against any timeout.
 */
export const apart: Step = pause(50);

/** A response with a length, and a connection that stays open. `headers` are whole lines without line ends. */
export function* answer(status: string, body: string | Uint8Array, headers: readonly string[] = []): Generator<Step> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const head = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${bytes.length}`, '', ''].join('\r\n');
  yield send(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  yield keep;
}

export function page(title: string): string {
  return `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1></html>\n`;
}

export const htmlType = 'Content-Type: text/html; charset=utf-8';
export const textType = 'Content-Type: text/plain; charset=utf-8';
