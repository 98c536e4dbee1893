import {
  type ApplicationText,
  buildApplication,
  buildCommand,
  buildRouteMap,
  formatMessageForArgumentScannerError,
  ArgumentScannerError,
  text_en,
} from '@stricli/core';
import type { AskFlags, EventFlags } from './ask-commands.ts';
import type { CheckFlags } from './check.ts';
import type { DemoFlags } from './demo.ts';
import { type Context, describe } from './command-context.ts';
import { explainCommand, whoseCommand } from './diagnose-commands.ts';
import { defectText, failureText } from './failure-text.ts';
import { askFlags, configFlag, jsonFlag, optionalText, parseDurationFlag, parsePath, parsePort } from './flags.ts';
import type { RunFlags } from './run.ts';
import { CommandFailure } from './surroundings.ts';
import type { TokenFlags } from './token.ts';
import { parseGatewayUrl, parseListenAddress, parseNames, parseSeconds } from './torture-flags.ts';
import type { TortureFlags } from './torture.ts';
import type { UpFlags } from './up.ts';
import { parseUpgradeSeconds } from './upgrade/parse-upgrade-seconds.ts';
import type { UpgradeFlags } from './upgrade/upgrade-command.ts';
import { readVersion } from './version.ts';

const runCommand = buildCommand<RunFlags, string[], Context>({
  docs: {
    brief: 'Put the gateway in front of any command',
    fullDescription: describe(
      'Starts the command with PORT in its environment, waits until it is ready,\nand serves it. What comes after -- is the command.',
      'candor run -- node server.js',
      'candor run --port 80 --readiness-path /healthz -- ./app --quiet',
    ),
  },
  parameters: {
    flags: {
      port: {
        kind: 'parsed',
        parse: parsePort,
        brief: '<port> where the gateway listens',
        placeholder: 'port',
        default: '8080',
      },
      host: {
        kind: 'parsed',
        parse: String,
        brief: '<host> on which it listens',
        placeholder: 'host',
        default: '127.0.0.1',
      },
      readinessPath: {
        kind: 'parsed',
        parse: parsePath,
        brief: '<path> asked until it is ready',
        placeholder: 'path',
        default: '/',
      },
      appPort: {
        kind: 'parsed',
        parse: parsePort,
        brief: '<port> for it; else a free one',
        placeholder: 'port',
        optional: true,
      },
    },
    positional: {
      kind: 'array',
      parameter: { brief: 'The command and its arguments', parse: String, placeholder: 'command' },
      minimum: 1,
    },
  },
  async func(flags, ...command) {
    const { run } = await import('./run.ts');
    this.process.exitCode = await run(flags, command, this.around);
  },
});

const upCommand = buildCommand<UpFlags, [], Context>({
  docs: {
    brief: 'Run a configuration',
    fullDescription: describe(
      'Runs until SIGTERM or SIGINT, then lets what runs finish; a second one ends\nit at once. SIGHUP reloads, SIGUSR2 reopens the logs.\nWith --handover SIGTERM leaves the applications running, for the candor up that\nis started next to take them over; they are ended if none comes in that time.',
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
        brief: '<duration> programs outlive it',
        placeholder: 'duration',
        optional: true,
      },
    },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { up } = await import('./up.ts');
    this.process.exitCode = await up(flags, this.around);
  },
});

const checkCommand = buildCommand<CheckFlags, [], Context>({
  docs: {
    brief: 'Complain about a configuration',
    fullDescription: describe(
      'Shows everything that is wrong with it at once, and changes nothing.\nEnds with 4 when it cannot be used.',
      'candor check -c candor.yaml',
    ),
  },
  parameters: { flags: { config: configFlag, json: jsonFlag }, aliases: { c: 'config' } },
  async func(flags) {
    const { check } = await import('./check.ts');
    await check(flags, this.around);
  },
});

const schemaCommand = buildCommand({
  docs: {
    brief: 'Print the JSON Schema of the configuration',
    fullDescription: describe('For editors that complete and check.', 'candor schema > candor.schema.json'),
  },
  parameters: {},
  async func(this: Context) {
    const { printSchema } = await import('./print-schema.ts');
    printSchema(this.around);
  },
});

const statusCommand = buildCommand<AskFlags, [], Context>({
  docs: {
    brief: 'Show what serves, what does not, and why',
    fullDescription: describe(
      'Asks a running gateway over its admin socket. Ends with 8 when none answers.',
      'candor status',
      'candor status -c /etc/candor/candor.yaml --json',
    ),
  },
  parameters: { flags: askFlags, aliases: { c: 'config' } },
  async func(flags) {
    const { status } = await import('./ask-commands.ts');
    await status(flags, this.around);
  },
});

const reloadCommand = buildCommand<AskFlags, [], Context>({
  docs: {
    brief: 'Have the gateway read its configuration again',
    fullDescription: describe(
      'It is applied whole or not at all; then this ends with 4 and says what is wrong.',
      'candor reload',
    ),
  },
  parameters: { flags: askFlags, aliases: { c: 'config' } },
  async func(flags) {
    const { reload } = await import('./ask-commands.ts');
    await reload(flags, this.around);
  },
});

const upgradeCommand = buildCommand<UpgradeFlags, [], Context>({
  docs: {
    brief: 'Replace the running gateway by what is installed now',
    fullDescription: describe(
      'A new process takes over ports and applications, and the old one ends what it\nhas begun: no request fails. Where the new one cannot, nothing changes, and\nthis ends with 4 (configuration), 7 (time), 10 (not now) or 1.',
      'candor upgrade',
      'candor upgrade -c /etc/candor/candor.yaml --timeout 20',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      timeout: {
        kind: 'parsed',
        parse: parseUpgradeSeconds,
        brief: '<seconds> for the new process to serve',
        placeholder: 'seconds',
        default: '60',
      },
    },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { upgrade } = await import('./upgrade/upgrade-command.ts');
    await upgrade(flags, this.around);
  },
});

const eventsCommand = buildCommand<EventFlags, [], Context>({
  docs: {
    brief: 'List what happened to the gateway and behind it',
    fullDescription: describe('Starts, exits, reloads, endpoints that fell ill or got well.', 'candor events --follow'),
  },
  parameters: {
    flags: {
      ...askFlags,
      follow: { kind: 'boolean', brief: 'Go on as things happen', default: false, withNegated: false },
    },
    aliases: { c: 'config', f: 'follow' },
  },
  async func(flags) {
    const { events } = await import('./ask-commands.ts');
    await events(flags, this.around);
  },
});

const tokenCommand = buildCommand<TokenFlags, [string], Context>({
  docs: {
    brief: 'Make a token for the admin API over TCP',
    fullDescription: describe(
      'Shows it once, with the hash that the configuration keeps. Nothing is written.\nCommands take a token from CANDOR_TOKEN or --token-file, never from a flag: who\nruns what with which arguments is no secret on a machine.',
      'candor token deploy',
    ),
  },
  parameters: {
    flags: { json: jsonFlag },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Who is to use it; the actor in events', parse: String, placeholder: 'name' }],
    },
  },
  async func(flags, name) {
    const { token } = await import('./token.ts');
    token(flags, name, this.around);
  },
});

const demoCommand = buildCommand<DemoFlags, [], Context>({
  docs: {
    brief: 'Run a gateway with a small application, and faults to try',
    fullDescription: describe('Prints curl lines to paste. Leaves nothing behind.', 'candor demo'),
  },
  parameters: {
    flags: {
      port: {
        kind: 'parsed',
        parse: parsePort,
        brief: '<port> where the gateway listens',
        placeholder: 'port',
        default: '8080',
      },
    },
  },
  async func(flags) {
    const { demo } = await import('./demo.ts');
    this.process.exitCode = await demo(flags, this.around);
  },
});

/** The parser leaves out an argument that may be missing, and this one may only where nothing is tried. */
const tortureUsages = ['<gateway-url>', '--setup'];

const tortureCommand = buildCommand<TortureFlags, [URL?], Context>({
  docs: {
    brief: 'See what any gateway makes of an origin that fails',
    customUsage: tortureUsages,
    fullDescription: describe(
      'Starts an origin that misbehaves in more than a hundred ways, asks for each\nthrough the gateway, and judges what it tells its clients. Ends with 1 where an\nanswer misleads or worse, with 8 where the gateway cannot be reached or does\nnot send its requests there.',
      'candor torture --setup',
      'candor torture http://localhost:8080',
      'candor torture http://localhost:8080 --only chunk,refused --html torture.html',
    ),
  },
  parameters: {
    flags: {
      originListen: {
        kind: 'parsed',
        parse: parseListenAddress,
        brief: '<host:port> of it; 127.0.0.1:9400',
        placeholder: 'host:port',
        optional: true,
      },
      only: {
        kind: 'parsed',
        parse: parseNames,
        brief: '<names> of cases, or parts of them',
        placeholder: 'names',
        optional: true,
      },
      timeout: {
        kind: 'parsed',
        parse: parseSeconds,
        brief: '<seconds> for one exchange',
        placeholder: 'seconds',
        default: '10',
      },
      json: jsonFlag,
      html: optionalText('<file> for the matrix as a page', 'file'),
      caFile: optionalText('<file> for its authority; tries TLS', 'file'),
      setup: { kind: 'boolean', brief: 'Only say what to configure', default: false, withNegated: false },
      insecure: { kind: 'boolean', brief: 'Take any certificate of the gateway', default: false, withNegated: false },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'Of the gateway, with a path where it has one',
          parse: parseGatewayUrl,
          placeholder: 'gateway-url',
          optional: true,
        },
      ],
    },
  },
  async func(flags, url) {
    const { tortureGateway } = await import('./torture.ts');
    this.process.exitCode = await tortureGateway(flags, url ?? null, this.around);
  },
});

const versionCommand = buildCommand<{ json: boolean }, [], Context>({
  docs: {
    brief: 'Print the version',
    fullDescription: describe('Of Candor, and of the Node it runs on.', 'candor version --json'),
  },
  parameters: { flags: { json: jsonFlag } },
  func(flags) {
    const [candor, node] = [readVersion(), process.versions.node];
    this.process.stdout.write(
      flags.json ? `${JSON.stringify({ candor, node })}\n` : `candor ${candor} (node ${node})\n`,
    );
  },
});

const root = buildRouteMap<string, Context>({
  routes: {
    run: runCommand,
    up: upCommand,
    check: checkCommand,
    schema: schemaCommand,
    status: statusCommand,
    reload: reloadCommand,
    upgrade: upgradeCommand,
    explain: {
      ...explainCommand,
      formatUsageLine: ({ prefix }) => [...prefix, '<log>... or <request-id>'].join(' '),
    },
    whose: whoseCommand,
    events: eventsCommand,
    token: tokenCommand,
    demo: demoCommand,
    torture: {
      ...tortureCommand,
      formatUsageLine: ({ prefix }) => [...prefix, tortureUsages[0]].join(' '),
    },
    version: versionCommand,
  },
  docs: {
    brief: 'An HTTP gateway that tells the truth about the applications behind it',
    fullDescription: describe(
      'An HTTP gateway that tells the truth about the applications behind it.\n`candor <command> --help` says more about each command.',
      'candor run -- node server.js',
    ),
  },
});

/** The sentences of the parser, in our words, and without a stack trace. */
const text: ApplicationText = {
  ...text_en,
  briefs: {
    help: 'Show this help',
    helpAll: 'Show this help, and what is hidden',
    version: 'Show the version',
    argumentEscapeSequence: 'What follows is no flag of candor',
  },
  noCommandRegisteredForInput: ({ input, corrections }) =>
    corrections.length > 0
      ? `There is no command "${input}"; did you mean ${corrections.join(' or ')}?`
      : `There is no command "${input}". \`candor --help\` lists what there is.`,
  exceptionWhileParsingArguments: (error) =>
    error instanceof ArgumentScannerError
      ? formatMessageForArgumentScannerError(error, {
          ArgumentParseError: ({ externalFlagNameOrPlaceholder, input, exception }) =>
            `"${input}" does not fit ${externalFlagNameOrPlaceholder}: ${exception instanceof Error ? exception.message : String(exception)}`,
          FlagNotFoundError: ({ input, corrections }) =>
            corrections.length > 0
              ? `There is no flag --${input}; did you mean ${corrections.map((one) => `--${one}`).join(' or ')}?`
              : `There is no flag --${input}. \`--help\` lists what there is.`,
          AliasNotFoundError: ({ input }) => `There is no flag -${input}. \`--help\` lists what there is.`,
          UnsatisfiedPositionalError: ({ placeholder }) =>
            placeholder === 'command'
              ? 'Say which command to run: candor run -- node server.js'
              : `The <${placeholder}> is missing. \`--help\` has an example.`,
          UnexpectedPositionalError: ({ input }) => `"${input}" is one too many. \`--help\` has an example.`,
        })
      : defectText(error),
  exceptionWhileLoadingCommandFunction: (error) => defectText(error),
  exceptionWhileLoadingCommandContext: (error) => defectText(error),
  exceptionWhileRunningCommand: (error) => (error instanceof CommandFailure ? failureText(error) : defectText(error)),
};

export const application = buildApplication<Context>(root, {
  name: 'candor',
  versionInfo: { getCurrentVersion: async () => readVersion() },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { useAliasInUsageLine: true, onlyRequiredInUsageLine: true },
  localization: { text },
  determineExitCode: (error) => (error instanceof CommandFailure ? error.code : 1),
});
