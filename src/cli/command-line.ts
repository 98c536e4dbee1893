import {
  run,
  ExitCode as ParserCode,
  buildApplication,
  buildCommand,
  buildRouteMap,
  type ApplicationText,
  ArgumentScannerError,
  formatMessageForArgumentScannerError,
  text_en,
} from '@stricli/core';
import { type ParserContext, describe, jsonFlag } from './flags.ts';
import { exitCodes, defectText, noFlagText, CommandFailure, failureText } from './command-failure.ts';
import { harmless } from './layout.ts';
import { type Output, type ProcessContext, readVersion } from './process-context.ts';
import {
  eventsCommand,
  jobsCommand,
  reloadCommand,
  restartCommand,
  statusCommand,
  stopCommand,
  tokenCommand,
  upgradeCommand,
  dashboardCommand,
} from './admin-commands.ts';
import {
  alertCommands,
  explainCommand,
  whoseCommand,
  incidentCommand,
  incidentsCommand,
  logsCommand,
  routeCommand,
  routeUsage,
} from './diagnose-commands.ts';
import {
  adaptCommand,
  checkCommand,
  schemaCommand,
  trustCommand,
  configurationCommands,
} from './configuration-commands.ts';
import {
  drainCommand,
  ejectCommand,
  maintenanceCommand,
  pauseCommand,
  restoreCommand,
  weightCommand,
} from './overlay-commands.ts';
import { appCommands } from './app-commands.ts';
import { deployCommand, promoteCommand, releasesCommand, rollbackCommand } from './release-commands.ts';
import { costCommand, topCommand } from './usage-commands.ts';
import { keyCommands, passwordCommand } from './credential-commands.ts';
import { signCommand } from './link-commands.ts';
import { secretCommands } from './secret-commands.ts';
import { probeCommand, tortureCommand, tortureUsages } from './test-commands.ts';
import { demoCommand, runCommand, upCommand } from './serve-commands.ts';

/**
 * Runs one command line to its end and returns the exit code of `command-failure.ts`. Never rejects: an unexpected error becomes
 * a sentence and exit code 1.
 */
export async function runCommandLine(argv: readonly string[], context: ProcessContext): Promise<number> {
  const stdout = parserStream(context.stdout, context);
  const stderr = parserStream(context.stderr, context);
  const tooShort = flagTooShort(argv);
  if (tooShort !== undefined) {
    context.stderr.write(`${noFlagText(harmless(tooShort))}\n`);
    return exitCodes.usage;
  }
  const process: ParserContext['process'] & { env: ProcessContext['env'] } = { stdout, stderr, env: context.env };
  try {
    await run(application, argv.length === 0 ? ['--help'] : withHeaderFlag(withLimitApart(argv)), {
      process,
      processContext: context,
    } as never);
    return exitCodeOf(Number(process.exitCode ?? 0));
  } catch (error) {
    context.stderr.write(`${defectText(error, context.env)}\n`);
    return 1;
  }
}

/** The exit code for a result of the command-line parser, whose own codes are negative. */
export function exitCodeOf(parserCode: number): number {
  if (parserCode === ParserCode.UnknownCommand || parserCode === ParserCode.InvalidArgument) return exitCodes.usage;
  return parserCode < 0 ? exitCodes.failure : parserCode;
}

/** The parser takes a word such as `--c` for an argument. `run` looks at its own words: those of a program may be so. */
function flagTooShort(argv: readonly string[]): string | undefined {
  const end = argv.indexOf('--');
  const words = argv[0] === 'run' ? [] : argv.slice(0, end === -1 ? argv.length : end);
  return words.find((word) => /^--[a-z](?:=|$)/i.test(word));
}

/** The parser takes `-n1` of `candor logs` for a word of the query; people write it so to `head` and `journalctl`. */
function withLimitApart(argv: readonly string[]): readonly string[] {
  if (argv[0] !== 'logs') return argv;
  const end = argv.indexOf('--');
  return argv.flatMap((word, index) => {
    const [, limit] = end === -1 || index < end ? (/^-n=?(\d+)$/.exec(word) ?? []) : [];
    return limit === undefined ? [word] : ['-n', limit];
  });
}

/** The parser keeps `-H` for itself, by which people give headers to `curl`, and to `candor route`. */
function withHeaderFlag(argv: readonly string[]): readonly string[] {
  return argv[0] === 'route' ? argv.map((word) => (word === '-H' ? '--header' : word)) : argv;
}

/** The stream that the parser writes to. The parser prints colours if `getColorDepth` allows them, by the same rule as `style.ts`. */
function parserStream(
  output: Output,
  { env }: ProcessContext,
): ParserContext['process']['stdout'] & { getColorDepth(): number } {
  const colours = output.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return { write: (text) => output.write(text), getColorDepth: () => (colours ? 4 : 1) };
}

/** The parser's messages in Candor's words, without a stack trace. */
const parserText: ApplicationText = {
  ...text_en,
  briefs: {
    help: 'Show this help',
    helpAll: 'Show this help, with hidden flags',
    version: 'Show the version',
    argumentEscapeSequence: 'End of the flags of candor',
  },
  noCommandRegisteredForInput: ({ input, corrections }) =>
    corrections.length > 0
      ? `There is no command "${input}"; did you mean ${corrections.join(' or ')}?`
      : `There is no command "${input}". \`candor --help\` lists all commands.`,
  exceptionWhileParsingArguments: (error) =>
    error instanceof ArgumentScannerError
      ? formatMessageForArgumentScannerError(error, {
          ArgumentParseError: ({ externalFlagNameOrPlaceholder, input, exception }) =>
            `"${input}" is not valid for "${externalFlagNameOrPlaceholder}": ${exception instanceof Error ? exception.message : String(exception)}`,
          FlagNotFoundError: ({ input, corrections }) =>
            corrections.length > 0
              ? `There is no flag --${input}; did you mean ${corrections.map(writtenFlag).join(' or ')}?`
              : noFlagText(`--${input}`),
          AliasNotFoundError: ({ input }) => noFlagText(`-${input}`),
          UnsatisfiedPositionalError: ({ placeholder }) =>
            placeholder === 'command'
              ? 'The command to run is missing: candor run -- node server.js'
              : `The <${placeholder}> is missing. \`--help\` has an example.`,
          UnexpectedPositionalError: ({ input }) => unexpectedText(input),
        })
      : defectText(error),
  exceptionWhileLoadingCommandFunction: (error) => defectText(error),
  exceptionWhileLoadingCommandContext: (error) => defectText(error),
  exceptionWhileRunningCommand: (error) => (error instanceof CommandFailure ? failureText(error) : defectText(error)),
};

/** '--ca-file' for `caFile`: the parser suggests the names that the code has. */
function writtenFlag(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function unexpectedText(input: string): string {
  const [, flag, value] = /^(since|until):(\S+)$/.exec(input) ?? [];
  if (flag !== undefined)
    return `"${input}" is a condition of \`candor logs\`. Other commands have --${flag} ${value}.`;
  const advice = /\.ya?ml$/.test(input) ? `A configuration is named with -c ${input}.` : '`--help` has an example.';
  return `"${input}" is an unexpected argument. ${advice}`;
}

const versionCommand = buildCommand<{ json: boolean }, [], ParserContext>({
  docs: {
    brief: 'Print the version',
    fullDescription: describe('Prints the versions of Candor and of the Node that runs it.', 'candor version --json'),
  },
  parameters: { flags: { json: jsonFlag } },
  func(flags) {
    const [candor, node] = [readVersion(), process.versions.node];
    this.process.stdout.write(
      flags.json ? `${JSON.stringify({ candor, node })}\n` : `candor ${candor} (node ${node})\n`,
    );
  },
});

const root = buildRouteMap<string, ParserContext>({
  routes: {
    run: runCommand,
    up: upCommand,
    check: checkCommand,
    adapt: adaptCommand,
    schema: schemaCommand,
    configuration: configurationCommands,
    status: statusCommand,
    reload: reloadCommand,
    restart: restartCommand,
    app: appCommands,
    deploy: deployCommand,
    releases: releasesCommand,
    rollback: rollbackCommand,
    promote: promoteCommand,
    secret: secretCommands,
    jobs: {
      ...jobsCommand,
      formatUsageLine: ({ prefix }) => [...prefix, '[name]', '|', 'run', '<name>'].join(' '),
    },
    maintenance: maintenanceCommand,
    pause: pauseCommand,
    drain: drainCommand,
    eject: ejectCommand,
    weight: weightCommand,
    restore: restoreCommand,
    stop: stopCommand,
    upgrade: upgradeCommand,
    explain: {
      ...explainCommand,
      formatUsageLine: ({ prefix }) => [...prefix, '<log>... or <request-id>'].join(' '),
    },
    whose: whoseCommand,
    probe: probeCommand,
    dashboard: dashboardCommand,
    top: topCommand,
    cost: costCommand,
    incidents: incidentsCommand,
    incident: incidentCommand,
    alert: alertCommands,
    route: {
      ...routeCommand,
      formatUsageLine: ({ prefix }) => [...prefix, routeUsage].join(' '),
    },
    logs: logsCommand,
    events: eventsCommand,
    token: tokenCommand,
    password: passwordCommand,
    key: keyCommands,
    sign: signCommand,
    trust: trustCommand,
    demo: demoCommand,
    torture: {
      ...tortureCommand,
      formatUsageLine: ({ prefix }) => [...prefix, tortureUsages[0]].join(' '),
    },
    version: versionCommand,
  },
  docs: {
    brief: 'An HTTP gateway that says why requests failed',
    fullDescription: describe(
      'An HTTP gateway that says why requests failed, where, and what to do.\n`candor <command> --help` describes a command.',
      'candor run -- node server.js',
    ),
  },
});

const application = buildApplication<ParserContext>(root, {
  name: 'candor',
  versionInfo: { getCurrentVersion: async () => readVersion() },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { useAliasInUsageLine: true, onlyRequiredInUsageLine: true },
  localization: { text: parserText },
  determineExitCode: (error) => (error instanceof CommandFailure ? error.code : 1),
});
