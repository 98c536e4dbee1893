import { rolloutStrategies, type RolloutStrategy } from '../core/release.ts';
import { CommandFailure } from './command-failure.ts';
import type { DeployFlags, ListFlags, ReleaseFlags, RollbackFlags } from './deploy.ts';
import { askFlags, configAlias, defineCommand, optionalArgument, switchFlag, valueFlag, words } from './flags.ts';

const application = optionalArgument('application', 'Its name; none where the gateway runs one');

export const deployCommand = defineCommand<DeployFlags, [string?]>({
  brief: 'Release a new version of an application',
  text: 'Copies the files, builds them if `releases.build` says so, starts instances of\nthem beside the old ones, and gives them requests when all are ready. Prints\neach step until the release is in force. Exits with 5 if the release did not\nbecome ready, with 6 if it did worse than the old one, which then serves, and\nwith 10 if nothing was tried.',
  examples: [
    'candor deploy --dry-run',
    'candor deploy shop --from ./build --strategy canary',
    'candor deploy shop --git v1.4.2',
  ],
  flags: {
    ...askFlags,
    from: valueFlag('<path> of a folder or an archive'),
    git: valueFlag('<revision> of the repository there'),
    name: valueFlag('<name> of the release, such as v1.4.2'),
    strategy: valueFlag('<how> blue_green, rolling or canary', parseStrategy),
    answersChange: switchFlag('Its answers differ on purpose'),
    dryRun: switchFlag('Only say what would be released'),
    wait: { kind: 'boolean', brief: 'Wait until it is in force', default: true },
  },
  positional: words(application),
  aliases: configAlias,
  run: async (context, flags, name) => (await import('./deploy.ts')).deploy(flags, name ?? null, context),
});

function parseStrategy(input: string): RolloutStrategy {
  const found = rolloutStrategies.find((one) => one === input);
  if (found !== undefined) return found;
  throw new CommandFailure('usage', 'a strategy is blue_green, rolling or canary');
}

export const releasesCommand = defineCommand<ListFlags, [string?]>({
  brief: 'List releases and rollouts of applications',
  text: 'The release in force, the one that stays warm, and what was rolled out by whom,\nwith its verdict.',
  examples: ['candor releases', 'candor releases shop --json', 'candor releases shop --log r3'],
  flags: { ...askFlags, log: valueFlag('<release> whose build to print the log of') },
  positional: words(application),
  aliases: configAlias,
  run: async (context, flags, name) => (await import('./deploy.ts')).listReleases(flags, name ?? null, context),
});

export const rollbackCommand = defineCommand<RollbackFlags, [string?]>({
  brief: 'Go back to the release before, or end a rollout',
  text: 'Gives all requests to the release before: at once if it is warm, otherwise when\nits instances are ready. While a release is being rolled out, ends that.',
  examples: ['candor rollback', 'candor rollback shop --to r12'],
  flags: { ...askFlags, to: valueFlag('<release> by name or number') },
  positional: words(application),
  aliases: configAlias,
  run: async (context, flags, name) => (await import('./deploy.ts')).rollback(flags, name ?? null, context),
});

export const promoteCommand = defineCommand<ReleaseFlags, [string?]>({
  brief: 'Give a release that is being rolled out all requests',
  text: 'Leaves out the rest of its steps. If the release has all requests already, ends\nthe time for which it is watched.',
  examples: ['candor promote shop'],
  flags: askFlags,
  positional: words(application),
  aliases: configAlias,
  run: async (context, flags, name) => (await import('./deploy.ts')).promote(flags, name ?? null, context),
});
