import {
  defineCommand,
  switchFlag,
  valueFlag,
  defaultFlag,
  argument,
  configFlag,
  configAlias,
  type RunFlags,
  parsePort,
  parsePath,
  parseDurationFlag,
  jsonFlag,
} from './flags.ts';
import type { DemoFlags } from './demo.ts';
import type { UpFlags } from './up.ts';

export const runCommand = defineCommand<RunFlags, string[]>({
  brief: 'Put the gateway in front of any command',
  text: 'Starts the command after -- with PORT in its environment, and with the port in\nplace of {port} in the command, waits until it is ready, and serves it. If the\ncommand ends before it is ready, candor exits with the same code (126 or 127: it\ncannot be started). If it ends later, candor restarts it. On a terminal, candor\nprints a line for each request; elsewhere, or with --json, it prints events as\nJSON lines.',
  examples: [
    'candor run -- node server.js',
    'candor run --port 80 --readiness-path /healthz -- ./app --quiet',
    'candor run -- npx vite --port {port}',
  ],
  flags: {
    port: defaultFlag('<port> of the gateway', parsePort, '8080'),
    host: defaultFlag('<host> of the gateway', String, '127.0.0.1'),
    readinessPath: defaultFlag('<path> of the readiness check', parsePath, '/'),
    appPort: valueFlag('<port> of the command; else free', parsePort),
    quiet: switchFlag('Print no line for each request'),
    json: { ...jsonFlag, brief: 'Events as JSON on a terminal too' },
  },
  aliases: { q: 'quiet' },
  positional: {
    kind: 'array',
    parameter: argument('command', 'The command and its arguments'),
    minimum: 1,
  },
  run: async (context, flags, ...command) => (await import('./run.ts')).run(flags, command, context),
});

export const upCommand = defineCommand<UpFlags>({
  brief: 'Run a configuration',
  text: 'Runs until SIGTERM or SIGINT and finishes the requests in flight; a second\nsignal ends it at once. SIGHUP reloads, SIGUSR1 and SIGUSR2 reopen the logs.\nWith --handover, SIGTERM leaves the applications running, and the next\n`candor up` adopts them. If none does within that time, they are stopped.',
  examples: ['candor up -c candor.yaml', 'candor up -c candor.yaml --handover 30s'],
  flags: {
    config: configFlag,
    handover: valueFlag('<duration> applications outlive it', parseDurationFlag),
    json: { ...jsonFlag, brief: 'Events as JSON on a terminal too' },
  },
  aliases: configAlias,
  run: async (context, flags) => {
    const { readInThread } = await import('./read-in-thread.ts');
    const reading = readInThread(flags.config, context);
    // `up` reports what rejects it; until `up` waits for it, no handler is there.
    reading.catch(() => {});
    // Loaded while the thread reads.
    const { up } = await import('./up.ts');
    return up(flags, reading, context);
  },
});

export const demoCommand = defineCommand<DemoFlags>({
  brief: 'Run a gateway with a small application and faults to try',
  text: 'Prints curl lines to try. Removes its files when it ends.',
  examples: ['candor demo'],
  flags: {
    port: defaultFlag('<port> of the gateway', parsePort, '8080'),
  },
  run: async (context, flags) => (await import('./demo.ts')).demo(flags, context),
});
