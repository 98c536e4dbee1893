import {
  type ApplicationText,
  ArgumentScannerError,
  formatMessageForArgumentScannerError,
  text_en,
} from '@stricli/core';
import { defectText, failureText } from './failure-text.ts';
import { CommandFailure } from './command-failure.ts';

/** The sentences of the parser, in our words, and without a stack trace. */
export const parserText: ApplicationText = {
  ...text_en,
  briefs: {
    help: 'Show this help',
    helpAll: 'Show this help, and what is hidden',
    version: 'Show the version',
    argumentEscapeSequence: 'What follows is no flag of candor',
  },
  noCommandRegisteredForInput: ({ input, corrections }) =>
    corrections.length > 0
      ? `There is no command "${input}"; did you mean ${corrections.join(' or ')}?`
      : `There is no command "${input}". \`candor --help\` lists what there is.`,
  exceptionWhileParsingArguments: (error) =>
    error instanceof ArgumentScannerError
      ? formatMessageForArgumentScannerError(error, {
          ArgumentParseError: ({ externalFlagNameOrPlaceholder, input, exception }) =>
            `"${input}" does not fit ${externalFlagNameOrPlaceholder}: ${exception instanceof Error ? exception.message : String(exception)}`,
          FlagNotFoundError: ({ input, corrections }) =>
            corrections.length > 0
              ? `There is no flag --${input}; did you mean ${corrections.map((one) => `--${one}`).join(' or ')}?`
              : `There is no flag --${input}. \`--help\` lists what there is.`,
          AliasNotFoundError: ({ input }) => `There is no flag -${input}. \`--help\` lists what there is.`,
          UnsatisfiedPositionalError: ({ placeholder }) =>
            placeholder === 'command'
              ? 'Say which command to run: candor run -- node server.js'
              : `The <${placeholder}> is missing. \`--help\` has an example.`,
          UnexpectedPositionalError: ({ input }) => `"${input}" is one too many. \`--help\` has an example.`,
        })
      : defectText(error),
  exceptionWhileLoadingCommandFunction: (error) => defectText(error),
  exceptionWhileLoadingCommandContext: (error) => defectText(error),
  exceptionWhileRunningCommand: (error) => (error instanceof CommandFailure ? failureText(error) : defectText(error)),
};
