import type { HealthChecker } from '../core/health-checker.ts';
import type { Clock } from '../core/time.ts';
import { adoptProgram } from './adopt-program.ts';
import type { Host } from './host.ts';
import { lastingEnvironment } from './inherited-environment.ts';
import { checkProgram } from './program-check.ts';
import { listeningOf } from './listening.ts';
import { OrphanWatchdog } from './orphan-watchdog.ts';
import type { OutputPipeFolder } from './output-pipes.ts';
import { programPath, startProgram } from './program.ts';
import { faultOfProgramFile } from './program-file.ts';
import { checkReadiness } from './readiness.ts';
import { createServer } from 'node:net';
import { failWith, type Result, succeed } from '#failures/result.ts';

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
      if (program !== null && record.port !== 0) ports.keep(record.port);
      return program;
    },
    checkReadiness: (check, onResult) => checkReadiness(checker, check, onResult),
    programFault: (request) => {
      const path = programPath(request);
      return path === null ? null : faultOfProgramFile(path, request.command[0] ?? path);
    },
    checkProgram: (check, onResult) => checkProgram(check, clock, watchdog, onResult),
    listening: (program) => listeningOf(program.pid),
    close: () => watchdog.close(),
  };
}

/**
 * Ports of 127.0.0.1 for instances. A port is found by binding it and closing again, so another program may take it
 * before the application does; then the application fails with EADDRINUSE, and its next run gets another port.
 */
class FreePorts {
  readonly #taken = new Set<number>();

  /** `wanted`, or any; kept until `release`. */
  async take(wanted: number | null): Promise<Result<number, { readonly errno: string }>> {
    if (wanted !== null && this.#taken.has(wanted)) return failWith({ errno: 'EADDRINUSE' });
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const bound = await bind(wanted ?? 0);
      if (!bound.ok) return bound;
      if (this.#taken.has(bound.value)) continue;
      this.#taken.add(bound.value);
      return bound;
    }
    return failWith({ errno: 'EADDRINUSE' });
  }

  /** Somebody listens there who came before us, and belongs to us now. */
  keep(port: number): void {
    this.#taken.add(port);
  }

  release(port: number): void {
    this.#taken.delete(port);
  }
}

/** The system chooses at random among some 28,000 ports: meeting taken ones this often means that all are. */
const attemptsMax = 64;

function bind(port: number): Promise<Result<number, { readonly errno: string }>> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(failWith({ errno: error.code ?? 'EIO' })));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(succeed(bound)));
    });
  });
}
