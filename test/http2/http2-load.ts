import { once } from 'node:events';
import http2 from 'node:http2';

interface Http2LoadResult {
  readonly answered: number;
  /** Requests that were not answered with 200, each with what happened instead. */
  readonly failed: readonly string[];
  /** GOAWAY frames that came. */
  readonly goAways: number;
  /** Requests that the gateway had not taken, by its word, and that were sent again. */
  readonly sentAgain: number;
}

/** Clients of HTTP/2 by Node that send requests in parallel on kept connections, until they are stopped. */
export class Http2Load {
  #goesOn = true;
  #answered = 0;
  #goAways = 0;
  #sentAgain = 0;
  readonly #failed: string[] = [];
  readonly #origin: () => string;
  readonly #path: string;
  readonly #ended: Promise<unknown>;

  /** `origin`: where the next connection goes. */
  constructor(origin: () => string, path = '/', connections = 4, streams = 8) {
    this.#origin = origin;
    this.#path = path;
    this.#ended = Promise.all(Array.from({ length: connections }, () => this.#run(streams)));
  }

  get answered(): number {
    return this.#answered;
  }

  /** Resolves when the requests in flight have ended. */
  async stop(): Promise<Http2LoadResult> {
    this.#goesOn = false;
    await this.#ended;
    return { answered: this.#answered, failed: this.#failed, goAways: this.#goAways, sentAgain: this.#sentAgain };
  }

  async #run(streams: number): Promise<void> {
    while (this.#goesOn) {
      const session = http2.connect(this.#origin());
      let broken = '';
      session.on('error', (error) => (broken = error.message));
      session.on('goaway', () => {
        this.#goAways++;
        session.close();
      });
      const all = Array.from({ length: streams }, async () => {
        while (this.#goesOn && !session.closed && !session.destroyed) await this.#ask(session);
      });
      await Promise.all(all);
      if (broken !== '' && this.#goesOn) this.#failed.push(`the connection: ${broken}`);
      session.destroy();
    }
  }

  async #ask(session: http2.ClientHttp2Session): Promise<void> {
    let stream: http2.ClientHttp2Stream;
    try {
      stream = session.request({ ':path': this.#path });
    } catch {
      return; // The session has had its GOAWAY: the next one is opened.
    }
    let status = 0;
    let bytes = 0;
    let length = -1;
    stream.on('response', (head) => {
      status = head[':status'] ?? 0;
      length = Number(head['content-length'] ?? -1);
    });
    stream.on('data', (part: Buffer) => (bytes += part.length));
    stream.on('error', () => {});
    await once(stream, 'close').catch(() => {});
    const isWhole = status === 200 && (length < 0 || bytes === length) && stream.rstCode === 0;
    if (isWhole) this.#answered++;
    // RFC 9113 §8.7: the request has not been processed.
    else if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM && status === 0) this.#sentAgain++;
    else this.#failed.push(`status ${status}, ${bytes} of ${length} bytes, ${stream.rstCode}`);
  }
}
