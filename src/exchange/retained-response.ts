import { type ContentKind, contentKindOfText } from '../core/content-kind.ts';
import { eachHeaderLine } from '../core/header-lines.ts';
import { beginsAsClaim, type HeaderFilter, headerFilter, headerId, knownHeaderNames } from '../core/header-names.ts';
import type { MessageHeaders, HeaderSink, ResponseHead } from '../core/message.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import type { ResponseHold } from './response-hold.ts';

/** A complete response that was not sent to the client, because a retry followed. It is sent if no retry gets a better one. */
export interface RetainedResponse {
  readonly head: ResponseHead;
  readonly hold: ResponseHold | null;
  readonly trailers: MessageHeaders | null;
  readonly grpcStatus: number | null;
  /** That has answered. */
  readonly release: EndpointRelease | null;
}

/** A copy of `head` that outlives its attempt: the connection uses the memory of its heads again. */
export function copyHead(head: ResponseHead): ResponseHead {
  const { status, reason, version, framing, contentLength, headers } = head;
  return { status, reason, version, framing, contentLength, headers: new CopiedHeaders(headers) };
}

const dropNothing = headerFilter([]);

/** Header lines as text, in their order and spelling. */
export class CopiedHeaders implements MessageHeaders {
  readonly #lines: (readonly [name: string, value: string])[] = [];

  constructor(source: MessageHeaders) {
    const header = (name: string, value: string): void => void this.#lines.push([name, value]);
    source.writeTo(
      { header, headerLines: (bytes, start, end) => eachHeaderLine(bytes, start, end, header) },
      dropNothing,
    );
  }

  get(name: string): string | null {
    const values = this.#lines.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  }

  has(name: string): boolean {
    return this.#lines.some(([candidate]) => candidate.toLowerCase() === name);
  }

  hasId(id: number): boolean {
    return this.has(knownHeaderNames[id] ?? '');
  }

  contentKind(): ContentKind {
    return contentKindOfText(this.get('content-type'));
  }

  each(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.#lines) visit(name.toLowerCase(), value);
  }

  writeTo(sink: HeaderSink, drop: HeaderFilter): void {
    for (const [name, value] of this.#lines) if (!isDropped(name.toLowerCase(), drop)) sink.header(name, value);
  }
}

function isDropped(name: string, drop: HeaderFilter): boolean {
  const id = headerId(name);
  if (id > 0) return drop.known[id] === 1;
  return drop.others?.has(name) === true || (drop.claims && beginsAsClaim(name));
}
