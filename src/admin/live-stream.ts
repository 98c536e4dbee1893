import type { ServerResponse } from 'node:http';
import { after, type Clock, type Timer } from '../core/time.ts';
import { changesSince, type StatusParts, partsOf } from './status-parts.ts';

/** As often as a person reads. */
const everyMs = 1_000;

interface LiveStatusParts {
  readonly clock: Clock;
  /** The status as the API gives it. If it rejects, the followers are told `null`. */
  readonly status: () => Promise<object>;
}

/** Reads the status once a second while somebody follows it, for all followers. */
export class LiveStatus {
  readonly #parts: LiveStatusParts;
  readonly #followers = new Set<(parts: StatusParts | null) => void>();
  #timer: Timer | null = null;
  #isReading = false;

  constructor(parts: LiveStatusParts) {
    this.#parts = parts;
  }

  /** Calls back with the status as soon as it has been read, then once a second, until the returned function is called. */
  follow(follower: (parts: StatusParts | null) => void): () => void {
    this.#followers.add(follower);
    void this.#read();
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      this.#timer?.cancel();
      this.#timer = null;
    };
  }

  async #read(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isReading || this.#followers.size === 0) return;
    this.#isReading = true;
    const parts = await this.#parts.status().then(partsOf, () => null);
    this.#isReading = false;
    for (const follower of [...this.#followers]) follower(parts);
    this.#readLater();
  }

  #readLater(): void {
    const { clock } = this.#parts;
    if (this.#followers.size === 0) return;
    this.#timer = clock.schedule(after(clock.now(), everyMs), (live: LiveStatus) => void live.#read(), this);
  }
}

/** Shows the page that the connection stands, although nothing changes. */
const heartbeatMs = 5_000;
/** A reader that takes nothing for so many heartbeats, although there is something to take, is cut. */
const blockedBeatsMax = 4;

const nothingSent: StatusParts = new Map();

/**
 * Sends the status whole, then once a second those of its members that have changed, or of lists those elements. That ages grow is no
 * change. A slow reader gets the latest values when it reads on: nothing is kept for it but what it was sent last.
 */
export class LiveStream {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #live: LiveStatus;
  readonly #byElement: boolean;
  #unfollow: () => void = () => {};
  #heartbeat: Timer | null = null;
  #sent = nothingSent;
  #isBlocked = false;
  #blockedBeats = 0;
  #open = true;

  constructor(live: LiveStatus, response: ServerResponse, clock: Clock, byElement: boolean) {
    this.#byElement = byElement;
    this.#live = live;
    this.#response = response;
    this.#clock = clock;
  }

  start(): void {
    this.#response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    this.#response.on('close', () => this.#close());
    this.#response.on('drain', () => {
      this.#isBlocked = false;
      this.#blockedBeats = 0;
    });
    this.#unfollow = this.#live.follow((parts) => this.#send(parts));
    this.#armHeartbeat();
  }

  /** Ends the stream in good order. */
  stop(): void {
    if (!this.#open) return;
    this.#close();
    this.#response.end();
  }

  /** Null: the status could not be read. The page connects again. */
  #send(parts: StatusParts | null): void {
    if (parts === null) return this.stop();
    if (this.#isBlocked) return;
    const { members, elements } = changesSince(this.#sent, parts, this.#byElement);
    const name = this.#sent === nothingSent ? 'status' : 'change';
    this.#sent = parts;
    const change = members === null ? '' : `event: ${name}\ndata: ${members}\n\n`;
    const element = elements === null ? '' : `event: elements\ndata: ${elements}\n\n`;
    if (change + element !== '') this.#write(change + element);
  }

  #write(text: string): void {
    if (!this.#response.write(text)) this.#isBlocked = true;
  }

  #armHeartbeat(): void {
    const { clock, due } = { clock: this.#clock, due: after(this.#clock.now(), heartbeatMs) };
    this.#heartbeat = clock.schedule(due, (stream: LiveStream) => stream.#beat(), this);
  }

  #beat(): void {
    this.#blockedBeats = this.#isBlocked ? this.#blockedBeats + 1 : 0;
    if (this.#blockedBeats >= blockedBeatsMax) return void this.#response.destroy();
    if (!this.#isBlocked) this.#write(': still here\n\n');
    this.#armHeartbeat();
  }

  #close(): void {
    this.#open = false;
    this.#unfollow();
    this.#heartbeat?.cancel();
  }
}
