import { type StormGateway, configurations, stormGateways, type StormSetting, usualSetting } from './configurations.ts';
import { titles } from '../report.ts';
import { storms } from './storms.ts';

/**
 * `configurations.md` and the files of `configurations/`, by their names: the usual configuration of each gateway, and what is
 * otherwise in which storm. A test keeps them up to date.
 */
export function configurationFiles(): Readonly<Record<string, string>> {
  const intro = `# The configurations of the storms

What \`npm run bench:storms\` starts each gateway with: the usual configuration, and the lines that are otherwise in some storms. All gateways have
the same limits of time (1 s to connect, 2 s for an answer), retries of GETs and of what was not sent, at most three attempts where an attempt
can be counted, a health check each second where they have checks, and what they have against origins that fail. Written from \`configurations.ts\` by \`UPDATE_DOCS=1 npm test -- --only bench/storms\`.`;
  return Object.assign(
    { 'configurations.md': `${[intro, ...stormGateways.map(linkedNote)].join('\n\n')}\n` },
    ...stormGateways.map(filesOf),
  ) as Record<string, string>;
}

const notes: Readonly<Record<StormGateway, string>> = {
  candor:
    'Waiting for an origin that restarts (5 s), outlier detection, the retry budget and the queue of 64 are its defaults.',
  nginx:
    'It has no health checks, no queue and no wait for an origin that restarts. It is told to refuse beyond what may be in an origin, with as many more as others let wait: these wait in the origin.',
  haproxy:
    'With a single origin it has no check, because a server that is down gets nothing: so it waits, by retries a second apart. Retries do not know methods, hence `disable-l7-retry` for POSTs. A `Retry-After` of a second is added to its 503.',
  caddy:
    'It repeats GETs, and what it could not send, for 5 s. It has no queue: beyond the limit of an origin it looks again each 25 ms, for half a second. A `Retry-After` of a second is added to its 503.',
};

function linkedNote(gateway: StormGateway): string {
  const { file } = configurations[gateway];
  const links = [file, `${file}.diff`].map((name) => `[${name}](configurations/${name})`).join(', ');
  return `**${titles[gateway]}** (${links}). ${notes[gateway]}`;
}

function filesOf(gateway: StormGateway): Readonly<Record<string, string>> {
  const { file, text } = configurations[gateway];
  const usual = text(usualSetting);
  const own = storms.filter((storm) => (storm.gateways ?? stormGateways).includes(gateway));
  const differing = Map.groupBy(own, (storm) => differenceBetween(usual, text(settingOf(storm))));
  const differences = [...differing].flatMap(([difference, some]) =>
    difference === '' ? [] : [`In ${some.map(({ name }) => name).join(', ')}:\n${difference}\n`],
  );
  return { [`configurations/${file}`]: usual, [`configurations/${file}.diff`]: differences.join('\n') };
}

function settingOf(storm: (typeof storms)[number]): StormSetting {
  const concurrency = storm.isTold === true ? (storm.places ?? null) : null;
  return { ...usualSetting, ...storm, concurrency };
}

/** The lines that only one of the texts has, in their order. Lines do not move between settings. */
function differenceBetween(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const lines: string[] = [];
  let [at, added]: [number, string[]] = [0, []];
  for (const line of [...now, null]) {
    const found = line === null ? old.length : old.indexOf(line, at);
    if (found < 0) added.push(`+${line}`);
    else {
      lines.push(...old.slice(at, found).map((gone) => `-${gone}`), ...added);
      [at, added] = [found + 1, []];
    }
  }
  return lines.join('\n');
}
