import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import type { KeyValue, ExportedLogRecord, Metric, Resource, ExportedSpan } from '../../src/otlp/messages.ts';
import { type OtlpSignal, otlpSignals } from '../../src/core/otlp-counts.ts';

const schemas = new protobuf.Root();
schemas.resolvePath = (_, target) => join(import.meta.dirname, 'opentelemetry-proto', target);
for (const signal of otlpSignals)
  schemas.loadSync(
    `opentelemetry/proto/collector/${signal.replace('traces', 'trace')}/v1/${signal.replace('traces', 'trace')}_service.proto`,
  );

const packages = {
  traces: 'trace.v1.ExportTrace',
  logs: 'logs.v1.ExportLogs',
  metrics: 'metrics.v1.ExportMetrics',
} as const;

function requestType(signal: OtlpSignal): protobuf.Type {
  return schemas.lookupType(`opentelemetry.proto.collector.${packages[signal]}ServiceRequest`);
}

/** A request as the schema reads it, in the JSON mapping of OTLP: ids in hexadecimal digits, 64-bit integers as texts. */
export function decoded(signal: OtlpSignal, body: Uint8Array): object {
  const type = requestType(signal);
  const message = type.decode(body);
  const problem = type.verify(message);
  if (problem !== null) throw new Error(problem);
  // Fields that the schema does not know would be missing from it.
  if (type.encode(message).finish().length !== body.length)
    throw new Error('the request has fields that the schema does not have');
  return withHexIds(type.toObject(message, { longs: String, bytes: Buffer, json: true })) as object;
}

function withHexIds(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(withHexIds);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withHexIds(one)]));
}

/** What the schema makes of a request in JSON; throws where a field is not the schema's, or has another type. */
export function decodedJson(signal: OtlpSignal, body: string): object {
  const value = JSON.parse(body) as object;
  assertKnown(requestType(signal), value);
  return value;
}

function assertKnown(type: protobuf.Type, value: object): void {
  for (const [name, content] of Object.entries(value)) {
    const field = type.fields[name];
    if (field === undefined) throw new Error(`${type.fullName} has no field ${name}`);
    field.resolve();
    const all: unknown[] = field.repeated ? (content as unknown[]) : [content];
    if (!Array.isArray(all)) throw new Error(`${name} is no list`);
    for (const one of all) assertOne(field, one);
  }
}

/** Protobuf JSON: 64-bit integers are texts. OTLP: enums are numbers, and ids are hexadecimal digits. */
function assertOne(field: protobuf.Field, value: unknown): void {
  const { resolvedType, type, fullName } = field;
  if (resolvedType instanceof protobuf.Type) return assertKnown(resolvedType, value as object);
  const isRight = resolvedType instanceof protobuf.Enum ? Number.isInteger(value) : isScalar(type, value);
  if (!isRight) throw new Error(`${fullName} is ${JSON.stringify(value)}, and it is of type ${type}`);
}

function isScalar(type: string, value: unknown): boolean {
  if (type.endsWith('64')) return typeof value === 'string' && /^-?\d+$/.test(value);
  if (type.endsWith('32') || type === 'double') return typeof value === 'number';
  if (type === 'bytes') return typeof value === 'string' && /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/.test(value);
  return typeof value === (type === 'bool' ? 'boolean' : 'string');
}

interface CollectedRequest {
  readonly signal: OtlpSignal;
  readonly headers: IncomingHttpHeaders;
  readonly content: object;
}

/** Answers a request; the body has been read. */
type CollectorAnswer = (signal: OtlpSignal, response: ServerResponse) => void;

/** An OTLP collector that validates each request by the schema of OTLP. */
export class TestCollector {
  readonly requests: CollectedRequest[] = [];
  /** What was wrong with requests. */
  readonly problems: string[] = [];
  answer: CollectorAnswer = accept;
  readonly #server: Server;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const signal = otlpSignals.find((one) => request.url === `/v1/${one}`);
        if (signal === undefined || request.method !== 'POST') {
          this.problems.push(`${request.method} ${request.url}`);
          return response.writeHead(404).end();
        }
        const content = this.#read(signal, request.headers, Buffer.concat(parts));
        if (content !== null) this.requests.push({ signal, headers: request.headers, content });
        this.answer(signal, response);
      });
    });
  }

  static async start(): Promise<TestCollector> {
    const collector = new TestCollector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    const address = collector.#server.address();
    collector.#port = typeof address === 'object' && address !== null ? address.port : 0;
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  #read(signal: OtlpSignal, headers: IncomingHttpHeaders, sent: Buffer): object | null {
    const { 'content-type': type = '', 'content-encoding': coding = 'identity' } = headers;
    try {
      const body = coding === 'gzip' ? gunzipSync(sent) : sent;
      if (type === 'application/x-protobuf') return decoded(signal, body);
      if (type === 'application/json') return decodedJson(signal, body.toString());
      throw new Error(`content-type ${type}`);
    } catch (error) {
      this.problems.push(`${signal}: ${String(error)}`);
      return null;
    }
  }

  get spans(): readonly (ExportedSpan & { readonly resource: Resource })[] {
    return this.#all('traces', 'resourceSpans', 'scopeSpans', 'spans');
  }

  get logRecords(): readonly (ExportedLogRecord & { readonly resource: Resource })[] {
    return this.#all('logs', 'resourceLogs', 'scopeLogs', 'logRecords');
  }

  get metrics(): readonly (Metric & { readonly resource: Resource })[] {
    return this.#all('metrics', 'resourceMetrics', 'scopeMetrics', 'metrics');
  }

  #all<T>(signal: OtlpSignal, resources: string, scopes: string, items: string): (T & { resource: Resource })[] {
    type Lists = Readonly<Record<string, Lists[]>>;
    return this.requests
      .filter((request) => request.signal === signal)
      .flatMap(({ content }) => (content as Lists)[resources] ?? [])
      .flatMap((one) =>
        (one[scopes] ?? []).flatMap((scope) =>
          (scope[items] ?? []).map((item) => ({ ...(item as T), resource: one['resource'] as unknown as Resource })),
        ),
      );
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export function accept(_signal: OtlpSignal, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
}

/** Attributes by their names. */
export function attributesOf(attributes: readonly KeyValue[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
