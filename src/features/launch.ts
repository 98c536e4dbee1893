/** The part of a feature in the starts of programs. */
import type {
  Launch,
  LaunchCommand,
  Launcher,
  LaunchFailure,
  LaunchHold,
  LaunchedProgram,
  LaunchOwner,
  PreparedLaunch,
} from '../core/launch.ts';
import { type Result, succeed } from '#failures/result.ts';

/** For programs of applications that have the feature. Never throws. */
export interface LaunchPart<S extends object = object> {
  /** What makes a new process necessary when it changes, without secrets; '': nothing. */
  key(spec: S, application: string): string;
  /** The user who will run the program, for what other features make for it. Absent: it changes no user. */
  owner?(spec: S): LaunchOwner | null;
  prepare(spec: S, launch: Launch): Result<PreparedLaunch, LaunchFailure>;
  /** A program that an earlier process has started is taken over. Absent: nothing is kept for it. */
  adopt?(spec: S, program: LaunchedProgram, pid: number): LaunchHold | null;
}

interface NamedLaunchPart {
  readonly name: string;
  readonly launch: LaunchPart;
}

/** Passes each launch through the features that its application has, in their order. Where one fails, those before it end what they keep. */
export function featureLauncher(parts: readonly NamedLaunchPart[]): Launcher {
  return {
    key: (application, settings) =>
      parts
        .flatMap(({ name, launch }) => {
          const spec = settings[name];
          const key = spec === undefined ? '' : launch.key(spec, application);
          return key === '' ? [] : [`${name} ${key}`];
        })
        .join('\n'),
    prepare(launch) {
      const holds: LaunchHold[] = [];
      const owner = ownerOf(parts, launch);
      let made: LaunchCommand = launch;
      for (const { name, launch: part } of parts) {
        const spec = launch.settings[name];
        if (spec === undefined) continue;
        const prepared = part.prepare(spec, { ...launch, ...made, owner });
        if (!prepared.ok) {
          endAll(holds);
          return prepared;
        }
        const { command, environment, hold } = prepared.value;
        made = { command, environment };
        if (hold !== undefined) holds.push(hold);
      }
      const { command, environment } = made;
      return succeed({ command, environment, ...(holds.length === 0 ? {} : { hold: all(holds) }) });
    },
    adopt(program, pid) {
      const holds = parts.flatMap(({ name, launch }) => {
        const spec = program.settings[name];
        return (spec === undefined ? null : launch.adopt?.(spec, program, pid)) ?? [];
      });
      return holds.length === 0 ? null : all(holds);
    },
  };
}

function ownerOf(parts: readonly NamedLaunchPart[], { settings }: Launch): LaunchOwner | null {
  for (const { name, launch } of parts) {
    const spec = settings[name];
    const owner = (spec === undefined ? null : launch.owner?.(spec)) ?? null;
    if (owner !== null) return owner;
  }
  return null;
}

const all = (holds: readonly LaunchHold[]): LaunchHold => ({
  started: (pid) => {
    for (const hold of holds) hold.started?.(pid);
  },
  exited: (exit) => firstOf(holds.map((hold) => hold.exited?.(exit) ?? null)),
  ended: () => endAll(holds),
  mask: (line) => holds.reduce((left, hold) => hold.mask?.(left) ?? left, line),
});

const firstOf = <T>(found: readonly (T | null)[]): T | null => found.find((one) => one !== null) ?? null;

/** The last first. */
function endAll(holds: readonly LaunchHold[]): void {
  for (const hold of holds.toReversed()) hold.ended?.();
}
