import type { ServerResponse } from 'node:http';
import type { Event } from '../core/event.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { EventSource } from '../gateway/control.ts';

/** Proxies and people give up on a connection that says nothing; half a minute is the commonest patience. */
const heartbeatMs = 15_000;

/**
 * What one reader may leave unread before it is cut: some thousand events. Its `Last-Event-ID` brings it
 * back to where it was, as long as the events are held.
 */
export const unreadOctetsMax = 1024 * 1024;

/** Where a reader left off, as told by `Last-Event-ID: <epoch>-<seq>`. */
export interface EventPlace {
  readonly epoch: string;
  readonly seq: number;
}

/** Told as `event: gap` where the stream cannot go on from where the reader left off. */
export interface Gap {
  readonly reason: 'not_held' | 'another_epoch';
  /** Events of this epoch that are no longer held. */
  readonly missed: number;
  readonly epoch: string;
}

/** Null where the text is no event id. An epoch may contain hyphens; the number comes last. */
export function parseEventPlace(text: string): EventPlace | null {
  const match = /^(.+)-(\d{1,15})$/.exec(text.trim());
  return match === null ? null : { epoch: match[1] as string, seq: Number(match[2]) };
}

export function eventId(event: Event): string {
  return `${event.epoch}-${event.seq}`;
}

/**
 * Sends what is held after `place` (everything held, without one), then what happens, until the reader
 * leaves or `stop` is called. A reader that leaves more than `unreadOctetsMax` unread is cut.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #unsubscribe: () => void = () => {};
  #heartbeat: Timer | null = null;
  #open = true;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
  }

  /** `follow: false` ends the stream after what is held. */
  start(source: EventSource, place: EventPlace | null, follow: boolean): void {
    this.#response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
    });
    this.#response.on('close', () => this.#leave());
    this.#tellHeld(source, place);
    if (!follow) {
      this.stop();
      return;
    }
    // Nothing can happen between the two: both are of one turn.
    this.#unsubscribe = source.subscribe((event) => this.#write(eventText(event)));
    this.#armHeartbeat();
  }

  /** Ends the stream in good order. */
  stop(): void {
    if (!this.#open) return;
    this.#leave();
    this.#response.end();
  }

  #tellHeld(source: EventSource, place: EventPlace | null): void {
    const sameEpoch = place !== null && place.epoch === source.epoch;
    const { events, missed } = source.since(sameEpoch ? place.seq : 0);
    if (place !== null && !sameEpoch) this.#write(gapText({ reason: 'another_epoch', missed, epoch: source.epoch }));
    else if (place !== null && missed > 0) this.#write(gapText({ reason: 'not_held', missed, epoch: source.epoch }));
    // A comment, so that a reader of an empty stream knows that it stands.
    else this.#write(': here\n\n');
    for (const event of events) this.#write(eventText(event));
  }

  #write(text: string): void {
    if (!this.#open) return;
    this.#response.write(text);
    if (this.#response.writableLength > unreadOctetsMax) {
      this.#leave();
      this.#response.destroy();
    }
  }

  #armHeartbeat(): void {
    if (!this.#open) return;
    this.#heartbeat = this.#clock.schedule(after(this.#clock.now(), heartbeatMs), (stream: EventStream) => {
      stream.#write(': still here\n\n');
      stream.#armHeartbeat();
    }, this);
  }

  #leave(): void {
    this.#open = false;
    this.#unsubscribe();
    this.#heartbeat?.cancel();
  }
}

function eventText(event: Event): string {
  return `id: ${eventId(event)}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}

function gapText(gap: Gap): string {
  return `event: gap\ndata: ${JSON.stringify(gap)}\n\n`;
}
