import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { resultOfReload } from '../admin/api.ts';
import { audited } from '../admin/audit.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Gateway, GatewayWatcher } from '../control/gateway-status.ts';
import {
  type GatewayOptions,
  ListenFailure,
  LogFailure,
  StartAbandoned,
  startGateway,
  StateFailure,
} from '../gateway/gateway.ts';
import { hideFromGit } from '../deploy/private-folder.ts';
import { setServingFlags } from '../system/serving-flags.ts';
import { commandName, type ServiceSignal, type ProcessContext } from './process-context.ts';
import { fewDescriptorsText, releaseStartupMemory, type ServePlan } from './serve-plan.ts';
import { defectText, CommandFailure } from './command-failure.ts';
import { watchDrain } from './drain-watch.ts';
import { type EventWriter, jsonEvents, readableEvents } from './event-lines.ts';
import { listenFailureText, findListenProblem } from './next-port.ts';
import { RequestLines } from './request-lines.ts';
import { ServedAdmin } from './served-admin.ts';
import { ServiceSignals, StopSignals } from './stop-signals.ts';
import { ServedGateway } from './served-gateway.ts';
import { styleFor } from './style.ts';
import { findStartSockets, type StartSockets } from './upgrade/start-sockets.ts';
import { stayInForeground } from './upgrade/start-successor.ts';
import type { PredecessorConnection } from './upgrade/successor.ts';

/**
 * Runs a gateway until a signal ends it or a successor has taken over: starts it with its admin API, prints its events, and
 * passes the signals on. Resolves with the exit code when nothing is left running.
 */
export async function serve(plan: ServePlan, context: ProcessContext): Promise<number> {
  const writer = eventWriter(plan, context);
  const stop = new StopSignals(context);
  const signals = new ServiceSignals(context);
  const admin = new ServedAdmin();
  let isReleased = false;
  const release = (): void => {
    if (isReleased) return;
    isReleased = true;
    signals.release();
    stop.release();
    writer.end();
  };
  try {
    const startSockets = findStartSockets(plan.configuration, plan.source !== null, context);
    const { gateway, configuration } = await start(plan, startSockets, writer, admin, context);
    const serving = new ServedGateway(gateway, plan, startSockets, admin, context);
    const code = await serveUntilStopped(serving, configuration, admin, stop, signals);
    const successor = context.stderr.isTTY ? (serving.upgrades?.successor ?? null) : null;
    if (successor === null) return code;
    release();
    return await stayInForeground(successor, context);
  } finally {
    release();
  }
}

async function serveUntilStopped(
  serving: ServedGateway,
  configuration: Configuration,
  admin: ServedAdmin,
  stop: StopSignals,
  signals: ServiceSignals,
): Promise<number> {
  const { gateway, plan, context } = serving;
  try {
    await admin.open(gateway, configuration, context, serving.upgrades, stop, context.predecessor?.facts.admin ?? null);
    const request = await Promise.race([plan.onOpened(gateway, configuration), stop.first]);
    // A process that is about to stop must not take over.
    if (request === undefined) serving.ready();
    // Until then the predecessor may roll back the handoff, and signals passed to this process would be lost with it.
    void (context.predecessor?.settled ?? Promise.resolve()).then(() => passSignals(signals, serving));
    const leave = watchDrain(gateway, context);
    const forgetting = releaseStartupMemory(context.clock);
    await serving.untilStopped(stop).finally(() => {
      forgetting.cancel();
      leave();
    });
    return stop.exitCode;
  } catch (error) {
    // The gateway that was started must not outlive the failed command.
    await serving.abandon('the command failed');
    throw error;
  } finally {
    await admin.close();
    await serving.close();
  }
}

async function start(
  plan: ServePlan,
  { configuration: planned, sockets, passed, sharedAddresses, keepPorts }: StartSockets,
  writer: EventWriter,
  admin: ServedAdmin,
  context: ProcessContext,
): Promise<{ gateway: Gateway; configuration: Configuration }> {
  // With the exchange log, standard output has nothing else.
  let [logPath, nextLogPath] = [planned.log.path, planned.log.path];
  const watcher: GatewayWatcher = {
    onEvent: (event) => {
      if (event.kind === 'configuration_applied') logPath = nextLogPath;
      plan.onEvent?.(event);
      if (plan.isMute?.(event) !== true) writer.event(event);
    },
    ...recordCallbacks(writer),
    onFailures: (summary) => writer.failing(summary),
    onOutput: (instance, stream, line) => writer.printed(instance, stream, line, logPath === '-'),
  };
  const { source, reloadConfiguration, abandon } = plan;
  const read = plan.shown === undefined ? { source } : { source, shown: plan.shown };
  const reloading =
    reloadConfiguration === undefined
      ? {}
      : {
          reloadConfiguration: admin.reloading(async () => {
            const outcome = await reloadConfiguration();
            if (!outcome.ok) return outcome;
            nextLogPath = outcome.configuration.log.path;
            return { ...outcome, configuration: keepPorts(outcome.configuration) };
          }),
        };
  let configuration = planned;
  for (;;) {
    const problem = (await findListenProblem(configuration, sharedAddresses)) ?? (await tryStarting(configuration));
    if (!('errno' in problem)) return { gateway: problem, configuration };
    const other = problem.errno === 'EADDRINUSE' ? ((await plan.otherPort?.(configuration, problem)) ?? null) : null;
    if (other === null) throw new CommandFailure('failure', listenFailureText(problem));
    configuration = other;
  }

  async function tryStarting(configuration: Configuration): Promise<Gateway | ListenFailure> {
    makeLogFolder(configuration);
    // Without descriptors any call may fail, and the thread of the log may end, with an error that does not mention descriptors.
    const few = fewDescriptorsText(configuration);
    if (few !== null) throw new CommandFailure('failure', few);
    const adopting = adoption(context.predecessor, configuration);
    const opened = { sharedAddresses, inheritedSockets: sockets, passedSockets: passed };
    const options = { configuration, ...read, ...reloading, ...adopting, watcher, ...opened };
    const ended = abandon === undefined ? {} : { abandon };
    try {
      const gateway = await startGateway({ ...options, ...ended });
      setServingFlags();
      return gateway;
    } catch (error) {
      if (error instanceof StartAbandoned) throw error;
      const isForPeople = error instanceof LogFailure || error instanceof StateFailure;
      if (error instanceof ListenFailure) return error;
      throw isForPeople ? new CommandFailure('failure', error.message) : error;
    }
  }
}

/** A writer of JSON prints no records: then the main thread gets none. */
function recordCallbacks(writer: EventWriter): GatewayWatcher {
  if (writer.recorded !== undefined) return { onRecords: (lines) => writer.recorded?.(lines) };
  if (writer.failed === undefined) return {};
  return {
    onFailedExchange: (record) => writer.failed?.(record),
    onFailuresSkipped: (count) => writer.skipped?.(count),
  };
}

function adoption(
  predecessor: PredecessorConnection | null,
  { stateFolder }: Configuration,
): Pick<GatewayOptions, 'adopt'> {
  if (predecessor === null) return {};
  const { predecessorEnded, settled } = predecessor;
  return { adopt: { predecessorEnded, settled, whenHandedOff: () => predecessor.takeOver(stateFolder) } };
}

function makeLogFolder({ log }: Configuration): void {
  if (log.path === null || log.path === '-') return;
  try {
    // Only the last folder: a misspelt path must not create a tree of folders.
    mkdirSync(dirname(log.path));
    hideFromGit(dirname(log.path));
  } catch {
    // Opening the log fails next. That error says which folder is missing and what to do.
  }
}

/** SIGHUP reloads the configuration, SIGUSR1 and SIGUSR2 reopen the logs. An event reports the result. */
function passSignals(signals: ServiceSignals, serving: ServedGateway): void {
  const { gateway, context } = serving;
  // The gateway continues to serve if the action of a signal fails.
  const tell = (error: unknown): void => context.stderr.write(`${defectText(error, context.env)}\n`);
  const reload = { actor: 'signal:SIGHUP', remote: null };
  const reopen = (signal: ServiceSignal) => {
    const requester = { actor: `signal:${signal}`, remote: null };
    return audited(gateway, { id: 'reopenLogs', target: null }, requester, () => gateway.reopenLogs());
  };
  const acts: Readonly<Record<ServiceSignal, () => Promise<unknown>>> = {
    SIGHUP: () =>
      audited(gateway, { id: 'reload', target: null }, reload, () => serving.reload(reload.actor), resultOfReload),
    SIGUSR1: () => reopen('SIGUSR1'),
    SIGUSR2: () => reopen('SIGUSR2'),
  };
  signals.passTo((signal) => void acts[signal]().catch(tell));
}

function eventWriter(plan: ServePlan, context: ProcessContext): EventWriter {
  const { stdout, stderr, env } = context;
  if (plan.json === true || (!stderr.isTTY && plan.forPeople !== true))
    return jsonEvents(stdout, stderr, () => context.clock.wallTime());
  const [style, explain] = [styleFor(stderr, env), `${commandName(env)} explain`];
  const writer = readableEvents(stdout, stderr, style, explain, context.clock);
  if (plan.requestLines !== true || !stderr.isTTY) return writer;
  const requests = new RequestLines(context.clock, (text) => stderr.write(text), style, explain);
  return {
    ...writer,
    recorded: (lines) => requests.note(lines),
    end: () => {
      requests.end();
      writer.end();
    },
  };
}
