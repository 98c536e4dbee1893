import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../gateway/control.ts';
import { EventStream, parseEventPlace } from './event-stream.ts';
import { metricsText } from './metrics.ts';
import { openApi } from './openapi.ts';
import { matchOperation, type OperationId } from './operations.ts';
import { type Problem, problem } from './problem.ts';
import { listenAt, type SocketRefusal } from './socket-file.ts';

/** Followers of events at one time: dashboards and terminals, not a public. Each costs a connection. */
const followersMax = 32;
/** No operation takes content; what is sent nevertheless is not worth reading. */
const contentOctetsMax = 4096;
/** Control operations are few; a socket that is not asked anything for this long is closed. */
const keepAliveMs = 5_000;

export interface AdminOptions {
  readonly gateway: Gateway;
  readonly socketPath: string;
  readonly clock: Clock;
}

export interface Admin {
  readonly socketPath: string;
  /** Ends every stream, lets running answers end, and removes the socket. */
  close(): Promise<void>;
}

/** The admin socket could not be opened; `message` is fit for people. */
export class AdminSocketFailure extends Error {
  override readonly name = 'AdminSocketFailure';
  readonly path: string;
  readonly refusal: SocketRefusal;

  constructor(path: string, refusal: SocketRefusal) {
    super(refusalText(path, refusal));
    this.path = path;
    this.refusal = refusal;
  }
}

/**
 * Opens the admin API of a gateway on a unix socket. Rejects with `AdminSocketFailure` where another
 * gateway holds the socket, or the file system does not allow it.
 */
export async function startAdmin({ gateway, socketPath, clock }: AdminOptions): Promise<Admin> {
  const streams = new Set<EventStream>();
  const api = new AdminApi(gateway, clock, streams);
  const server = createServer(
    { keepAliveTimeout: keepAliveMs },
    (request, response) => void api.answer(request, response),
  );
  const file = await listenAt(server, socketPath);
  if ('why' in file) throw new AdminSocketFailure(socketPath, file);
  return {
    socketPath,
    close: async () => {
      for (const stream of streams) stream.stop();
      file.remove();
      await closed(server);
    },
  };
}

class AdminApi {
  readonly #gateway: Gateway;
  readonly #clock: Clock;
  readonly #streams: Set<EventStream>;

  constructor(gateway: Gateway, clock: Clock, streams: Set<EventStream>) {
    this.#gateway = gateway;
    this.#clock = clock;
    this.#streams = streams;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    limitContent(request);
    try {
      const url = URL.parse(request.url ?? '/', 'http://candor');
      if (url === null) return sendProblem(response, problem(400, 'What is asked for is not a path.'));
      const match = matchOperation(request.method ?? 'GET', url.pathname);
      if (match.kind === 'nothing') {
        return sendProblem(
          response,
          problem(404, `There is nothing at ${url.pathname}; /v1/openapi.json lists what there is.`),
        );
      }
      if (match.kind === 'wrong_method') {
        response.setHeader('Allow', match.allow);
        return sendProblem(
          response,
          problem(405, `${url.pathname} is asked with ${match.allow}, not with ${request.method}.`),
        );
      }
      await this.#perform(match.id, match.parameter, url, request, response);
    } catch (error) {
      // A defect of ours. The reader gets a sentence; where it lies is told to whoever debugs.
      if (process.env['CANDOR_DEBUG'] === '1') console.error(error);
      if (response.headersSent) response.destroy();
      else
        sendProblem(
          response,
          problem(500, 'Candor made a mistake while it answered. This is a defect; please report it.'),
        );
    }
  }

  async #perform(
    id: OperationId,
    parameter: string,
    url: URL,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    switch (id) {
      case 'readStatus':
        return sendJson(response, 200, this.#gateway.status());
      case 'reload':
        return this.#reload(response);
      case 'followEvents':
        return this.#follow(url, request, response);
      case 'readExchange': {
        const record = await this.#gateway.findExchange(parameter);
        if (record !== null) return sendJson(response, 200, record);
        return sendProblem(response, problem(404, `No exchange with the id ${parameter} is known here.`));
      }
      case 'readMetrics': {
        const { contentType, text } = await metricsText(this.#gateway);
        return send(response, 200, contentType, text);
      }
      case 'readDescription':
        return sendJson(response, 200, openApi(this.#gateway.status().version));
    }
  }

  async #reload(response: ServerResponse): Promise<void> {
    // The socket's mode admits its owner and root only, and Node does not tell which of them it is.
    const outcome = await this.#gateway.reload('admin:socket');
    if (outcome.ok) return sendJson(response, 200, outcome);
    const detail = 'The configuration has mistakes; nothing was changed.';
    sendProblem(response, problem(422, detail, outcome.complaints));
  }

  #follow(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const lastEventId = request.headers['last-event-id'];
    const place = typeof lastEventId === 'string' ? parseEventPlace(lastEventId) : null;
    if (lastEventId !== undefined && place === null) {
      return sendProblem(response, problem(400, 'Last-Event-ID is not an epoch, a hyphen and a number.'));
    }
    const follow = url.searchParams.get('follow') ?? 'true';
    if (follow !== 'true' && follow !== 'false') return sendProblem(response, problem(400, 'follow is true or false.'));
    if (this.#streams.size >= followersMax) {
      return sendProblem(response, problem(503, `${followersMax} readers follow already; no more are admitted.`));
    }
    const stream = new EventStream(this.#gateway.events, response, this.#clock);
    this.#streams.add(stream);
    response.on('close', () => this.#streams.delete(stream));
    stream.start(place, follow === 'true' && request.method !== 'HEAD');
  }
}

function limitContent(request: IncomingMessage): void {
  let octets = 0;
  request.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > contentOctetsMax) request.destroy();
  });
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, 'application/json', `${JSON.stringify(value)}\n`);
}

function sendProblem(response: ServerResponse, details: Problem): void {
  send(response, details.status, 'application/problem+json', `${JSON.stringify(details)}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, content: string): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(content),
    'Cache-Control': 'no-store',
  });
  response.end(content);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

function refusalText(path: string, refusal: SocketRefusal): string {
  switch (refusal.why) {
    case 'held':
      return `Another gateway answers at the admin socket ${path}. Stop it, or give this one another admin.socket.`;
    case 'not_a_socket':
      return `${path} is to be the admin socket, but a file that is no socket lies there. It was left as it is.`;
    case 'path_too_long':
      return `The path of the admin socket is too long: the system allows ${refusal.limit} octets. (${path})`;
    case 'not_permitted':
      return `The admin socket ${path} cannot be made: the system says ${refusal.errno}.`;
  }
}
