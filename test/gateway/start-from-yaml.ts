import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Configuration } from '../../src/core/configuration.ts';
import type { ShownConfiguration } from '../../src/core/kept-configuration.ts';
import type { Event, EventKind } from '../../src/core/event.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { Gateway, ReloadOutcome, ReloadRejection } from '../../src/control/gateway-status.ts';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import { headerOf, RawClient, type RawResponse } from '../../src/testing/testing.ts';
import { loadConfiguration, shownOf, startGateway, thisHost } from './gateway-modules.ts';

/** The limit for any condition that a test waits for; far above the usual time. */
export const timeoutMs = 10_000;

/** How often, and how far apart, a test looks for a record: five seconds in all. */
const recordLooksMax = 100;
const recordLookMs = 50;

/** Settings that are added to a test's configuration if the text has no such key. */
const usual: Readonly<Record<string, string>> = {
  // Each further worker costs a test some 200 ms; tests of several workers set the number themselves.
  workers: '1',
  deployment: 'edge.test',
  member: 'one',
  listeners: '{ http: "127.0.0.1:0" }',
  admin: '{ socket: none }',
  log: '{ path: none }',
};

/** A gateway as users run it: from the text of a configuration, with real sockets. */
export class YamlGateway {
  readonly gateway: Gateway;
  readonly folder: string;
  readonly events: readonly Event[];

  constructor(gateway: Gateway, folder: string, events: readonly Event[]) {
    this.gateway = gateway;
    this.folder = folder;
    this.events = events;
  }

  address(listener = 'http'): { host: string; port: number } {
    const { address = '' } = this.gateway.status().listeners.find(({ id }) => id === listener) ?? {};
    const [, host, port] = /^(.*):([0-9]+)$/.exec(address) ?? [];
    assert.ok(host !== undefined, `no listener ${listener}`);
    return { host, port: Number(port) };
  }

  connect(listener = 'http'): RawClient {
    return new RawClient(this.address(listener));
  }

  /** Sends these bytes on a new connection, and waits for one complete response. */
  async send(bytes: string | Uint8Array, listener = 'http'): Promise<RawResponse> {
    const client = this.connect(listener);
    try {
      client.write(bytes);
      return await responseOn(client, Buffer.from(bytes.slice(0, 8)).toString('latin1').split(' ')[0] ?? 'GET');
    } finally {
      client.close();
    }
  }

  /** A GET for `path` with these header lines; without a Host among them one is added. */
  get(path: string, headers: readonly string[] = []): Promise<RawResponse> {
    return this.send(requestText('GET', path, headers));
  }

  /** Overwrites the file and reloads it. */
  async reload(yaml: string): Promise<ReloadOutcome> {
    await writeFile(join(this.folder, 'candor.yaml'), withUsual(yaml));
    return this.gateway.reload('the test');
  }

  async record(of: RawResponse | string): Promise<ExchangeRecord> {
    const id = typeof of === 'string' ? of : headerOf(of, 'x-request-id');
    assert.ok(id !== null, 'the response has no X-Request-Id');
    // The client may have its response before the exchange has ended. The record reaches the main thread with the next
    // batch.
    let record = await this.gateway.findExchange(id);
    for (let looks = 0; record === null && looks < recordLooksMax; looks++) {
      await sleep(recordLookMs);
      record = await this.gateway.findExchange(id);
    }
    assert.ok(record !== null, `no record of ${id}`);
    return record;
  }

  /** The next test sees its own events alone. */
  forgetEvents(): void {
    (this.events as Event[]).length = 0;
  }

  eventsOf<K extends EventKind>(kind: K): Extract<Event, { kind: K }>[] {
    return this.events.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
  }

  /** Exchanges in flight and client connections, as the worker last reported them. */
  counts(): { active: number; clients: number; upstream: number; ended: number; unclassified: number } {
    const { workers, exchanges } = this.gateway.counts();
    const sum = (of: 'exchangesActive' | 'clientConnections' | 'upstreamConnections' | 'unclassifiedTotal'): number =>
      workers.reduce((total, worker) => total + worker[of], 0);
    return {
      active: sum('exchangesActive'),
      clients: sum('clientConnections'),
      upstream: sum('upstreamConnections'),
      ended: exchanges.reduce((total, { count }) => total + count, 0),
      unclassified: sum('unclassifiedTotal'),
    };
  }

  async stop(): Promise<void> {
    await this.gateway.stop('the test is over');
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface YamlOptions {
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Changes to the configuration that no file can make, such as a limit that is reached soon. */
  readonly change?: (configuration: Configuration) => Configuration;
  /** Whether the gateway keeps its text, in the state folder too, as that of `candor up` does. */
  readonly keepsText?: boolean;
  /** Further options of the gateway. */
  readonly gateway?: Pick<GatewayOptions, 'adopt'>;
}

/** Resolves when the listeners are open. An invalid configuration fails the test with its errors. */
export async function startFromYaml(yaml: string, options: YamlOptions = {}): Promise<YamlGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'candor-gateway-'));
  const path = join(folder, 'candor.yaml');
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), text);
  await writeFile(path, withUsual(yaml));
  const environment = options.environment ?? {};
  const read = async (): Promise<Read> => {
    const loading = await loadConfiguration(path, environment, thisHost());
    const shown = options.keepsText === true ? { shown: { ...shownOf(loading.shownText()), warnings: [] } } : {};
    if (loading.ok)
      return { ok: true, configuration: options.change?.(loading.configuration) ?? loading.configuration, ...shown };
    const complaints = loading.errors.map(({ line, column, message }) => `candor.yaml:${line}:${column}: ${message}`);
    return { ok: false, kind: 'invalid', errors: complaints, ...shown };
  };
  const first = await read();
  assert.ok(first.ok, first.ok ? '' : first.errors.join('\n'));
  const events: Event[] = [];
  const gateway = await startGateway({
    configuration: first.configuration,
    source: path,
    ...(first.shown === undefined ? {} : { shown: first.shown }),
    reloadConfiguration: read,
    watcher: { onEvent: (event) => void events.push(event) },
    ...options.gateway,
  });
  return new YamlGateway(gateway, folder, events);
}

/**
 * One gateway for the tests of a file, which is given the configuration of each test: a reload takes a hundredth of a second of processor time, a
 * start a tenth. For tests that change nothing that outlives a reload, such as the health of an endpoint that another test has too.
 */
export class ReloadedGateway {
  readonly #options: YamlOptions;
  #edge: YamlGateway | null = null;

  constructor(options: YamlOptions = {}) {
    this.#options = options;
  }

  /** The gateway with this configuration, and without events of earlier ones. */
  async with(yaml: string): Promise<YamlGateway> {
    if (this.#edge === null) return (this.#edge = await startFromYaml(yaml, this.#options));
    const outcome = await this.#edge.reload(yaml);
    assert.ok(outcome.ok, JSON.stringify(outcome));
    this.#edge.forgetEvents();
    return this.#edge;
  }

  async stop(): Promise<void> {
    await this.#edge?.stop();
    this.#edge = null;
  }
}

type Read = ({ readonly ok: true; readonly configuration: Configuration } | ReloadRejection) & {
  readonly shown?: ShownConfiguration;
};

function withUsual(yaml: string): string {
  const text = yaml.replace(/^\n/, '');
  const missing = Object.entries(usual).filter(([key]) => !new RegExp(`^${key}:`, 'm').test(text));
  return `${missing.map(([key, value]) => `${key}: ${value}\n`).join('')}${text}`;
}

export function requestText(method: string, path: string, headers: readonly string[] = [], body = ''): string {
  const host = headers.some((line) => /^host:/i.test(line)) ? [] : ['Host: example.org'];
  return [`${method} ${path} HTTP/1.1`, ...host, ...headers, '', body].join('\r\n');
}

/** One complete response on an open connection; further bytes stay for the next call. */
export async function responseOn(client: RawClient, method = 'GET'): Promise<RawResponse> {
  const outcome = await client.response(method, timeoutMs);
  const { response, bytes, state } = outcome;
  assert.ok(response !== null, `no response; the connection is ${state}; received ${JSON.stringify(text(bytes))}`);
  assert.ok(response.complete, `the response is incomplete; the connection is ${state}: ${text(bytes)}`);
  client.forget();
  if (response.rest.length > 0) client.parts.push({ atMs: client.elapsedMs, bytes: response.rest });
  return response;
}

function text(bytes: Buffer): string {
  return bytes.toString('latin1', 0, 400);
}

/**
 * A condition that answers by a promise asks a gateway, which takes some milliseconds of processor time: more than most of what tests wait for.
 * So the pauses grow with the time that has passed, to a quarter of a second; those of other conditions to a tenth.
 */
const pauses = { first: 5, ofLooks: { growth: 1.15, max: 100 }, ofQuestions: { growth: 1.3, max: 250 } };

/** Resolves when `met` returns true; fails the test with `what` after the limit. */
export async function until(
  what: string,
  met: () => boolean | Promise<boolean>,
  limitMs: number = timeoutMs,
): Promise<void> {
  const end = performance.now() + limitMs;
  for (let pauseMs = pauses.first; ; ) {
    const answer = met();
    if (await answer) return;
    assert.ok(performance.now() < end, `waited in vain until ${what}`);
    const { growth, max } = typeof answer === 'boolean' ? pauses.ofLooks : pauses.ofQuestions;
    await sleep(pauseMs);
    pauseMs = Math.min(max, growth * pauseMs);
  }
}
