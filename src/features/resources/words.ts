import { featureWords, type StatusRow } from '../feature-words.ts';
import { holdingText } from './holding-text.ts';
import type { ApplicationResources, ResourcesStatus } from './settings.ts';

export const resourcesWords = featureWords<ResourcesStatus>({
  status: { title: 'RESOURCES', rows: ({ resources }) => resources.flatMap(rowsOf) },
});

/** What is held as it is written is one row. */
function rowsOf({ application, holdings }: ApplicationResources): readonly StatusRow[] {
  const plain = holdings.filter(({ by, remark }) => by !== null && remark === null);
  const others = holdings.filter((one) => !plain.includes(one));
  const held = plain.map(({ setting, value, by }) => `${setting} ${value} (${by})`);
  return [
    ...(held.length === 0 ? [] : [{ tone: 'good', cells: [`${application}: ${held.join(', ')}`] } as const]),
    ...others.map(
      (one): StatusRow => ({
        tone: one.by === null ? (one.isRefused ? 'bad' : 'warn') : 'warn',
        cells: [`${application}: ${holdingText(one)}`],
      }),
    ),
  ];
}
