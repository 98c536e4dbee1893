import { Agent, type IncomingMessage, request as startRequest } from 'node:http';

export type Method = 'GET' | 'POST';

/** What became of one request. */
export interface Outcome {
  /** When it was due, and when it had ended: milliseconds of the storm. */
  readonly dueMs: number;
  readonly endedMs: number;
  readonly method: Method;
  /** 'ok'; a status; or what the client saw instead of a complete response. */
  readonly result: string;
  /** Whether the status is that of an origin, and not of the gateway. */
  readonly isOrigins: boolean;
  /** Seconds; null where the response did not have it. */
  readonly retryAfterS: number | null;
  /** The cause and the delivery that Candor names in its problem details. */
  readonly cause: string | null;
}

const clientTimeoutMs = 10_000;

const postBody = Buffer.alloc(1024, 'candor. ');

/** A client whose clock begins with the storm. Requests have numbers, which the origin repeats in its answer. */
export class StormClient {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #startedAt = performance.now();
  #number = 0;

  constructor(port: number) {
    this.#port = port;
  }

  nowMs(): number {
    return performance.now() - this.#startedAt;
  }

  close(): void {
    this.#agent.destroy();
  }

  send(method: Method, dueMs: number): Promise<Outcome> {
    const number = ++this.#number;
    return new Promise((resolve) => {
      const end = (result: string, from: Partial<Outcome> = {}): void => {
        const rest = { isOrigins: false, retryAfterS: null, cause: null, ...from };
        resolve({ dueMs, endedMs: this.nowMs(), method, result, ...rest });
      };
      const headers = { 'X-Number': String(number), Accept: 'application/json' };
      const bodyHeaders = { ...headers, 'Content-Type': 'text/plain', 'Content-Length': postBody.length };
      const request = startRequest({
        ...{ host: '127.0.0.1', port: this.#port, path: '/work', agent: this.#agent, method },
        headers: method === 'POST' ? bodyHeaders : headers,
      });
      const timer = setTimeout(() => {
        end('timeout');
        request.destroy();
      }, clientTimeoutMs);
      request.on('close', () => clearTimeout(timer));
      request.on('error', ({ code = '' }: NodeJS.ErrnoException) => end(kindOf(code)));
      request.on('response', (response) => readResponse(response, number, end));
      request.end(method === 'POST' ? postBody : undefined);
    });
  }
}

/** What a client saw that got no response. */
function kindOf(code: string): string {
  if (code.startsWith('HPE_')) return 'garbage';
  return code === 'ECONNREFUSED' ? 'refused' : 'reset';
}

function readResponse(
  response: IncomingMessage,
  number: number,
  end: (result: string, from?: Partial<Outcome>) => void,
): void {
  let text = '';
  response.setEncoding('utf8').on('data', (slice: string) => (text += slice));
  response.on('error', () => end('truncated'));
  response.on('end', () => {
    const { 'x-origin': origin, 'retry-after': retryAfter } = response.headers;
    if (response.statusCode === 200) return end(isAnswerTo(text, number) ? 'ok' : 'wrong body', { isOrigins: true });
    end(String(response.statusCode), {
      isOrigins: origin !== undefined,
      retryAfterS: retryAfter === undefined ? null : Number(retryAfter),
      cause: causeIn(text),
    });
  });
}

function isAnswerTo(text: string, number: number): boolean {
  const { number: answered } = parsed(text);
  return answered === String(number);
}

function causeIn(text: string): string | null {
  const { cause, delivery } = parsed(text);
  return typeof cause === 'string' ? `${cause} ${String(delivery)}` : null;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
