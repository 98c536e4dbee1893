import type { ProcessContext } from '../process-context.ts';

/** Runs a command. If it fails, sends the reason to the predecessor before this process ends. */
export async function reportingToPredecessor(context: ProcessContext, command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    await context.predecessor?.failed(error);
    throw error;
  }
}
