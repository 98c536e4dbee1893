import type { StatusJson } from './model.ts';
import { type ChangedElements, withElements, withMoments } from './sent-status.ts';
import { type StreamedEvent, StreamEvents } from './stream-events.ts';
import type { PageClock } from './system.ts';

export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** `since`: the last time that the gateway was heard of, in milliseconds since the Unix epoch. */
  | { readonly kind: 'stale'; readonly since: number }
  /** The session has ended, or there was none. */
  | { readonly kind: 'signed_out' };

export interface StatusFollowerOptions {
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
