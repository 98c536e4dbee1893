import type { BodySink, BodyTransform, Filter, FilterContext, FilterResponseHead } from '../../core/filter.ts';
import { hasNoBody, type MessageHeaders } from '../../core/message.ts';
import type { ReplacementSpec } from './settings.ts';
import { TextReplacing, TextSearch } from './worker-search.ts';

const textTypes =
  /^(?:text\/(?!event-stream)[^;]*|application\/(?:json|javascript|x-javascript|xml|manifest\+json|[^;]*\+(?:json|xml))|image\/svg\+xml)$/;

/** They say something of the bytes of the application. */
const headersRemoved = [
  'accept-ranges',
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
  'etag',
  'last-modified',
];

/** Replaces texts in bodies of what endpoints send. Requests of the route ask for no coding and no ranges (`requestHeadersRemoved`). */
export class ReplacementFilter implements Filter {
  readonly name = 'replace_text';
  readonly stage = 'rewrite';
  readonly #search: TextSearch;
  readonly #bytesMax: number;
  readonly #isAscii: boolean;

  constructor({ pairs, bytesMax }: ReplacementSpec) {
    this.#search = new TextSearch(pairs);
    this.#bytesMax = bytesMax ?? Infinity;
    this.#isAscii = pairs.every((pair) => pair.every((text) => /^[\x00-\x7f]*$/.test(text)));
  }

  onResponseHead(exchange: FilterContext, head: FilterResponseHead): void {
    if (!this.#mayChange(exchange, head)) return;
    exchange.setState(this, true);
    for (const name of headersRemoved) head.remove(name);
  }

  changesResponseBody(exchange: FilterContext): boolean {
    return exchange.getState(this) === true;
  }

  responseBody(exchange: FilterContext, _: FilterResponseHead, sink: BodySink): BodyTransform | null {
    return exchange.getState(this) === true ? new ReplacementBody(this.#search, sink) : null;
  }

  #mayChange({ request, endpoint, isFromSource }: FilterContext, head: FilterResponseHead): boolean {
    if (endpoint === null || isFromSource) return false; // A file: of it also ranges and codings are sent, and all parts have to fit together.
    if (head.status === 204 || head.status === 206 || head.status === 304) return false;
    if (hasNoBody(head.framing) && request.method !== 'HEAD') return false;
    const coding = head.get('content-encoding');
    if (coding !== null && coding.trim().toLowerCase() !== 'identity') return false;
    if (head.contentLength > this.#bytesMax) return false;
    const [type = '', ...parameters] = (head.get('content-type') ?? '').toLowerCase().split(';');
    return textTypes.test(type.trim()) && (this.#isAscii || isUtf8(parameters));
  }
}

/** Texts are sought as UTF-8. */
function isUtf8(parameters: readonly string[]): boolean {
  const charset = parameters.find((parameter) => /^\s*charset\s*=/.test(parameter));
  return charset === undefined || /=\s*"?(?:utf-?8|us-ascii)"?\s*$/.test(charset);
}

class ReplacementBody implements BodyTransform {
  readonly #replacing: TextReplacing;
  readonly #sink: BodySink;

  constructor(search: TextSearch, sink: BodySink) {
    this.#replacing = new TextReplacing(search);
    this.#sink = sink;
  }

  push(bytes: Uint8Array, start: number, end: number): boolean {
    const changed = this.#replacing.push(bytes.subarray(start, end));
    return this.#sink.write(changed, 0, changed.length, 'owned');
  }

  end(trailers: MessageHeaders | null): void {
    const rest = this.#replacing.end();
    this.#sink.write(rest, 0, rest.length, 'owned');
    this.#sink.end(trailers);
  }
}
