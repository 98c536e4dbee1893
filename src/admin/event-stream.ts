import type { ServerResponse } from 'node:http';
import type { Event } from '../core/event.ts';
import { eventJson } from '../core/event-json.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { EventSource } from '../control/gateway-status.ts';
import { jsonOf } from '../record/json-text.ts';

/** Proxies and people give up on a connection that says nothing; half a minute is the commonest patience. */
const heartbeatMs = 15_000;

/** Where a reader left off, as told by `Last-Event-ID: <epoch>-<seq>`. */
export interface EventPosition {
  readonly epoch: string;
  readonly seq: number;
}

/** Told as `event: gap` where the stream cannot go on from where the reader left off. */
export interface EventGap {
  readonly reason: 'not_held' | 'another_epoch';
  /** Events of this epoch that are no longer held. */
  readonly missed: number;
  readonly epoch: string;
}

/** Null where the text is no event id. An epoch may contain hyphens; the number comes last. */
export function parseEventPosition(text: string): EventPosition | null {
  const match = /^(.+)-(\d{1,15})$/.exec(text.trim());
  return match === null ? null : { epoch: match[1] as string, seq: Number(match[2]) };
}

function eventId(event: Event): string {
  return `${event.epoch}-${event.seq}`;
}

/**
 * Sends what is held after `place` (everything held, without one), then what happens, until the reader
 * leaves or `stop` is called.
 *
 * Events are taken from the source as fast as the reader takes them, so a slow one costs no memory beyond its
 * socket's buffer. One that falls so far behind that its events are no longer held is told of the gap; one
 * that takes nothing from one heartbeat to the next is cut.
 */
export class EventStream {
  readonly #source: EventSource;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #unsubscribe: () => void = () => {};
  #heartbeat: Timer | null = null;
  #open = true;
  /** The last event that was sent. */
  #seq = 0;
  /** Where a stream that does not follow ends. */
  #lastSeq = Number.POSITIVE_INFINITY;
  /** The socket's buffer is full. */
  #isBlocked = false;
  /** It was full already at the last heartbeat. */
  #wasBlocked = false;

  constructor(source: EventSource, response: ServerResponse, clock: Clock) {
    this.#source = source;
    this.#response = response;
    this.#clock = clock;
  }

  /** `follow: false` ends the stream after what is held now. */
  start(position: EventPosition | null, follow: boolean): void {
    this.#response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    this.#response.on('close', () => this.#close());
    this.#response.on('drain', () => this.#resume());
    this.#seek(position);
    if (!follow) this.#lastSeq = this.#source.lastSeq;
    this.#unsubscribe = this.#source.subscribe(() => this.#send());
    this.#armHeartbeat();
    this.#send();
  }

  /** Ends the stream in good order. */
  stop(): void {
    if (!this.#open) return;
    this.#close();
    this.#response.end();
  }

  #seek(position: EventPosition | null): void {
    const { epoch } = this.#source;
    const { missed } = this.#source.since(0);
    if (position !== null && position.epoch === epoch) {
      this.#seq = position.seq;
      return;
    }
    // Whoever names no event has missed none; whoever names one of another run has missed the end of that run.
    this.#seq = missed;
    // Otherwise a comment, so that a reader of a stream without events knows that it stands.
    this.#write(position === null ? ': here\n\n' : gapText({ reason: 'another_epoch', missed, epoch }));
  }

  #send(): void {
    if (!this.#open || this.#isBlocked) return;
    const { events, missed } = this.#source.since(this.#seq);
    if (missed > 0) this.#write(gapText({ reason: 'not_held', missed, epoch: this.#source.epoch }));
    for (const event of events) {
      if (this.#isBlocked || event.seq > this.#lastSeq) break;
      this.#seq = event.seq;
      this.#write(eventText(event));
    }
    if (this.#seq >= this.#lastSeq) this.stop();
  }

  #resume(): void {
    this.#isBlocked = false;
    this.#wasBlocked = false;
    this.#send();
  }

  #write(text: string): void {
    if (!this.#response.write(text)) this.#isBlocked = true;
  }

  #armHeartbeat(): void {
    this.#heartbeat = this.#clock.schedule(
      after(this.#clock.now(), heartbeatMs),
      (stream: EventStream) => stream.#beat(),
      this,
    );
  }

  #beat(): void {
    if (this.#wasBlocked) {
      this.#response.destroy();
      return;
    }
    if (this.#isBlocked) this.#wasBlocked = true;
    else this.#write(': still here\n\n');
    this.#armHeartbeat();
  }

  #close(): void {
    this.#open = false;
    this.#unsubscribe();
    this.#heartbeat?.cancel();
  }
}

function eventText(event: Event): string {
  return `id: ${eventId(event)}\nevent: ${event.kind}\ndata: ${jsonOf(eventJson(event))}\n\n`;
}

function gapText(gap: EventGap): string {
  return `event: gap\ndata: ${jsonOf(gap)}\n\n`;
}
