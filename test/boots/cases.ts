import { answerCases } from './cases-answers.ts';
import type { BootCase } from './boot-case.ts';
import { compiledControls, goCases, javaCases } from './cases-compiled.ts';
import { goodStarts } from './cases-controls.ts';
import { nodeExits, nodeHangs } from './cases-node.ts';
import { phpCases, phpControls } from './cases-php.ts';
import { pythonCases } from './cases-python.ts';
import { rubyCases, rubyControls } from './cases-ruby.ts';
import { shellCases } from './cases-shell.ts';

export const bootCases: readonly BootCase[] = [
  ...nodeExits,
  ...nodeHangs,
  ...answerCases,
  ...pythonCases,
  ...rubyCases,
  ...goCases,
  ...javaCases,
  ...phpCases,
  ...shellCases,
  ...goodStarts,
  ...compiledControls,
  ...rubyControls,
  ...phpControls,
];

export function findBootCase(name: string): BootCase {
  const found = bootCases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no case ${name}.`);
  return found;
}
