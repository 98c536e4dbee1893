import { findImports } from './rules.ts';
import type { Source } from './source.ts';

/** What the threads of a gateway load when they start; `candor up` is loaded by the command line. */
export const startOfThreads: readonly string[] = [
  'src/cli/main.ts',
  'src/cli/up.ts',
  'src/worker/worker-main.ts',
  'src/logger/logger-main.ts',
];

/** Too large to stay in a process that serves (ADR 4), with what to do instead. */
const large: ReadonlyMap<string, string> = new Map([
  ['zod', 'read it in the thread of the configuration, or import() it with the request that needs it'],
  ['yaml', 'read it in the thread of the configuration'],
  ['node:http', 'use src/admin/node-http.ts'],
  ['node:zlib', 'call process.getBuiltinModule where something is compressed'],
  ['node:https', 'call process.getBuiltinModule where a request needs it'],
  ['node:tls', 'use src/transport/node-tls.ts'],
]);

/** Each large module that `starts` load at once, with the files through which they do: 'a -> b -> zod: …'. */
export function findLargeAtStart(sources: readonly Source[], starts: readonly string[]): string[] {
  const { ways } = loadOf(sources, starts);
  return [...large].flatMap(([module, instead]) => (ways.has(module) ? [`${ways.get(module)}: ${instead}`] : []));
}

/** Imports of types are erased, and `import()` loads later. */
function loadedAtOnce(source: Source): string[] {
  const erased = /\b(?:import|export) type\b[^;]*;|\bimport\([^)]*\)/g;
  const code = source.code.replaceAll(erased, '');
  return findImports({ ...source, code, bare: source.bare.replaceAll(erased, '') })
    .filter(({ isLoaded }) => isLoaded)
    .map(({ to }) => to);
}

/** What is loaded at once: kilobytes of source without comments, texts and indentation, and npm packages. */
interface Load {
  readonly kilobytes: number;
  readonly packages: readonly string[];
}

/** The reader of configurations, which grows with each key. */
const reader = 795;

/**
 * What commands and threads may load before they do anything. A command loads `main.ts` with all definitions, and the file that its definition
 * names; `version` and help load that alone. Readers of configurations are for the commands that check one.
 */
export const loadBudgets: Readonly<Record<string, Load>> = {
  'src/cli/main.ts': { kilobytes: 109, packages: ['@stricli/core'] },
  'src/cli/status-watch.ts': { kilobytes: 271, packages: ['@stricli/core'] },
  'src/cli/reload-command.ts': { kilobytes: 192, packages: ['@stricli/core'] },
  'src/cli/restart-command.ts': { kilobytes: 174, packages: ['@stricli/core'] },
  'src/cli/deploy.ts': { kilobytes: 195, packages: ['@stricli/core'] },
  'src/cli/upgrade/upgrade-command.ts': { kilobytes: 176, packages: ['@stricli/core'] },
  'src/cli/stop-command.ts': { kilobytes: 179, packages: ['@stricli/core'] },
  'src/cli/events-command.ts': { kilobytes: 200, packages: ['@stricli/core'] },
  'src/cli/credentials.ts': { kilobytes: 132, packages: ['@stricli/core'] },
  'src/cli/token.ts': { kilobytes: 125, packages: ['@stricli/core', 'zod'] },
  'src/cli/dashboard.ts': { kilobytes: 228, packages: ['@stricli/core'] },
  'src/cli/check.ts': { kilobytes: reader + 117, packages: ['@stricli/core', 'yaml', 'zod'] },
  'src/cli/trust.ts': { kilobytes: reader + 64, packages: ['@stricli/core', 'yaml', 'zod'] },
  'src/cli/show-configurations.ts': { kilobytes: 187, packages: ['@stricli/core'] },
  'src/cli/secrets.ts': { kilobytes: 204, packages: ['@stricli/core'] },
  'src/cli/job-command.ts': { kilobytes: 181, packages: ['@stricli/core'] },
  'src/cli/restore-configuration.ts': { kilobytes: reader + 150, packages: ['@stricli/core', 'yaml', 'zod'] },
  'src/cli/explain-log/explain-anything.ts': { kilobytes: 812, packages: ['@stricli/core'] },
  'src/cli/whose/whose-command.ts': { kilobytes: 171, packages: ['@stricli/core'] },
  'src/cli/show-logs.ts': { kilobytes: 225, packages: ['@stricli/core'] },
  'src/cli/sign.ts': { kilobytes: reader + 128, packages: ['@stricli/core', 'yaml', 'zod'] },
  'src/cli/show-route.ts': { kilobytes: 283, packages: ['@stricli/core'] },
  'src/cli/show-top.ts': { kilobytes: 178, packages: ['@stricli/core'] },
  'src/cli/show-cost.ts': { kilobytes: 176, packages: ['@stricli/core'] },
  'src/cli/show-incidents.ts': { kilobytes: 193, packages: ['@stricli/core'] },
  'src/cli/show-alerts.ts': { kilobytes: 177, packages: ['@stricli/core'] },
  'src/cli/change-overlay.ts': { kilobytes: 176, packages: ['@stricli/core'] },
  'src/cli/run.ts': { kilobytes: 3093, packages: ['@stricli/core', 'zod'] },
  'src/cli/read-in-thread.ts': { kilobytes: 129, packages: ['@stricli/core'] },
  'src/cli/up.ts': { kilobytes: 2706, packages: ['@stricli/core'] },
  'src/cli/demo.ts': { kilobytes: 2681, packages: ['@stricli/core'] },
  'src/cli/probe/probe-command.ts': { kilobytes: 663, packages: ['@stricli/core'] },
  'src/cli/torture.ts': { kilobytes: 237, packages: ['@stricli/core'] },
  'src/cli/configuration-thread.ts': { kilobytes: reader, packages: ['yaml', 'zod'] },
  'src/worker/worker-main.ts': { kilobytes: 1485, packages: [] },
  'src/cli/change-maintenance.ts': { kilobytes: 182, packages: ['@stricli/core'] },
  'src/cli/coming-time.ts': { kilobytes: 120, packages: ['@stricli/core'] },
  'src/cli/app.ts': { kilobytes: 200, packages: ['@stricli/core'] },
  'src/cli/app-shell.ts': { kilobytes: reader + 148, packages: ['@stricli/core', 'zod', 'yaml'] },
  'src/cli/adapt.ts': { kilobytes: 140, packages: ['@stricli/core', 'yaml'] },
  'src/logger/logger-main.ts': { kilobytes: 110, packages: [] },
  'src/store/store-main.ts': { kilobytes: 265, packages: [] },
  'src/otlp/otlp-main.ts': { kilobytes: 90, packages: [] },
};

interface LoadWays extends Load {
  /** Of each file and package, the files through which it is loaded. */
  readonly ways: ReadonlyMap<string, string>;
}

/** Where a start does not load what its budget says. A budget that is far above would let much through: it follows what has become less. */
export function findBudgetBreaches(start: string, budget: Load | undefined, loaded: LoadWays): string[] {
  const { kilobytes: most = 0, packages: allowed = [] } = budget ?? {};
  const { kilobytes, packages, ways } = loaded;
  const here = 'in test/architecture/start.ts';
  const loads = `${start} loads ${kilobytes} of ${most} kB`;
  return [
    ...(kilobytes > most ? [`${loads}: raise it ${here}, or load less`] : []),
    ...(kilobytes <= most * 0.75 ? [`${loads}: lower it ${here}`] : []),
    ...packages
      .filter((one) => !allowed.includes(one))
      .map((one) => `${start} loads ${one}: name it ${here}, or load it later (${ways.get(one)})`),
    ...allowed
      .filter((one) => !packages.includes(one))
      .map((one) => `${start} no longer loads ${one}: remove it ${here}`),
  ];
}

/** What `starts` load at once, with the files through which they load each. */
export function loadOf(sources: readonly Source[], starts: readonly string[]): LoadWays {
  const bySource = new Map(sources.map((source) => [source.path, source]));
  const ways = new Map(starts.map((start) => [start, start]));
  let bytes = 0;
  for (const [path, way] of ways) {
    const source = bySource.get(path);
    if (source === undefined) continue;
    bytes += source.bare.replace(/\s+/g, ' ').length;
    for (const to of loadedAtOnce(source)) if (!ways.has(to)) ways.set(to, `${way} -> ${to}`);
  }
  const packages = [...ways.keys()].filter((to) => !bySource.has(to) && !to.startsWith('node:')).sort();
  return { kilobytes: Math.ceil(bytes / 1000), packages, ways };
}

/** The files that the definitions of commands load by `import()`, and those that threads start from. */
export function loadingStarts(sources: readonly Source[], threads: readonly string[]): string[] {
  const commands = sources
    .filter(({ path }) => /^src\/cli\/[a-z]+-commands\.ts$/.test(path))
    .flatMap((source) => [...source.code.matchAll(/\bimport\('\.\/([^']+)'\)/g)].map(([, to]) => `src/cli/${to}`));
  return ['src/cli/main.ts', ...new Set(commands), ...threads.map((entry) => `src/${entry}`)];
}
