import type { Failure } from '#failures/failure.ts';
import type {
  BodySink,
  BodyTransform,
  Filter,
  FilterAnswer,
  FilterContext,
  FilterDecision,
  FilterResponseHead,
} from '../../src/core/filter.ts';
import type { MessageHeaders } from '../../src/core/message.ts';
import { after, type Timer } from '../../src/core/time.ts';

/** Suspends every request, as a filter does that asks an authorization service. */
export class Authorizing implements Filter {
  readonly name = 'authorizing';
  readonly asked: FilterContext[] = [];
  readonly cancelled: FilterContext[] = [];

  onRequestHead(exchange: FilterContext): FilterDecision {
    exchange.setState(this, this.asked.length);
    this.asked.push(exchange);
    return 'suspend';
  }

  onCancelled(exchange: FilterContext): void {
    this.cancelled.push(exchange);
  }

  /** The service has answered, for the request that was asked about last. */
  decide(decision: Exclude<FilterDecision, 'suspend'>): void {
    const exchange = this.asked.at(-1);
    exchange?.resume(this, decision);
  }
}

/** Notes when it is called, and adds its name to a header of the response. */
export class Noting implements Filter {
  readonly name: string;
  readonly #calls: string[];

  constructor(name: string, calls: string[]) {
    this.name = name;
    this.#calls = calls;
  }

  onRequestHead(): FilterDecision {
    this.#calls.push(`request ${this.name}`);
    return 'continue';
  }

  onResponseHead(_: FilterContext, head: FilterResponseHead): void {
    this.#calls.push(`response ${this.name}`);
    head.add('X-Passed', this.name);
  }
}

export class Answering implements Filter {
  readonly name = 'answering';
  readonly #answer: FilterAnswer | Failure;

  constructor(answer: FilterAnswer | Failure) {
    this.#answer = answer;
  }

  onRequestHead(): FilterDecision {
    return this.#answer;
  }
}

export function textAnswer(status: number, text: string): FilterAnswer {
  return { status, headers: [['Content-Type', 'text/plain']], body: Buffer.from(text) };
}

/** A filter of one method or two. */
export function filterOf(methods: Omit<Filter, 'name'>, name = 'small'): Filter {
  return { name, ...methods };
}

/** Makes letters upper case, at once. */
class UpperCase implements BodyTransform {
  readonly #sink: BodySink;

  constructor(sink: BodySink) {
    this.#sink = sink;
  }

  push(bytes: Uint8Array, start: number, end: number): boolean {
    const changed = Buffer.from(Buffer.from(bytes.slice(start, end)).toString('latin1').toUpperCase(), 'latin1');
    return this.#sink.write(changed, 0, changed.length, 'owned');
  }

  end(trailers: MessageHeaders | null): void {
    this.#sink.end(trailers);
  }
}

export const upperCase = filterOf(
  {
    requestBody: (_, sink) => new UpperCase(sink),
    responseBody: (_exchange, _head, sink) => new UpperCase(sink),
  },
  'upper-case',
);

/** Takes one slice at a time and writes it 5 ms later, as a transform does that works in another thread. */
export class Delaying implements BodyTransform {
  readonly #sink: BodySink;
  readonly #exchange: FilterContext;
  #held: Uint8Array[] = [];
  #ending: { readonly trailers: MessageHeaders | null } | null = null;
  #blocked = false;
  #timer: Timer | null = null;
  heldMax = 0;
  closed = false;

  constructor(exchange: FilterContext, sink: BodySink) {
    this.#exchange = exchange;
    this.#sink = sink;
  }

  push(bytes: Uint8Array, start: number, end: number): boolean {
    this.#held.push(new Uint8Array(bytes.subarray(start, end))); // A copy: the bytes are borrowed, and `slice` of a Buffer makes none.
    this.heldMax = Math.max(this.heldMax, this.#held.length);
    this.#later();
    return false;
  }

  end(trailers: MessageHeaders | null): void {
    this.#ending = { trailers };
    this.#later();
  }

  onRoom(): void {
    this.#blocked = false;
    this.#later();
  }

  close(): void {
    this.closed = true;
    this.#timer?.cancel();
  }

  #later(): void {
    const { clock } = this.#exchange;
    this.#timer ??= clock.schedule(after(clock.now(), 5), writeLater, this);
  }

  onLater(): void {
    this.#timer = null;
    const bytes = this.#held.shift();
    if (bytes !== undefined) this.#blocked = !this.#sink.write(bytes, 0, bytes.length, 'owned');
    if (this.#blocked || this.closed) return;
    if (this.#held.length > 0) return this.#later();
    if (this.#ending === null) return this.#sink.resumeSender();
    this.closed = true;
    this.#sink.end(this.#ending.trailers);
  }
}

function writeLater(transform: Delaying): void {
  transform.onLater();
}

/** Delays both bodies. */
export const delayingBothBodies = filterOf(
  {
    requestBody: (exchange, sink) => new Delaying(exchange, sink),
    responseBody: (exchange, _head, sink) => new Delaying(exchange, sink),
  },
  'delaying',
);

/** Suspends every request for so long, and lets it go on. */
export function suspendingFor(ms: number): Filter {
  const filter: Filter = filterOf(
    {
      onRequestHead(exchange) {
        const { clock } = exchange;
        clock.schedule(after(clock.now(), ms), resumeLater, () => exchange.resume(filter, 'continue'));
        return 'suspend';
      },
    },
    'suspending',
  );
  return filter;
}

function resumeLater(resume: () => void): void {
  resume();
}
