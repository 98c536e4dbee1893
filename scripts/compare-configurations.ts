import { startApplications } from '../test/functions/configurations/applications.ts';
import { isShortEnough, readCases } from '../test/functions/configurations/cases.ts';
import { compareCase, type ComparedCase, isExplained } from '../test/functions/configurations/compare.ts';

// `npm run compare:configurations [-- name …] [--answers]`: configurations as the documents of nginx and Caddy show them, and the
// same for Candor (test/functions/configurations/): how long they are, and whether their answers are the same. The gateways
// of Debian are fetched and not installed. With `--answers`, prints each answer of both.

const args = process.argv.slice(2);
const withAnswers = args.includes('--answers');
const wanted = args.filter((arg) => arg !== '--answers');

async function compare(): Promise<void> {
  const cases = readCases().filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
  const applications = await startApplications();
  try {
    for (const one of cases) {
      if (one.candor === null) {
        console.log(`${one.name}: there is no candor.yaml`);
        continue;
      }
      const compared = await compareCase(one, applications).catch((error: unknown) => {
        console.log(`${one.name}: ${String(error)}`);
        return null;
      });
      if (compared === null) {
        process.exitCode = 1;
        continue;
      }
      print(compared);
      const isGood = isShortEnough(one) && compared.answers.every(isExplained);
      if (!isGood) process.exitCode = 1;
    }
  } finally {
    applications.close();
  }
}

function print({ name, what, lines, answers }: ComparedCase): void {
  const same = answers.filter(({ isSame }) => isSame).length;
  console.log(
    `${name} (${what}): ${lines.peer} lines, Candor ${lines.candor}; ${same} of ${answers.length} answers the same`,
  );
  for (const { request, peer, candor, isSame, differs } of answers) {
    if (isSame && !withAnswers) continue;
    console.log(`  ${request}${isSame ? '' : differs === null ? ': different' : `: different, since ${differs}`}`);
    for (const [side, text] of [
      [name.slice(0, name.indexOf('/')), peer],
      ['Candor', candor],
    ] as const)
      console.log(`    ${side}: ${text.slice(0, 300).trimEnd().replaceAll('\n', '\n      ')}`);
  }
}

await compare();
