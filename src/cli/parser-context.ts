import type { CommandContext } from '@stricli/core';
import type { ProcessContext } from './process-context.ts';

/** The context that the parser passes to every command. */
export interface ParserContext extends CommandContext {
  readonly process: CommandContext['process'] & { exitCode?: number | string | null };
  readonly processContext: ProcessContext;
}

/** Example lines under a command's description. */
export function describe(sentences: string, ...examples: readonly string[]): string {
  return `${sentences}\n\nEXAMPLE\n${examples.map((line) => `  ${line}`).join('\n')}`;
}
