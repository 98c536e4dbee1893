import type { EventGap } from '../core/schemas/events.ts';
import type { ServerResponse } from 'node:http';
import type { Event } from '../core/event.ts';
import { eventJson } from '../core/event-json.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { EventSource } from '../control/gateway-status.ts';
import { jsonOf } from '../record/json-text.ts';

/** Proxies and people give up on a silent connection, most often after half a minute. */
const heartbeatMs = 15_000;

/** The last event that a reader has, from `Last-Event-ID: <epoch>-<seq>`. */
interface EventPosition {
  readonly epoch: string;
  readonly seq: number;
}

/** Null if the text is not an event id. An epoch may contain hyphens; the number comes last. */
export function parseEventPosition(text: string): EventPosition | null {
  const match = /^(.+)-(\d{1,15})$/.exec(text.trim());
  return match === null ? null : { epoch: match[1] as string, seq: Number(match[2]) };
}

function eventId(event: Event): string {
  return `${event.epoch}-${event.seq}`;
}

/**
 * Sends the held events after `position` (without a position all of them), then new events, until the reader
 * leaves or `stop` is called.
 *
 * Events are read from the source as fast as the reader accepts them, so a slow reader costs no memory beyond its
 * socket's buffer. A reader that falls so far behind that its events are no longer held gets a `gap`; the connection of a reader
 * that accepts nothing from one heartbeat to the next is closed.
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
  /** The buffer was already full at the last heartbeat. */
  #wasBlocked = false;

  constructor(source: EventSource, response: ServerResponse, clock: Clock) {
    this.#source = source;
    this.#response = response;
    this.#clock = clock;
  }

  /** `follow: false` ends the stream after the events that are held now. */
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
    // A reader without a last event has missed none. A reader from another epoch has missed the end of that epoch.
    this.#seq = missed;
    // Without an event a comment, so that the reader knows that the stream works.
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
