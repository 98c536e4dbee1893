import type { StatusJson, Dated } from './model.ts';
import type { PageClock } from './system.ts';

export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** `since`: the last time that the gateway was heard of, in milliseconds since the Unix epoch. */
  | { readonly kind: 'stale'; readonly since: number }
  /** The session has ended, or there was none. */
  | { readonly kind: 'signed_out' };

interface StatusFollowerOptions {
  readonly fetch: (path: string, init: { readonly signal: AbortSignal }) => Promise<Response>;
  readonly clock: PageClock;
  readonly onStatus: (status: StatusJson) => void;
  readonly onConnection: (connection: Connection) => void;
}

/** A stream says something at least every 15 s. */
const silenceMsMax = 20_000;
const retryMs = [250, 500, 1000, 2000, 5000] as const;

/** Keeps the status of the gateway current: follows its stream, reconnects, and says since when it is stale. */
export class StatusFollower {
  readonly #options: StatusFollowerOptions;
  #status: StatusJson | null = null;
  #receivedAt: number | null = null;
  #failures = 0;
  #stopped = false;
  #abort = new AbortController();
  #cancelTimer = (): void => {};

  constructor(options: StatusFollowerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = false;
    this.#options.onConnection({ kind: 'connecting' });
    void this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
    this.#abort.abort();
  }

  async #connect(): Promise<void> {
    this.#abort = new AbortController();
    try {
      const response = await this.#ask('/v1/live?elements=true');
      if (this.#stopped) return;
      if (response.status === 401) return this.#options.onConnection({ kind: 'signed_out' });
      if (!response.ok || response.body === null) return this.#lost();
      await this.#follow(response.body);
    } catch {
      // No connection, or it ended within the stream: both mean that the gateway is not there now.
      return this.#lost();
    }
    this.#lost();
  }

  #ask(path: string): Promise<Response> {
    this.#watchSilence();
    return this.#options.fetch(path, { signal: this.#abort.signal });
  }

  async #follow(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const events = new StreamEvents();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#stopped) return;
      this.#watchSilence();
      this.#receivedAt = this.#options.clock.wallTime();
      for (const event of events.take(decoder.decode(value, { stream: true }))) this.#takeEvent(event);
    }
  }

  #takeEvent({ name, data }: StreamedEvent): void {
    if (name === 'status') this.#take(this.#dated(JSON.parse(data) as StatusJson));
    if (this.#status === null) return;
    if (name === 'change') this.#take({ ...this.#status, ...this.#dated(JSON.parse(data) as Partial<StatusJson>) });
    if (name === 'elements') {
      const changed = this.#dated(JSON.parse(data) as Partial<StatusJson>) as ChangedElements;
      this.#take({ ...this.#status, ...withElements(this.#status, changed) });
    }
  }

  #dated<S extends Partial<StatusJson>>(sent: S): S {
    return withMoments(sent, this.#options.clock.wallTime());
  }

  #take(status: StatusJson): void {
    this.#status = status;
    this.#receivedAt = this.#options.clock.wallTime();
    this.#failures = 0;
    this.#options.onStatus(status);
    this.#options.onConnection({ kind: 'live' });
  }

  #lost(): void {
    if (this.#stopped) return;
    const { clock, onConnection } = this.#options;
    onConnection({ kind: 'stale', since: this.#receivedAt ?? clock.wallTime() });
    this.#later(retryMs[Math.min(this.#failures, retryMs.length - 1)] as number);
    this.#failures += 1;
  }

  #later(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(ms, () => void this.#connect());
  }

  #watchSilence(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(silenceMsMax, () => this.#abort.abort());
  }
}

/** An event of a stream of server-sent events. */
interface StreamedEvent {
  /** 'message' if the stream names none. */
  readonly name: string;
  readonly data: string;
}

/** Takes the text of a stream in parts, and returns the events that are complete (WHATWG HTML, "Server-sent events"). */
export class StreamEvents {
  #rest = '';
  #name = '';
  #data: string[] = [];

  take(text: string): StreamedEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    const events: StreamedEvent[] = [];
    for (const line of lines) {
      if (line === '') events.push(...this.#dispatch());
      else this.#field(line);
    }
    return events;
  }

  #field(line: string): void {
    // A line that begins with a colon is a comment: its name is empty.
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#name = value;
    else if (name === 'data') this.#data.push(value);
  }

  #dispatch(): StreamedEvent[] {
    const [name, data] = [this.#name || 'message', this.#data.join('\n')];
    const isEmpty = this.#data.length === 0;
    this.#name = '';
    this.#data = [];
    return isEmpty ? [] : [{ name, data }];
  }
}

/** A status, or members of one, as a gateway has sent it. */
type SentStatus = Partial<StatusJson>;

/** The elements of lists that have changed, by the name of the list. */
type ChangedElements = Readonly<Record<string, readonly Identified[]>>;

interface Identified {
  readonly id: string | number;
}

/** Ages become moments: they grow while nothing is sent. `at`: when it was sent, in milliseconds since the Unix epoch. */
function withMoments<S extends SentStatus>(sent: S, at: number): S {
  const dated = <T extends { readonly since_s: number }>(one: T): T & Dated => ({
    ...one,
    since: at - one.since_s * 1000,
  });
  return {
    ...sent,
    ...(sent.problems === undefined ? {} : { problems: sent.problems.map(dated) }),
    ...(sent.dependencies === undefined ? {} : { dependencies: sent.dependencies.map(dated) }),
    ...(sent.upstreams === undefined
      ? {}
      : { upstreams: sent.upstreams.map((one) => ({ ...one, endpoints: one.endpoints.map(dated) })) }),
  };
}

/** The members of a status in which these elements take the places of those with the same ids. */
function withElements(status: StatusJson, changed: ChangedElements): SentStatus {
  const lists = status as unknown as Readonly<Record<string, readonly Identified[]>>;
  const replaced = Object.entries(changed).map(([name, elements]) => {
    const byId = new Map(elements.map((one) => [one.id, one]));
    return [name, (lists[name] ?? []).map((one) => byId.get(one.id) ?? one)];
  });
  return Object.fromEntries(replaced) as SentStatus;
}
