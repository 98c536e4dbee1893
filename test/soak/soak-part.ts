import { CountingOrigin } from './counting-origin.ts';
import { type SlowClientReport, type SlowClientSizes, SlowClients } from './slow-clients.ts';

/**
 * The role of a separate process: an origin, or the slow clients. In one process they would disturb the measuring
 * clients and each other: an event loop accepts one connection a turn, and an origin with long turns delays new
 * connections.
 */
export type Part = { readonly part: 'origin' } | { readonly part: 'crowd'; readonly port: number };

export type ToPart =
  | { readonly do: 'come'; readonly sizes: SlowClientSizes; readonly spreadMs: number }
  | { readonly do: 'leave' | 'report' };

export type FromPart =
  | { readonly kind: 'listens'; readonly at: string }
  /** How many times each request reached the origin, by its id. */
  | { readonly kind: 'seen'; readonly seen: ReadonlyMap<string, number> }
  | { readonly kind: 'come' }
  | { readonly kind: 'left' }
  | { readonly kind: 'report'; readonly report: SlowClientReport };

const [part] = process.argv.slice(2);
if (part !== undefined && process.send !== undefined) {
  // A process whose parent has ended is not needed any more.
  process.once('disconnect', () => process.exit());
  await begin(JSON.parse(part) as Part);
}

async function begin(part: Part): Promise<void> {
  const send = (message: FromPart): void => void process.send?.(message);
  if (part.part === 'origin') {
    const origin = new CountingOrigin();
    process.on('message', () => send({ kind: 'seen', seen: origin.seen }));
    return send({ kind: 'listens', at: await origin.listen() });
  }
  let slowClients = new SlowClients(part.port);
  process.on('message', (message: ToPart) => {
    switch (message.do) {
      case 'come':
        void slowClients.connectAll(message.sizes, message.spreadMs).then(() => send({ kind: 'come' }));
        break;
      case 'leave':
        slowClients.disconnectAll();
        slowClients = new SlowClients(part.port);
        send({ kind: 'left' });
        break;
      case 'report':
        send({ kind: 'report', report: slowClients.report });
        break;
    }
  });
}
