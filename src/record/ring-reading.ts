import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { RecordRingReader, WakeWord } from './record-ring.ts';

/** What a thread does with the rings of its workers. */
interface RingConsumer {
  /** Whether it can take lines; false until it knows where they go. */
  readonly isReady: () => boolean;
  /** Takes the lines of all rings. Returns the pause until the next look; null: there was nothing, so that it sleeps. */
  readonly read: () => number | null;
  /** The pause between being woken and the first look: lines that come together are taken together. */
  readonly everyMs: number;
  /** Whether something else than lines in the rings waits. */
  readonly hasMore?: () => boolean;
}

/**
 * The rings of the workers, as one thread reads them: while lines come, it looks at them after each pause; after a look that found nothing
 * it sleeps until a worker wakes it.
 */
export class RingReading {
  readonly rings: RecordRingReader[] = [];
  readonly #clock: Clock;
  readonly #wakeWord: WakeWord;
  readonly #consumer: RingConsumer;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(clock: Clock, wakeWord: SharedArrayBuffer, consumer: RingConsumer) {
    this.#clock = clock;
    this.#wakeWord = new WakeWord(wakeWord);
    this.#consumer = consumer;
    void this.#sleep();
  }

  /** A ring from before a crash of the thread may have lines already. */
  add(memory: RecordRingMemory): void {
    this.rings.push(new RecordRingReader(memory));
    this.wake();
  }

  wake(): void {
    this.#wakeWord.wake();
  }

  /** No further look is made. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #sleep(): Promise<void> {
    const { isReady, hasMore, everyMs } = this.#consumer;
    this.#wakeWord.fallAsleep();
    // A line that was committed before the word was set has woken no thread.
    const hasWork = isReady() && (this.rings.some((ring) => ring.hasLines) || hasMore?.() === true);
    if (hasWork) this.#wakeWord.wake();
    else await this.#wakeWord.wait();
    this.#later(everyMs);
  }

  #later(ms: number): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.schedule(after(this.#clock.now(), ms), RingReading.#due, this as RingReading);
  }

  static #due(this: void, reading: RingReading): void {
    const ms = reading.#consumer.read();
    if (ms === null) void reading.#sleep();
    else reading.#later(ms);
  }
}
