import type { HealthChecker } from '../core/health-checker.ts';
import type { Clock } from '../core/time.ts';
import { adoptProgram } from './adopt-program.ts';
import { FreePorts } from './free-ports.ts';
import type { Host } from './host.ts';
import { lastingEnvironment } from './inherited-environment.ts';
import { listeningOf } from './listening.ts';
import { OrphanWatchdog } from './orphan-watchdog.ts';
import type { OutputPipeFolder } from './output-pipes.ts';
import { startProgram } from './program.ts';
import { checkReadiness } from './readiness.ts';

/** The real machine, with what only a process that shares a state folder with others needs. */
export interface SystemHost extends Host {
  readonly watchdog: OrphanWatchdog;
}

/** The machine that Candor runs on. `outputs`: the pipes of programs that may outlive this process; null: none may. */
export function createSystemHost(
  clock: Clock,
  checker: HealthChecker,
  outputs: OutputPipeFolder | null = null,
): SystemHost {
  const ports = new FreePorts();
  const watchdog = new OrphanWatchdog(clock);
  return {
    watchdog,
    inheritedEnvironment: lastingEnvironment(),
    reservePort: (wanted) => ports.take(wanted),
    releasePort: (port) => ports.release(port),
    start: (request, listener) => startProgram(request, listener, clock, watchdog, outputs),
    adopt: (record, listener) => {
      const program = adoptProgram(record, listener, clock, watchdog);
      if (program !== null) ports.keep(record.port);
      return program;
    },
    checkReadiness: (check, onResult) => checkReadiness(checker, check, onResult),
    listening: (program) => listeningOf(program.pid),
    close: () => watchdog.close(),
  };
}
