import { countsOf, splits, wrongLines } from './corpus.ts';

// How many incidents of the corpus are opened in time and have their cause ranked first: `corpus-claim.ts [own|blind|blind3] [seed]`.
const [, , which = 'blind', seed = '1'] = process.argv;
if (!Object.hasOwn(splits, which)) throw new Error(`no split "${which}": ${Object.keys(splits).join(', ')}`);
const lines = splits[which as keyof typeof splits](Number(seed));
for (const line of wrongLines(lines)) console.log(line);
const { causeFirst, openedInTime, shapeTold, placeTold, nothingElsewhere, quiet } = countsOf(lines);
const text = ({ right, of }: { right: number; of: number }): string => `${right} of ${of}`;
console.log(
  `${which}: cause first in ${text(causeFirst)}, opened in time ${text(openedInTime)}, ` +
    (shapeTold.of === 0 ? '' : `shape told in ${text(shapeTold)}, place in ${text(placeTold)}, `) +
    `no incident elsewhere in ${text(nothingElsewhere)}, no false alarm in ${text(quiet)} controls`,
);
