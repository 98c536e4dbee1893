import { eventJson } from '../core/event-json.ts';
import type { Event, EventKind, EventSink, NewEvent } from '../core/event.ts';
import type { Clock } from '../core/time.ts';
import { jsonOf } from './json-text.ts';
import { TextRedactor } from '../redact/text-redactor.ts';

export interface EventHubOptions {
  /** Identifies the run of the process. */
  readonly epoch: string;
  readonly member: string;
  readonly clock: Clock;
  /** The current revision of the configuration. */
  readonly revision: () => number;
  /** Removes secrets from texts, by the current configuration; without it, secrets with well-known names. */
  readonly redactor?: () => TextRedactor;
  /** How many events are held for later readers. */
  readonly held?: number;
  readonly heldBytes?: number;
  /** Gets each event as a line of JSON, including LF. */
  readonly sink?: (line: string) => void;
}

export interface EventHub extends EventSink {
  readonly epoch: string;
  readonly lastSeq: number;
  since(seq: number): { readonly events: readonly Event[]; readonly missed: number };
  subscribe(listener: (event: Event) => void): () => void;
  /** How often a subscriber or the sink threw. */
  readonly listenerFaults: number;
}

/** Days of a healthy gateway, and half an hour of one whose instances restart as fast as possible. */
const heldDefault = 4096;
/** An exit with 200 lines of output has up to 100 KiB: 4,096 of those are too much. */
const heldBytesDefault = 16 * 1024 * 1024;
/** Per text: a line of output, an error message, a sentence. */
const textCharactersMax = 512;
/** An event has one: what a CA said of a certificate, what the gateway saw, and what to do. */
const reasonCharactersMax = 2048;

export function createEventHub(options: EventHubOptions): EventHub {
  return new BufferedEventHub(options);
}

interface HeldEvent {
  readonly event: Event;
  readonly bytes: number;
}

/**
 * Numbers events, holds the latest and passes them to all listeners. Listeners get events in order, even if
 * a listener emits another event within its call; a listener that throws does not affect others. Texts from outside
 * are redacted first.
 */
class BufferedEventHub implements EventHub {
  readonly epoch: string;
  readonly #options: EventHubOptions;
  readonly #heldMax: number;
  readonly #heldBytesMax: number;
  readonly #redactor: () => TextRedactor;
  readonly #listeners = new Set<(event: Event) => void>();
  /** By number, from `#firstHeld` to `#lastSeq`. */
  readonly #held = new Map<number, HeldEvent>();
  #firstHeld = 1;
  #heldBytes = 0;
  #lastSeq = 0;
  #pending: { readonly event: Event; readonly line: string }[] = [];
  #isDelivering = false;
  #listenerFaults = 0;

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.epoch = options.epoch;
    const usual = new TextRedactor();
    this.#redactor = options.redactor ?? (() => usual);
    this.#heldMax = Math.max(1, options.held ?? heldDefault);
    this.#heldBytesMax = options.heldBytes ?? heldBytesDefault;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get listenerFaults(): number {
    return this.#listenerFaults;
  }

  emit<K extends EventKind>(newEvent: NewEvent<K>): void {
    const event = this.#complete(newEvent);
    const line = `${jsonOf(eventJson(event))}\n`;
    this.#hold({ event, bytes: line.length });
    this.#pending.push({ event, line });
    this.#deliverAll();
  }

  since(seq: number): { readonly events: readonly Event[]; readonly missed: number } {
    const wanted = seq > 0 ? Math.floor(seq) + 1 : 1;
    const events: Event[] = [];
    for (let next = Math.max(wanted, this.#firstHeld); next <= this.#lastSeq; next++) {
      events.push((this.#held.get(next) as HeldEvent).event);
    }
    return { events, missed: Math.max(0, this.#firstHeld - wanted) };
  }

  subscribe(listener: (event: Event) => void): () => void {
    // A function of its own, so that the same listener may subscribe twice and leave once.
    const entry = (event: Event): void => listener(event);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  #complete<K extends EventKind>(newEvent: NewEvent<K>): Event {
    this.#lastSeq += 1;
    const redactor = this.#redactor();
    const redacted = redactor.redactAll(newEvent, textCharactersMax);
    const event = {
      epoch: this.epoch,
      seq: this.#lastSeq,
      at: this.#options.clock.wallTime(),
      kind: newEvent.kind,
      member: this.#options.member,
      worker: newEvent.worker ?? null,
      revision: this.#options.revision(),
      subject: newEvent.subject,
      from: newEvent.from ?? null,
      to: newEvent.to ?? null,
      reason: redactor.redactAll(newEvent.reason, reasonCharactersMax),
      evidence: redacted.evidence,
      actor: newEvent.actor ?? 'gateway',
    };
    // TypeScript cannot see that kind and evidence vary together; the parameter has checked it.
    return event as unknown as Event;
  }

  #hold(held: HeldEvent): void {
    this.#held.set(held.event.seq, held);
    this.#heldBytes += held.bytes;
    // The newest event is held whatever its size.
    while (this.#held.size > this.#heldMax || (this.#heldBytes > this.#heldBytesMax && this.#held.size > 1)) {
      this.#heldBytes -= this.#held.get(this.#firstHeld)?.bytes ?? 0;
      this.#held.delete(this.#firstHeld);
      this.#firstHeld += 1;
    }
  }

  #deliverAll(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      if (this.#options.sink !== undefined) this.#call(this.#options.sink, next.line);
      for (const listener of [...this.#listeners]) {
        // A listener that has left during this event does not get it.
        if (this.#listeners.has(listener)) this.#call(listener, next.event);
      }
    }
    this.#isDelivering = false;
  }

  #call<T>(listener: (value: T) => void, value: T): void {
    try {
      listener(value);
    } catch {
      this.#listenerFaults += 1;
    }
  }
}
