import { randomUUID } from 'node:crypto';
import { setTimeout as passTime } from 'node:timers/promises';
import {
  type FaultOrigin,
  fin,
  RawClient,
  type RawOutcome,
  refusingAddress,
  send,
  startFaultOrigin,
  type UnreachableAddress,
  unansweringAddress,
} from '../../src/testing/testing.ts';
import { type GatewayUnderTest, startGatewayUnderTest, type TestTimeouts } from './gateway-under-test.ts';
import type { ExpectedRow } from './load-expected.ts';

/** The short timeouts that `expected.md` names. */
export const timeouts: TestTimeouts = { connectMs: 300, responseHeadMs: 500, idleMs: 250 };

/** No exchange of the run may last longer: the longest timeout, or the slow drip, and a second. */
export const exchangeMsMax = 2000;

/** Everything that a run needs: origins good and bad, addresses that are none, and a gateway before them. */
export class FaultRun {
  readonly gateway: GatewayUnderTest;
  readonly origin: FaultOrigin;
  readonly #others: readonly (FaultOrigin | UnreachableAddress)[];

  private constructor(gateway: GatewayUnderTest, origin: FaultOrigin, others: readonly (FaultOrigin | UnreachableAddress)[]) {
    this.gateway = gateway;
    this.origin = origin;
    this.#others = others;
  }

  static async start(): Promise<FaultRun> {
    const origin = await startFaultOrigin();
    const closing = await startFaultOrigin({ atAccept: () => [fin] });
    const talking = await startFaultOrigin({ atAccept: () => [send('220 mail.test ESMTP ready\r\n')] });
    const refusing = await refusingAddress();
    const unanswering = await unansweringAddress();
    const gateway = await startGatewayUnderTest(
      [
        { name: 'origin', prefixes: ['/fault', '/ok', '/slow'], to: origin.address },
        { name: 'closing', prefixes: ['/close-at-accept'], to: closing.address },
        { name: 'talking', prefixes: ['/talks-first'], to: talking.address },
        { name: 'refusing', prefixes: ['/refused'], to: refusing },
        { name: 'unanswering', prefixes: ['/unanswered'], to: unanswering },
        { name: 'unhealthy', prefixes: ['/unhealthy'], to: refusing, checked: true },
        { name: 'maintenance', prefixes: ['/maintenance'], to: 'maintenance' },
      ],
      timeouts,
    );
    return new FaultRun(gateway, origin, [closing, talking, refusing, unanswering]);
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.origin.close();
    for (const other of this.#others) await other.close();
  }

  /** Plays a row: what the client saw, and under which id. */
  async play(row: ExpectedRow): Promise<Played> {
    const faultId = randomUUID();
    const client = new RawClient(this.gateway);
    if (row.request.reusedAfterMs !== null) await this.#useOnce(row);
    client.write(headOf(row, faultId));
    this.#sendContent(client, row.request.contentOctets);
    if (row.request.leaves) await this.#leave(client, faultId);
    const outcome = await client.response(row.request.method, exchangeMsMax);
    // What was cut has its end in the connection's end; the client must be told of it in time as well.
    if (outcome.response?.complete === false) await client.waitFor(() => client.state !== 'open', exchangeMsMax);
    client.close();
    return { faultId, outcome };
  }

  /** A plain request. Its answer must be the origin's page and nothing else, whatever was before. */
  async ask(target = '/ok'): Promise<RawOutcome> {
    const client = new RawClient(this.gateway);
    client.write(`GET ${target} HTTP/1.1\r\nHost: fault.test\r\n\r\n`);
    const outcome = await client.response('GET', exchangeMsMax);
    client.close();
    return outcome;
  }

  /** The record under this id, waiting for the worker's batch to arrive. */
  async record(requestId: string) {
    for (const limit = performance.now() + exchangeMsMax; performance.now() < limit; await passTime(20)) {
      const record = await this.gateway.findRecord(requestId);
      if (record !== null) return record;
    }
    return null;
  }

  /**
   * Gives the pool a connection to the origin that has carried one good exchange: a plain one, or that of the
   * misbehaviour itself where this is how it begins.
   */
  async #useOnce(row: ExpectedRow): Promise<void> {
    await this.ask(row.name.endsWith('-on-reuse') ? '/ok' : `/fault/${row.name}`);
    if (row.request.reusedAfterMs! > 0) await passTime(row.request.reusedAfterMs!);
  }

  async #leave(client: RawClient, faultId: string): Promise<void> {
    await this.origin.seen(faultId);
    client.reset();
  }

  #sendContent(client: RawClient, octets: number): void {
    const piece = Buffer.alloc(Math.min(octets, 1_048_576), 'x');
    for (let left = octets; left > 0; left -= piece.length) client.write(left < piece.length ? piece.subarray(0, left) : piece);
  }
}

export interface Played {
  readonly faultId: string;
  readonly outcome: RawOutcome;
}

/** Where a row's request goes. */
function targetOf(name: string): string {
  switch (name) {
    case 'refused':
    case 'unanswered':
    case 'unhealthy':
    case 'maintenance':
    case 'close-at-accept':
    case 'talks-first':
      return `/${name}`;
    case 'no-route':
      return '/no/such/route';
    case 'upgrade-declined':
      return '/ok';
    case 'client-leaves':
      return '/slow/2000';
    default:
      return `/fault/${name}`;
  }
}

function headOf(row: ExpectedRow, faultId: string): string {
  const { method, contentOctets } = row.request;
  const lines = [
    `${method} ${targetOf(row.name)} HTTP/1.1`,
    'Host: fault.test',
    'Accept: application/json',
    `X-Fault-Id: ${faultId}`,
    `X-Request-Id: ${faultId}`,
  ];
  if (contentOctets > 0) lines.push(`Content-Length: ${contentOctets}`);
  if (row.name === 'upgrade-declined') lines.push('Connection: Upgrade', 'Upgrade: websocket');
  return `${lines.join('\r\n')}\r\n\r\n`;
}
