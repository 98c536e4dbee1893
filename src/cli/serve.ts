import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { outcomeOfReload } from '../admin/api.ts';
import { audited } from '../admin/audit.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Gateway, GatewayWatcher } from '../gateway/control.ts';
import { type ConfigurationReload, ListenFailure, LogFailure, startGateway } from '../gateway/gateway.ts';
import { commandName } from './command-name.ts';
import { defectText } from './failure-text.ts';
import { watchDrain } from './drain-watch.ts';
import { type EventWriter, jsonEvents, readableEvents } from './event-lines.ts';
import { type ListenFacts, listenFailureText } from './listen-failure-text.ts';
import { findListenProblem } from './next-port.ts';
import { ServedAdmin } from './serve-admin.ts';
import { StopSignals } from './stop-signals.ts';
import { styleFor } from './style.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';

export interface ServePlan {
  readonly configuration: Configuration;
  /** The configuration's file; null where none was written. */
  readonly source: string | null;
  readonly reloadConfiguration?: ConfigurationReload;
  /** What to do about a port that is taken: another configuration, or null to give up. */
  readonly otherPort?: (configuration: Configuration, failure: ListenFacts) => Promise<Configuration | null>;
  /** Tells what happens in lines for people even where nobody sits at a terminal. */
  readonly forPeople?: boolean;
  /** Says where things are, once listeners and admin API are open. */
  readonly opened: (gateway: Gateway, configuration: Configuration) => void | Promise<void>;
}

/**
 * Runs a gateway until a signal ends it: starts it with its admin API, tells what happens, and passes the
 * signals on. Resolves with the exit code when nothing is left running.
 */
export async function serve(plan: ServePlan, around: Surroundings): Promise<number> {
  const writer = eventWriter(plan, around);
  const stop = new StopSignals(around);
  const admin = new ServedAdmin();
  try {
    const { gateway, configuration } = await start(plan, writer, admin);
    const leave = passSignals(gateway, around);
    try {
      return await serveUntilStopped(gateway, configuration, admin, plan, stop, around);
    } finally {
      leave();
    }
  } finally {
    stop.release();
  }
}

async function serveUntilStopped(
  gateway: Gateway,
  configuration: Configuration,
  admin: ServedAdmin,
  plan: ServePlan,
  stop: StopSignals,
  around: Surroundings,
): Promise<number> {
  try {
    await admin.open(gateway, configuration, around);
    await Promise.race([plan.opened(gateway, configuration), stop.first]);
    const signal = await stop.first;
    stop.onSecond = () => void gateway.stop(`a second ${signal}`);
    const leave = watchDrain(gateway, around);
    await gateway.stop(signal).finally(leave);
    return stop.exitCode;
  } catch (error) {
    // What was started must not outlive the command that cannot go on.
    await gateway.stop('the command failed');
    throw error;
  } finally {
    await admin.close();
  }
}

async function start(
  plan: ServePlan,
  writer: EventWriter,
  admin: ServedAdmin,
): Promise<{ gateway: Gateway; configuration: Configuration }> {
  const watcher: GatewayWatcher = {
    told: (event) => writer.event(event),
    failed: (record) => writer.failed(record),
    failing: (summary) => writer.failing(summary),
    printed: (instance, stream, line) => writer.printed(instance, stream, line),
  };
  const { source, reloadConfiguration } = plan;
  const reloading =
    reloadConfiguration === undefined ? {} : { reloadConfiguration: admin.reloading(reloadConfiguration) };
  let configuration = plan.configuration;
  for (;;) {
    const problem = (await findListenProblem(configuration)) ?? (await tryStarting(configuration));
    if (!('errno' in problem)) return { gateway: problem, configuration };
    const other = problem.errno === 'EADDRINUSE' ? ((await plan.otherPort?.(configuration, problem)) ?? null) : null;
    if (other === null) throw new CommandFailure('failure', listenFailureText(problem));
    configuration = other;
  }

  async function tryStarting(configuration: Configuration): Promise<Gateway | ListenFailure> {
    makeLogFolder(configuration);
    try {
      return await startGateway({ configuration, source, ...reloading, watcher });
    } catch (error) {
      if (error instanceof ListenFailure) return error;
      throw error instanceof LogFailure ? new CommandFailure('failure', error.message) : error;
    }
  }
}

function makeLogFolder({ log }: Configuration): void {
  if (log.path !== null && log.path !== '-') mkdirSync(dirname(log.path), { recursive: true });
}

/** SIGHUP reads the configuration again, SIGUSR2 reopens the logs. What comes of it is told as an event. */
function passSignals(gateway: Gateway, around: Surroundings): () => void {
  // A gateway that serves goes on serving, whatever comes of a signal.
  const tell = (error: unknown): void => around.stderr.write(`${defectText(error, around.env)}\n`);
  const reload = { actor: 'signal:SIGHUP', remote: null };
  const reopen = { actor: 'signal:SIGUSR2', remote: null };
  const leaveReload = around.onSignal('SIGHUP', () => {
    audited(gateway, 'reload', reload, () => gateway.reload(reload.actor), outcomeOfReload).catch(tell);
  });
  const leaveReopen = around.onSignal('SIGUSR2', () => {
    audited(gateway, 'reopenLogs', reopen, () => gateway.reopenLogs()).catch(tell);
  });
  return () => {
    leaveReload();
    leaveReopen();
  };
}

function eventWriter(plan: ServePlan, around: Surroundings): EventWriter {
  const { stdout, stderr, env } = around;
  return stderr.isTTY || plan.forPeople === true
    ? readableEvents(stdout, stderr, styleFor(stderr, env), `${commandName(env)} explain`)
    : jsonEvents(stdout, stderr, () => around.clock.wallTime());
}
