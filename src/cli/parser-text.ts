import {
  type ApplicationText,
  ArgumentScannerError,
  formatMessageForArgumentScannerError,
  text_en,
} from '@stricli/core';
import { defectText, failureText } from './failure-text.ts';
import { CommandFailure } from './command-failure.ts';
import { noFlagText } from './no-flag-text.ts';

/** The parser's messages in Candor's words, without a stack trace. */
export const parserText: ApplicationText = {
  ...text_en,
  briefs: {
    help: 'Show this help',
    helpAll: 'Show this help, with hidden flags',
    version: 'Show the version',
    argumentEscapeSequence: 'End of the flags of candor',
  },
  noCommandRegisteredForInput: ({ input, corrections }) =>
    corrections.length > 0
      ? `There is no command "${input}"; did you mean ${corrections.join(' or ')}?`
      : `There is no command "${input}". \`candor --help\` lists all commands.`,
  exceptionWhileParsingArguments: (error) =>
    error instanceof ArgumentScannerError
      ? formatMessageForArgumentScannerError(error, {
          ArgumentParseError: ({ externalFlagNameOrPlaceholder, input, exception }) =>
            `"${input}" is not valid for ${externalFlagNameOrPlaceholder}: ${exception instanceof Error ? exception.message : String(exception)}`,
          FlagNotFoundError: ({ input, corrections }) =>
            corrections.length > 0
              ? `There is no flag --${input}; did you mean ${corrections.map(writtenFlag).join(' or ')}?`
              : noFlagText(`--${input}`),
          AliasNotFoundError: ({ input }) => noFlagText(`-${input}`),
          UnsatisfiedPositionalError: ({ placeholder }) =>
            placeholder === 'command'
              ? 'The command to run is missing: candor run -- node server.js'
              : `The <${placeholder}> is missing. \`--help\` has an example.`,
          UnexpectedPositionalError: ({ input }) => unexpectedText(input),
        })
      : defectText(error),
  exceptionWhileLoadingCommandFunction: (error) => defectText(error),
  exceptionWhileLoadingCommandContext: (error) => defectText(error),
  exceptionWhileRunningCommand: (error) => (error instanceof CommandFailure ? failureText(error) : defectText(error)),
};

/** '--ca-file' for `caFile`: the parser suggests the names that the code has. */
function writtenFlag(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function unexpectedText(input: string): string {
  const advice = /\.ya?ml$/.test(input) ? `A configuration is named with -c ${input}.` : '`--help` has an example.';
  return `"${input}" is an unexpected argument. ${advice}`;
}
