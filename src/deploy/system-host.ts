import type { Clock } from '../core/time.ts';
import { FreePorts } from './free-ports.ts';
import type { Host } from './host.ts';
import { listeningOf } from './listening.ts';
import { OrphanGuard } from './orphan-guard.ts';
import { startProgram } from './program.ts';
import { probe } from './readiness.ts';

/** The machine that Candor runs on. */
export function createSystemHost(clock: Clock): Host {
  const ports = new FreePorts();
  const guard = new OrphanGuard(clock);
  return {
    reservePort: (wanted) => ports.take(wanted),
    releasePort: (port) => ports.release(port),
    start: (request, listener) => startProgram(request, listener, clock, guard),
    probe: (check, told) => probe(check, clock, told),
    listening: (program) => listeningOf(program.pid),
    close: () => guard.close(),
  };
}
