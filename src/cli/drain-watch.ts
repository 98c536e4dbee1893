import { after, type Timer } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { GatewayStatus } from '../core/schemas/status.ts';
import { countText, wrap } from './layout.ts';
import { styleFor } from './style.ts';
import type { ProcessContext } from './process-context.ts';

type Drain = NonNullable<GatewayStatus['drain']>;

/** What a draining gateway waits for, and for how long at most; null if it waits for nothing. */
export function drainText({ phase, leftMs, exchanges, tunnels, connections }: Drain): string | null {
  const left = countText(Math.ceil(leftMs / 1000), 'second');
  const underWay = [
    ...(exchanges > 0 || tunnels === 0 ? [countText(exchanges, 'request')] : []),
    ...(tunnels > 0 ? [countText(tunnels, 'tunnel')] : []),
  ].join(' and ');
  switch (phase) {
    case 'lame_duck':
      return `lame duck, still serving for ${left}; ${underWay} in flight`;
    case 'draining':
      if (exchanges + tunnels > 0) return `waiting for ${underWay}, ${left} at most`;
      return connections > 0 ? `waiting for ${countText(connections, 'connection')} to close` : null;
    case 'force_closing':
      return exchanges + tunnels > 0 ? `ending ${underWay}` : null;
    case 'drained':
      return null;
  }
}

/** A person reads no faster than that. */
const everyMs = 1000;

/** Until the returned function is called, shows a person at a terminal what a draining gateway waits for. */
export function watchDrain(gateway: Pick<Gateway, 'status'>, context: ProcessContext): () => void {
  if (!context.stderr.isTTY) return () => {};
  const { clock, stderr, env } = context;
  const style = styleFor(stderr, env);
  let timer: Timer | null = null;
  const tell = (): void => {
    const { drain } = gateway.status();
    const text = drain === null ? null : drainText(drain);
    if (text !== null)
      stderr.write(
        `${wrap(text, '  ')
          .map((line) => style.dim(line))
          .join('\n')}\n`,
      );
    wait();
  };
  const wait = (): void => {
    timer = clock.schedule(after(clock.now(), everyMs), () => tell(), undefined);
  };
  wait();
  return () => timer?.cancel();
}
