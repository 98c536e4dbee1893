import type { ProcessContext } from '../process-context.ts';

/** Runs a command; where it fails, the gateway whose place it was to take hears why before this process ends. */
export async function reportingToPredecessor(context: ProcessContext, command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    await context.predecessor?.failed(error);
    throw error;
  }
}
