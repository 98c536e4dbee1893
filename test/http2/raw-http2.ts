import { RawClient } from '../../src/testing/testing.ts';
import { TestDecoder } from '../../src/wire/h2/hpack.test-support.ts';
import { errorOf, flags, frame, framesOf, preface, type SeenFrame, settings, types } from './frames.ts';

/** A response on a stream, as far as it has come. */
interface SeenResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly isWhole: boolean;
}

const limitMs = 10_000;

/** A client that sends the frames it is given, and takes the gateway's apart. */
export class RawHttp2 {
  readonly client: RawClient;
  readonly frames: SeenFrame[] = [];
  readonly #decoder = new TestDecoder();
  readonly #blocks = new Map<SeenFrame, ReadonlyMap<string, string>>();
  #read = 0;

  constructor(client: RawClient) {
    this.client = client;
  }

  /** Sends the preface and SETTINGS. */
  begin(...with_: readonly Buffer[]): void {
    this.send(preface, settings(...with_));
  }

  send(...parts: readonly Uint8Array[]): void {
    this.client.write(Buffer.concat(parts));
  }

  /** Takes in the frames that have come since. SETTINGS are acknowledged. */
  #look(): void {
    const { bytes } = this.client;
    const { frames, end } = framesOf(bytes, this.#read);
    this.#read = end;
    for (const seen of frames) {
      this.frames.push(seen);
      if (seen.type === types.settings && (seen.flags & flags.ack) === 0 && this.client.state === 'open') {
        this.client.write(frame(types.settings, flags.ack, 0));
      }
      if (seen.type === types.headers)
        this.#blocks.set(seen, new Map(this.#decoder.decode(seen.payload, kindOf(seen, this.#blocks))));
    }
  }

  /** Waits until `met`, which looks at the frames. False: it did not come to that in time. */
  until(met: () => boolean, ms: number = limitMs): Promise<boolean> {
    return this.client.waitFor(() => {
      this.#look();
      return met();
    }, ms);
  }

  /** The gateway has closed its side, or reset the connection. */
  get hasEnded(): boolean {
    return this.client.state !== 'open';
  }

  get goAway(): string | null {
    const last = this.frames.findLast(({ type }) => type === types.goAway);
    return last === undefined ? null : errorOf(last);
  }

  resetOf(streamId: number): string | null {
    const seen = this.frames.find((one) => one.type === types.rstStream && one.streamId === streamId);
    return seen === undefined ? null : errorOf(seen);
  }

  pongs(payload = 'pingpong'): number {
    return this.frames.filter(
      (one) => one.type === types.ping && (one.flags & flags.ack) !== 0 && one.payload.toString('latin1') === payload,
    ).length;
  }

  /** The final response on the stream; null: its head has not come. */
  response(streamId: number): SeenResponse | null {
    const own = this.frames.filter((one) => one.streamId === streamId);
    const head = own.find((one) => one.type === types.headers && Number(this.#blocks.get(one)?.get(':status')) >= 200);
    if (head === undefined) return null;
    const headers = this.#blocks.get(head) ?? new Map<string, string>();
    return {
      status: Number(headers.get(':status')),
      headers,
      body: Buffer.concat(own.filter(({ type }) => type === types.data).map(({ payload }) => payload)),
      isWhole: own.some((one) => one.type <= types.headers && (one.flags & flags.endStream) !== 0),
    };
  }

  /** Waits for the whole response on the stream. */
  async answer(streamId: number): Promise<SeenResponse | null> {
    await this.until(() => this.response(streamId)?.isWhole === true || this.hasEnded);
    return this.response(streamId);
  }

  /** Forgets the frames that have come. */
  forget(): void {
    this.frames.length = 0;
    this.#blocks.clear();
    const rest = this.client.bytes.subarray(this.#read);
    this.client.forget();
    if (rest.length > 0) this.client.parts.push({ atMs: this.client.elapsedMs, bytes: rest });
    this.#read = 0;
  }

  close(): void {
    this.client.close();
  }
}

function kindOf(seen: SeenFrame, blocks: ReadonlyMap<SeenFrame, ReadonlyMap<string, string>>): 'response' | 'trailers' {
  const before = [...blocks].filter(([{ streamId }]) => streamId === seen.streamId);
  return before.some(([, headers]) => Number(headers.get(':status')) >= 200) ? 'trailers' : 'response';
}
