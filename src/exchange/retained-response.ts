import { eachHeaderLine } from '../core/header-lines.ts';
import { type HeaderFilter, headerFilter } from '../core/header-names.ts';
import { type HeaderLine, LineHeaders } from '../core/line-headers.ts';
import type { MessageHeaders, ResponseHead } from '../core/message.ts';
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
  return { status, reason, version, framing, contentLength, headers: copyHeaders(headers) };
}

const dropNothing = headerFilter([]);

/** A copy of header lines, in their order and spelling. */
export function copyHeaders(source: MessageHeaders): MessageHeaders {
  return new LineHeaders(copyLines(source, dropNothing));
}

export function headersWithout(source: MessageHeaders, drop: HeaderFilter): MessageHeaders {
  return new LineHeaders(copyLines(source, drop));
}

/** Null: none is left. */
export function trailersWithout(source: MessageHeaders, drop: HeaderFilter): MessageHeaders | null {
  const lines = copyLines(source, drop);
  return lines.length === 0 ? null : new LineHeaders(lines);
}

export function copyLines(source: MessageHeaders, drop: HeaderFilter): HeaderLine[] {
  const lines: HeaderLine[] = [];
  const header = (name: string, value: string): void => void lines.push([name, value]);
  source.writeTo({ header, headerLines: (bytes, start, end) => eachHeaderLine(bytes, start, end, header) }, drop);
  return lines;
}
