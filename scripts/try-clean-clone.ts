import { parseArgs } from 'node:util';
import { networkVariables, type CloneResult, tryCleanClone } from './clean-clone.ts';
import { preparePeer } from './peers.ts';
import { prepareToolchain } from './toolchain.ts';

const usage = `usage: npm run try:clean-clone -- [--npm 10,11,12] [--node own,18,20,24,26] [--test]

Follows the README with the committed state, in an empty folder with an empty HOME: npm ci && npm start, and its curl
lines. --test also runs npm test there, which takes minutes each time.`;

interface Row {
  readonly npm: string;
  readonly node: string;
  readonly trial: CloneResult | null;
  readonly problems: readonly string[];
}

const plan = readPlan();
if (plan === null) {
  console.error(usage);
  process.exitCode = 2;
} else {
  process.exitCode = (await tryAll(plan)) ? 0 : 1;
}

interface Plan {
  readonly npms: readonly string[];
  readonly nodes: readonly string[];
  readonly test: boolean;
}

function readPlan(): Plan | null {
  try {
    const { values } = parseArgs({
      options: { npm: { type: 'string' }, node: { type: 'string' }, test: { type: 'boolean' } },
    });
    const list = (text: string): readonly string[] => text.split(',').map((one) => one.trim());
    const plan = {
      npms: list(values.npm ?? '10,11,12'),
      nodes: list(values.node ?? 'own'),
      test: values.test ?? false,
    };
    const isKnown = plan.npms.every((one) => /^\d+$/.test(one)) && plan.nodes.every((one) => /^(own|\d+)$/.test(one));
    return isKnown ? plan : null;
  } catch {
    return null; // Unknown option.
  }
}

async function tryAll({ npms, nodes, test }: Plan): Promise<boolean> {
  const curl = preparePeer('curl', console.log);
  if ('missing' in curl) {
    console.error(curl.missing);
    return false;
  }
  const passed = networkVariables.filter((name) => process.env[name] !== undefined);
  if (passed.length > 0) console.log(`The environment contains only PATH, HOME and ${passed.join(', ')}.`);
  const rows: Row[] = [];
  for (const node of nodes) {
    for (const npm of npms) rows.push(await tryOne(npm, node, curl.path, test));
  }
  console.log(`\n${table(rows)}`);
  for (const { npm, node, problems } of rows) {
    for (const problem of problems) console.log(`\nnpm ${npm}, Node ${node}: ${problem}`);
  }
  return rows.every(({ problems }) => problems.length === 0);
}

async function tryOne(npm: string, node: string, curl: string, test: boolean): Promise<Row> {
  const toolchain = prepareToolchain(npm, node === 'own' ? null : node);
  if ('missing' in toolchain) return { npm, node, trial: null, problems: [toolchain.missing] };
  console.log(`npm ${toolchain.npm} on Node ${toolchain.node} …`);
  const trial = await tryCleanClone(toolchain, curl, test);
  return { npm: toolchain.npm, node: toolchain.node, trial, problems: trial.problems };
}

function table(rows: readonly Row[]): string {
  const head = ['npm', 'Node', 'npm ci', 'npm start', 'curl', 'elsewhere', 'Ctrl-C', 'npm test'];
  const lines = rows.map(({ npm, node, trial }) =>
    trial === null ? [npm, node, ...Array.from({ length: head.length - 2 }, () => '-')] : [npm, node, ...cells(trial)],
  );
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells({ installS, startS, curls, elsewhere, stopped, tested }: CloneResult): readonly string[] {
  const time = (s: number | null): string => (s === null ? 'failed' : `${s} s`);
  return [
    time(installS),
    time(startS),
    `${curls.right} of ${curls.all}`,
    elsewhere ? 'runs' : 'does not',
    stopped ? 'ends it' : 'does not',
    tested === null ? 'not run' : tested ? 'passes' : 'fails',
  ];
}
