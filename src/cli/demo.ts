import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { after } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { commandName, type ProcessContext } from './process-context.ts';
import { offerNextPort, withPort } from './next-port.ts';
import { readInThread } from './read-in-thread.ts';
import { whereLines } from './serve-plan.ts';
import { privateFolder } from './runtime-folder.ts';
import { serve } from './serve.ts';
import { type Style, styleFor } from './style.ts';
import { CommandFailure } from './command-failure.ts';

/** Correct from both `src/cli` and `dist/cli`. */
const demoFolder = join(import.meta.dirname, '..', '..', 'examples', 'demo');

/** The shop takes half a second to start; ten seconds allow for a busy machine. */
const readyMs = 10_000;

export interface DemoFlags {
  readonly port: number;
}

/** Runs the demo configuration. Its log, store and admin socket are in a folder that is deleted at the end. */
export async function demo(flags: DemoFlags, context: ProcessContext): Promise<number> {
  const { configuration } = await readInThread(join(demoFolder, 'candor.yaml'), context);
  if (configuration === null)
    throw new CommandFailure('failure', `The configuration of the demo in ${demoFolder} has errors. Was it changed?`);
  const folder = mkdtempSync(join(context.env['TMPDIR'] ?? tmpdir(), 'candor-demo-'));
  try {
    return await serve(
      {
        configuration: withPort(fitHere(configuration, folder, context), 8080, flags.port),
        source: null,
        isTemporary: true,
        otherPort: offerNextPort(context),
        forPeople: true,
        onOpened: async (gateway, served) => {
          await applicationsReady(gateway, context);
          const style = styleFor(context.stdout, context.env);
          context.stdout.write(`${welcome(gateway, served, style, commandName(context.env)).join('\n')}\n`);
        },
      },
      context,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Adjusts the demo to this machine: it runs its programs with this Node, and omits IPv6 if the machine has none. */
function fitHere(configuration: Configuration, folder: string, context: ProcessContext): Configuration {
  // `candor explain` finds a socket in a runtime folder by itself, so the printed lines need no path.
  const sockets = privateFolder(context.env) ?? folder;
  return {
    ...configuration,
    // No state is kept: several demos may run at once, and this user may not be able to write the current folder.
    stateFolder: null,
    listeners: configuration.listeners.filter((listener) => listener.host !== '::1' || hasLoopback6()),
    applications: configuration.applications.map((application) => {
      const [program, ...rest] = application.command;
      return program === 'node'
        ? { ...application, command: [process.execPath, '--disable-sigusr1', ...rest] }
        : application;
    }),
    admin: { ...configuration.admin, socket: join(sockets, `demo-${process.pid}.sock`) },
    log: { ...configuration.log, path: join(folder, 'candor.log') },
    store: configuration.store && { ...configuration.store, path: join(folder, 'store') },
  };
}

function hasLoopback6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
}

/** Resolves when every instance is ready, or after a time limit. In the second case the events have said why. */
function applicationsReady(gateway: Gateway, { clock }: ProcessContext): Promise<void> {
  const allReady = (): boolean =>
    gateway.status().applications.every(({ instances }) => instances.every(({ phase }) => phase === 'ready'));
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      unsubscribe();
      resolve();
    };
    const timer = clock.schedule(after(clock.now(), readyMs), end, undefined);
    const unsubscribe = gateway.events.subscribe((event) => {
      if (event.kind === 'instance_ready' && allReady()) end();
    });
    if (allReady()) end();
  });
}

/** The curl lines to try, and what each of them shows. */
export const demoPaths: readonly (readonly [path: string, shows: string])[] = [
  ['/', 'a successful response'],
  ['/demo/unreachable', 'unreachable: nothing listens'],
  ['/demo/too-slow', 'too slow: no answer in 2 s'],
  ['/demo/reset', 'reset: connection closed'],
  ['/demo/garbage', 'garbage: not HTTP'],
  ['/demo/maintenance', 'maintenance, on purpose'],
];

const demoCommands: readonly (readonly [command: string, shows: string])[] = [
  ['explain <id>', 'one request; <id> is the X-Request-Id of its response'],
  ['logs', 'all requests'],
  ['status', 'applications, endpoints and workers'],
  ['dashboard', 'all of it in a browser'],
];

function welcome(gateway: Gateway, configuration: Configuration, style: Style, command: string): string[] {
  const port = configuration.listeners[0]?.port ?? 8080;
  const table = (rows: readonly (readonly [string, string])[], before: string): string[] => {
    const width = Math.max(...rows.map(([text]) => text.length));
    return rows.map(([text, shows]) => `  ${before}${text.padEnd(width)}  ${style.dim(`# ${shows}`)}`);
  };
  return [
    '',
    ...whereLines(gateway, configuration, style),
    '',
    style.bold('Try these, in another terminal:'),
    '',
    ...table(demoPaths, `curl -i http://localhost:${port}`),
    '',
    style.bold('And see what happened:'),
    '',
    ...table(demoCommands, `${command} `),
    '',
    style.dim('Ctrl-C ends the demo and removes its files.'),
    '',
  ];
}
