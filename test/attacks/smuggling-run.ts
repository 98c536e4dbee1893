import { attack } from './smuggling/attack.ts';
import { originKinds } from './smuggling/origins.ts';
import { families, smugglingPayloads } from './smuggling/payloads.ts';
import { toolOptions } from '../tool-options.ts';

const usage = `usage: npm run smuggle    every payload, whole and in pieces, to every origin that can be had

  --help

It ends with 0 where nothing was found, 1 where a request reached an origin that the gateway has not counted or anything
else broke the law, 2 for a wrong command line.

example: npm run smuggle
`;

toolOptions(usage, [], {});
const kinds = Object.entries(families).map(([family, payloads]) => `${payloads.length} ${family}`);
console.log(`${smugglingPayloads.length} payloads: ${kinds.join(', ')}`);

for (const kind of originKinds) {
  if (kind.missing !== null) {
    console.log(`${kind.name}: skipped, ${kind.missing}`);
    continue;
  }
  const { outcomes, records, seen, findings } = await attack(kind, smugglingPayloads, ['whole', 'cut']);
  const counts = `${outcomes.length} clients, ${records.length} exchanges, ${seen.length} requests seen by the origin`;
  console.log(`${kind.name}: ${counts}, ${findings.length} findings`);
  for (const finding of findings) console.log(`  ${finding}`);
  if (findings.length > 0) process.exitCode = 1;
}
