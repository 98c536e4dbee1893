import { assert } from '../core/assert.ts';
import { eachHeaderLine } from '../core/header-lines.ts';
import type { FilterResponseHead } from '../core/filter.ts';
import type { HeaderSink, Framing, OutgoingResponse } from '../core/message.ts';
import { reasonPhrase } from '../wire/reason-phrases.ts';

type HeaderLine = readonly [name: string, value: string];

/** A response head that filters may change. Its headers are read only when a filter looks at one. */
export class EditedResponse implements OutgoingResponse, FilterResponseHead {
  framing: Framing;
  contentLength: number;
  readonly #base: OutgoingResponse;
  #status: number;
  #lines: HeaderLine[] | null = null;
  #replacement: Uint8Array | null = null;

  constructor(base: OutgoingResponse) {
    this.#base = base;
    this.#status = base.status;
    this.framing = base.framing;
    this.contentLength = base.contentLength;
  }

  get status(): number {
    return this.#status;
  }

  set status(status: number) {
    assert(Number.isInteger(status) && status >= 200 && status <= 599, 'the status of a final response is 200 to 599');
    this.#status = status;
  }

  get reason(): string {
    return this.#status === this.#base.status ? this.#base.reason : reasonPhrase(this.#status);
  }

  get upgrade(): string | null {
    return this.#status === 426 ? this.#base.upgrade : null;
  }

  get priority(): string | null {
    return this.#lines === null ? this.#base.priority : this.get('priority');
  }

  get(name: string): string | null {
    const wanted = name.toLowerCase();
    const values = this.#read().filter(([candidate]) => candidate.toLowerCase() === wanted);
    return values.length === 0 ? null : values.map(([, value]) => value).join(', ');
  }

  set(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  add(name: string, value: string): void {
    assertHeader(name, value);
    this.#read().push([name, value]);
  }

  remove(name: string): void {
    const unwanted = name.toLowerCase();
    this.#lines = this.#read().filter(([candidate]) => candidate.toLowerCase() !== unwanted);
  }

  get replacement(): Uint8Array | null {
    return this.#replacement;
  }

  replaceBody(bytes: Uint8Array): void {
    this.#replacement = bytes;
    this.framing = { kind: 'length', bytes: bytes.length };
    this.contentLength = bytes.length;
  }

  writeHeaders(sink: HeaderSink): void {
    if (this.#lines === null) return this.#base.writeHeaders(sink);
    for (const [name, value] of this.#lines) sink.header(name, value);
  }

  #read(): HeaderLine[] {
    return (this.#lines ??= linesOf(this.#base));
  }
}

/** Headers of filters are trusted no more than those of endpoints: none may end its line, or change the framing. */
export function assertHeader(name: string, value: string): void {
  assert(token.test(name), 'the name of a header is a token');
  assert(!framingHeaders.has(name.toLowerCase()), 'filters do not write framing headers');
  assert(headerValue.test(value), 'the value of a header is visible text');
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

const framingHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

function linesOf(response: OutgoingResponse): HeaderLine[] {
  const lines: HeaderLine[] = [];
  response.writeHeaders({
    header: (name, value) => void lines.push([name, value]),
    headerLines: (bytes, start, end) =>
      eachHeaderLine(bytes, start, end, (name, value) => void lines.push([name, value])),
  });
  return lines;
}
