import type { Configuration } from '../core/configuration.ts';
import { adminSocketCandidates } from './admin-socket.ts';
import { build } from './build.ts';
import type { Draft } from './draft.ts';
import type { Environment } from './expand.ts';

interface CommandToRun {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Where clients connect; 0 lets the system choose. */
  readonly port: number;
  /** Address to listen at; default 127.0.0.1, since a command that is tried out should not be open to the network. */
  readonly bind?: string;
  /** Absolute: where the command runs. */
  readonly directory: string;
  readonly hostname: string;
  readonly environment: Environment;
  readonly deployment?: string;
  /** Name of the application; default 'app'. */
  readonly name?: string;
  readonly readinessPath?: string;
  readonly instances?: number;
  /** Where the command listens, if it cannot be told by PORT. */
  readonly applicationPort?: number;
  /** Null: no control plane. Default: a usual place, named after deployment and port. */
  readonly adminSocket?: string | null;
  /** Path of the exchange log, '-', or null for none, which is the default: trying out leaves nothing behind. */
  readonly logPath?: string | null;
}

/** `candor run -- node server.js`: one application, one listener, every other default. */
export function configurationForCommand(run: CommandToRun): Configuration {
  const name = run.name ?? 'app';
  const draft: Draft = {
    raw: {},
    plain: run.deployment === undefined ? {} : { deployment: run.deployment },
    listeners: new Map([['http', { bind: { host: run.bind ?? '127.0.0.1', port: run.port } }]]),
    upstreams: new Map(),
    applications: new Map([
      [
        name,
        {
          command: [...run.command],
          readiness: run.readinessPath,
          instances: run.instances,
          port: run.applicationPort,
        },
      ],
    ]),
    routes: new Map(),
  };
  const { directory, hostname, environment } = run;
  const built = build(draft, {
    directory,
    hostname,
    environment,
    readings: new Map(),
    positions: { written: () => null, fills: () => [] },
  });
  const socket =
    run.adminSocket === undefined
      ? (adminSocketCandidates(`${built.deployment}-${run.port}`, directory, environment)[0] ?? null)
      : run.adminSocket;
  // Whoever runs a command by hand sits at the same machine and wants to read what went wrong.
  const routes = built.routes.map((route) => ({ ...route, disclosure: 'operator' as const }));
  const applications = built.applications.map((application) => ({ ...application, fromCommand: true as const }));
  return {
    ...built,
    routes,
    applications,
    stateFolder: null,
    admin: { ...built.admin, socket },
    log: { ...built.log, path: run.logPath ?? null },
    store: null,
    otlp: null,
  };
}
