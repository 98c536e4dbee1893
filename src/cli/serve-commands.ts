import { buildCommand } from '@stricli/core';
import {
  type ParserContext,
  describe,
  configFlag,
  jsonFlag,
  parseDurationFlag,
  parsePath,
  parsePort,
  type RunFlags,
} from './flags.ts';
import type { DemoFlags } from './demo.ts';
import type { UpFlags } from './up.ts';

export const runCommand = buildCommand<RunFlags, string[], ParserContext>({
  docs: {
    brief: 'Put the gateway in front of any command',
    fullDescription: describe(
      'Starts the command after -- with PORT in its environment, and with the port in\nplace of {port} in the command, waits until it is ready, and serves it. If the\ncommand ends before it is ready, candor exits with the same code (126 or 127: it\ncannot be started). If it ends later, candor restarts it. On a terminal, candor\nprints a line for each request; elsewhere, or with --json, it prints events as\nJSON lines.',
      'candor run -- node server.js',
      'candor run --port 80 --readiness-path /healthz -- ./app --quiet',
      'candor run -- npx vite --port {port}',
    ),
  },
  parameters: {
    flags: {
      port: {
        kind: 'parsed',
        parse: parsePort,
        brief: '<port> of the gateway',
        placeholder: 'port',
        default: '8080',
      },
      host: {
        kind: 'parsed',
        parse: String,
        brief: '<host> of the gateway',
        placeholder: 'host',
        default: '127.0.0.1',
      },
      readinessPath: {
        kind: 'parsed',
        parse: parsePath,
        brief: '<path> of the readiness check',
        placeholder: 'path',
        default: '/',
      },
      appPort: {
        kind: 'parsed',
        parse: parsePort,
        brief: '<port> of the command; else free',
        placeholder: 'port',
        optional: true,
      },
      quiet: { kind: 'boolean', brief: 'Print no line for each request', default: false, withNegated: false },
      json: { ...jsonFlag, brief: 'Events as JSON on a terminal too' },
    },
    aliases: { q: 'quiet' },
    positional: {
      kind: 'array',
      parameter: { brief: 'The command and its arguments', parse: String, placeholder: 'command' },
      minimum: 1,
    },
  },
  async func(flags, ...command) {
    const { run } = await import('./run.ts');
    this.process.exitCode = await run(flags, command, this.processContext);
  },
});

export const upCommand = buildCommand<UpFlags, [], ParserContext>({
  docs: {
    brief: 'Run a configuration',
    fullDescription: describe(
      'Runs until SIGTERM or SIGINT and finishes the requests in flight; a second\nsignal ends it at once. SIGHUP reloads, SIGUSR1 and SIGUSR2 reopen the logs.\nWith --handover, SIGTERM leaves the applications running, and the next\n`candor up` adopts them. If none does within that time, they are stopped.',
      'candor up -c candor.yaml',
      'candor up -c candor.yaml --handover 30s',
    ),
  },
  parameters: {
    flags: {
      config: configFlag,
      handover: {
        kind: 'parsed',
        parse: parseDurationFlag,
        brief: '<duration> applications outlive it',
        placeholder: 'duration',
        optional: true,
      },
      json: { ...jsonFlag, brief: 'Events as JSON on a terminal too' },
    },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { readInThread } = await import('./read-in-thread.ts');
    const reading = readInThread(flags.config, this.processContext);
    // `up` reports what rejects it; until `up` waits for it, no handler is there.
    reading.catch(() => {});
    // Loaded while the thread reads.
    const { up } = await import('./up.ts');
    this.process.exitCode = await up(flags, reading, this.processContext);
  },
});

export const demoCommand = buildCommand<DemoFlags, [], ParserContext>({
  docs: {
    brief: 'Run a gateway with a small application and faults to try',
    fullDescription: describe('Prints curl lines to try. Removes its files when it ends.', 'candor demo'),
  },
  parameters: {
    flags: {
      port: {
        kind: 'parsed',
        parse: parsePort,
        brief: '<port> of the gateway',
        placeholder: 'port',
        default: '8080',
      },
    },
  },
  async func(flags) {
    const { demo } = await import('./demo.ts');
    this.process.exitCode = await demo(flags, this.processContext);
  },
});
