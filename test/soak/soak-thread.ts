import { parentPort, workerData } from 'node:worker_threads';
import { CountingOrigin } from './counting-origin.ts';
import { type CrowdReport, type CrowdSizes, SlowCrowd } from './slow-crowd.ts';

/**
 * What a thread of its own is to be: the origin, or the crowd. Both would otherwise be in the way of those that measure, and
 * they in its way: an event loop accepts one connection a turn, and an origin whose turns are long keeps new ones waiting.
 */
export type Part = { readonly part: 'origin' } | { readonly part: 'crowd'; readonly port: number };

export type ToPart =
  | { readonly do: 'come'; readonly sizes: CrowdSizes; readonly spreadMs: number }
  | { readonly do: 'leave' | 'report' };

export type FromPart =
  | { readonly kind: 'listens'; readonly at: string }
  /** How often the origin got each request, by its id. */
  | { readonly kind: 'seen'; readonly seen: ReadonlyMap<string, number> }
  | { readonly kind: 'come' }
  | { readonly kind: 'left' }
  | { readonly kind: 'report'; readonly report: CrowdReport };

const port = parentPort;
if (port !== null) await begin(workerData as Part);

async function begin(part: Part): Promise<void> {
  const tell = (message: FromPart): void => port?.postMessage(message);
  if (part.part === 'origin') {
    const origin = new CountingOrigin();
    port?.on('message', () => tell({ kind: 'seen', seen: origin.seen }));
    return tell({ kind: 'listens', at: await origin.listen() });
  }
  let crowd = new SlowCrowd(part.port);
  port?.on('message', (message: ToPart) => {
    switch (message.do) {
      case 'come':
        void crowd.come(message.sizes, message.spreadMs).then(() => tell({ kind: 'come' }));
        break;
      case 'leave':
        crowd.leave();
        crowd = new SlowCrowd(part.port);
        tell({ kind: 'left' });
        break;
      case 'report':
        tell({ kind: 'report', report: crowd.report });
        break;
    }
  });
}
