import { buildApplication, buildCommand, buildRouteMap } from '@stricli/core';
import {
  eventsCommand,
  reloadCommand,
  statusCommand,
  stopCommand,
  tokenCommand,
  upgradeCommand,
} from './admin-commands.ts';
import { type ParserContext, describe } from './parser-context.ts';
import { alertCommands } from './alert-commands.ts';
import { checkCommand, schemaCommand, trustCommand } from './configuration-commands.ts';
import { explainCommand, whoseCommand } from './diagnose-commands.ts';
import { incidentCommand, incidentsCommand } from './incident-commands.ts';
import { dashboardCommand } from './dashboard-command.ts';
import { jsonFlag } from './flags.ts';
import { configurationCommands } from './kept-configuration-commands.ts';
import { logsCommand } from './logs-command.ts';
import {
  drainCommand,
  ejectCommand,
  maintenanceCommand,
  pauseCommand,
  restoreCommand,
  weightCommand,
} from './overlay-commands.ts';
import { parserText } from './parser-text.ts';
import { probeCommand } from './probe/probe-commands.ts';
import { routeCommand, routeUsage } from './route-command.ts';
import { demoCommand, runCommand, upCommand } from './serve-commands.ts';
import { CommandFailure } from './command-failure.ts';
import { tortureCommand, tortureUsages } from './torture-command.ts';
import { readVersion } from './version.ts';

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
    schema: schemaCommand,
    configuration: configurationCommands,
    status: statusCommand,
    reload: reloadCommand,
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

export const application = buildApplication<ParserContext>(root, {
  name: 'candor',
  versionInfo: { getCurrentVersion: async () => readVersion() },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { useAliasInUsageLine: true, onlyRequiredInUsageLine: true },
  localization: { text: parserText },
  determineExitCode: (error) => (error instanceof CommandFailure ? error.code : 1),
});
