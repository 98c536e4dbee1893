import { agentGroups, missingAgent } from './agent-groups.ts';
import { starTest } from './glob.ts';

/** The pattern or word of a list that stands for a User-Agent; null: none does. Their case does not matter. */
export function agentTest(patterns: readonly string[]): (userAgent: string | null) => string | null {
  const tests = patterns.flatMap((pattern): (readonly [string, (text: string) => boolean])[] => {
    const group = agentGroups[pattern];
    if (group !== undefined) return [[pattern, (text) => group.some((part) => text.includes(part))]];
    return pattern === missingAgent ? [] : [[pattern, starTest(pattern.toLowerCase())]];
  });
  const ofMissing = patterns.includes(missingAgent) ? missingAgent : null;
  return (userAgent) => {
    if (userAgent === null || userAgent.trim() === '') return ofMissing;
    const text = userAgent.toLowerCase();
    return tests.find(([, test]) => test(text))?.[0] ?? null;
  };
}
